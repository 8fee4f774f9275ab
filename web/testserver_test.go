package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"guided/audio"
	"guided/audio/mix"
	"guided/audio/output"
	"guided/audio/voice"
	"guided/player"
	"guided/routines"
	"guided/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// requireProgram skips a test where a program is not installed, or fails it with CI=true.
func requireProgram(t *testing.T, program string) {
	t.Helper()
	_, err := exec.LookPath(program)
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed, and CI=true allows no skip", program)
	}
	if err != nil {
		t.Skipf("%s is not installed", program)
	}
}

// testServer is a player with a web server on a free port of loopback, in temporary folders.
type testServer struct {
	t           testing.TB
	url         string
	routinesDir string // of the user
	stateDir    string
	cacheDir    string
	library     routines.Library
	bank        *mix.Bank
	player      *player.Player
	tap         *output.Tap
	log         *logBuffer
	client      *http.Client
}

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

const shortRoutine = `title = "A short one"

[[step]]
name = "Settle"
say = "Sit tall."

[[step]]
name    = "Breathe"
breathe = "1-1"
for     = "3 breaths"
`

func newTestServer(t testing.TB, changes ...func(*web.Server)) *testServer {
	t.Helper()
	dir := t.TempDir()
	p := &testServer{
		t: t, routinesDir: filepath.Join(dir, "routines"), stateDir: filepath.Join(dir, "state"), cacheDir: filepath.Join(dir, "cache"), log: &logBuffer{},
		tap: output.NewTap(), client: &http.Client{Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	if err := os.MkdirAll(p.routinesDir, 0o755); err != nil {
		t.Fatal(err)
	}
	p.writeRoutine("short.toml", shortRoutine)
	log := slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	files, err := voice.EmbeddedFS("heart")
	if err != nil {
		t.Fatal(err)
	}
	v, err := voice.OpenRecordedVoice(files)
	if err != nil {
		t.Fatal(err)
	}
	p.library = routines.Library{os.DirFS(p.routinesDir), routines.Builtin()}
	p.bank = mix.NewBank([]voice.Voice{v}, func(name string) (voice.Voice, error) {
		files, err := voice.EmbeddedFS(name)
		if err != nil {
			return nil, err
		}
		return voice.OpenRecordedVoice(files)
	}, audio.InFolders(p.library...), log)
	out, err := output.Open("null", 0, log)
	if err != nil {
		t.Fatal(err)
	}
	p.player = player.New(player.Config{
		Library: p.library, Bank: p.bank, Output: p.tap.Output(out), Volume: 100, Version: "test", PhaseLead: time.Second, Waits: true,
		ClockTrusted: func() bool { return true }, Log: log,
	})
	server := web.Server{
		Config: web.Config{Listen: freePort(t)}, Player: p.player, Library: p.library, Bank: p.bank, Voice: "heart", Tap: p.tap,
		RoutinesDir: p.routinesDir, StateDir: p.stateDir, CacheDir: p.cacheDir, Log: log,
		Options: player.Defaults{}.Options,
	}
	for _, change := range changes {
		change(&server)
	}
	p.stateDir = server.StateDir
	_, port, _ := net.SplitHostPort(server.Config.Listen)
	p.url = "http://127.0.0.1:" + port
	ctx, cancel := context.WithCancel(p.t.Context())
	var parts sync.WaitGroup
	parts.Go(func() { p.player.Run(ctx) })
	parts.Go(func() {
		if err := server.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		p.client.CloseIdleConnections()
		cancel()
		parts.Wait()
	})
	p.waitFor("the server listens", func() bool {
		answer, err := p.client.Get(p.url + "/healthz")
		if err == nil {
			answer.Body.Close()
		}
		return err == nil
	})
	return p
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (p *testServer) writeRoutine(file, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.routinesDir, file), []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

func (p *testServer) waitFor(what string, ok func() bool) {
	p.t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(end) {
			p.t.Fatalf("waited in vain until %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// response is a response, read whole.
type response struct {
	status int
	header http.Header
	body   string
}

// request sends a request; each header is "Name: value", and the body is JSON.
func (p *testServer) request(method, path, body string, headers ...string) response {
	p.t.Helper()
	r, err := http.NewRequest(method, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if method == "POST" || method == "PUT" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
		}
		r.Header.Set(name, value)
	}
	answer, err := p.client.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	return response{answer.StatusCode, answer.Header, string(data)}
}

func (p *testServer) get(path string, headers ...string) response {
	p.t.Helper()
	return p.request("GET", path, "", headers...)
}

// raw sends bytes as they are, and returns what comes back before the connection ends or falls silent.
func (p *testServer) raw(request string) string {
	p.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, request); err != nil {
		p.t.Logf("sending: %v", err) // the server may answer before it has everything
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body) // the connection may be cut after an error
	return answer.Proto + " " + answer.Status + "\n" + string(body)
}

// decode decodes a response, which must have status 200.
func (p *testServer) decode(r response, v any) {
	p.t.Helper()
	if r.status != http.StatusOK {
		p.t.Fatalf("%d: %s", r.status, r.body)
	}
	if err := json.Unmarshal([]byte(r.body), v); err != nil {
		p.t.Fatal(err)
	}
}

// audioPath waits for the library and returns the path of its audio files.
func (p *testServer) audioPath() string {
	p.t.Helper()
	var list struct {
		Routines []struct{ WAV string }
	}
	p.waitFor("the library is read", func() bool {
		p.decode(p.get("/api/routines", p.login()...), &list)
		return len(list.Routines) > 0
	})
	path := list.Routines[0].WAV
	return path[:strings.LastIndex(path, "/")+1]
}

// login is the header with the token, where there is one in a file.
func (p *testServer) login() []string {
	data, err := os.ReadFile(filepath.Join(p.stateDir, web.TokenFile))
	if err != nil {
		return nil
	}
	return []string{"Authorization: Bearer " + strings.TrimSpace(string(data))}
}

// token is the generated token.
func (p *testServer) token() string {
	data, err := os.ReadFile(filepath.Join(p.stateDir, web.TokenFile))
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}

// renderWAV returns a routine as guided render writes it.
func (p *testServer) renderWAV(name string, o routines.Options) string {
	p.t.Helper()
	r, err := p.library.Load(p.t.Context(), name)
	if err != nil {
		p.t.Fatal(err)
	}
	score, err := routines.Compile(p.t.Context(), r, p.bank.Measure, o)
	if err != nil {
		p.t.Fatal(err)
	}
	clips, err := p.bank.Load(p.t.Context(), score)
	if err != nil {
		p.t.Fatal(err)
	}
	var b strings.Builder
	if err := audio.WriteWAV(&b, mix.Render(score, clips), score.Len, nil); err != nil {
		p.t.Fatal(err)
	}
	return b.String()
}

// difference describes the first difference of two files; it is empty where they are equal.
func difference(got, want string) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d bytes, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			return fmt.Sprintf("byte %d differs", i)
		}
	}
	return ""
}

func readFile(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
