package web_test

import (
	"context"
	"encoding/json"
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

	"guided/audio/mix"
	"guided/audio/output"
	"guided/audio/voice"
	"guided/player"
	"guided/routines"
	"guided/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// need skips a test for want of a program, and fails it where everything must be there.
func need(t *testing.T, program string) {
	t.Helper()
	_, err := exec.LookPath(program)
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed, and CI=true allows no skip", program)
	}
	if err != nil {
		t.Skipf("%s is not installed", program)
	}
}

// place is a guided of a test's own, with its web server on a free port of loopback.
type place struct {
	t       testing.TB
	url     string
	own     string // the folder of the user's routines
	state   string
	cache   string
	library routines.Library
	bank    *mix.Bank
	player  *player.Player
	tap     *output.Tap
	log     *logBook
	client  *http.Client
}

// logBook is a log that may be read while it is written.
type logBook struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logBook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logBook) String() string {
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

func newPlace(t testing.TB, changes ...func(*web.Server)) *place {
	t.Helper()
	dir := t.TempDir()
	p := &place{
		t: t, own: filepath.Join(dir, "routines"), state: filepath.Join(dir, "state"), cache: filepath.Join(dir, "cache"), log: &logBook{},
		tap: output.NewTap(), client: &http.Client{Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	if err := os.MkdirAll(p.own, 0o755); err != nil {
		t.Fatal(err)
	}
	p.write("short.toml", shortRoutine)
	log := slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	files, err := voice.Embedded("heart")
	if err != nil {
		t.Fatal(err)
	}
	v, err := voice.OpenFolder(files)
	if err != nil {
		t.Fatal(err)
	}
	p.library = routines.Library{os.DirFS(p.own), routines.Builtin()}
	p.bank = mix.NewBank([]voice.Voice{v}, func(name string) (voice.Voice, error) {
		files, err := voice.Embedded(name)
		if err != nil {
			return nil, err
		}
		return voice.OpenFolder(files)
	}, p.library.Open, log)
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
		RoutinesDir: p.own, StateDir: p.state, CacheDir: p.cache, Log: log,
		Options: func(o player.Parameters) routines.Options {
			options := routines.Options{For: o.For, Verbosity: o.Verbosity, Bed: o.Bed}
			if o.Holds != nil {
				options.NoHolds = !*o.Holds
			}
			return options
		},
	}
	for _, change := range changes {
		change(&server)
	}
	p.state = server.StateDir
	_, port, _ := net.SplitHostPort(server.Config.Listen)
	p.url = "http://127.0.0.1:" + port
	ctx, cancel := context.WithCancel(context.Background())
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
	p.eventually("the server listens", func() bool {
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

func (p *place) write(file, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.own, file), []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) eventually(what string, ok func() bool) {
	p.t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(end) {
			p.t.Fatalf("waited in vain until %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// reply is an answer, read whole.
type reply struct {
	status int
	header http.Header
	body   string
}

// ask sends a request; each header is "Name: value", and a body goes as JSON.
func (p *place) ask(method, path, body string, headers ...string) reply {
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
	return reply{answer.StatusCode, answer.Header, string(data)}
}

func (p *place) get(path string, headers ...string) reply {
	p.t.Helper()
	return p.ask("GET", path, "", headers...)
}

// json reads an answer that has to be good.
func (p *place) json(r reply, v any) {
	p.t.Helper()
	if r.status != http.StatusOK {
		p.t.Fatalf("%d: %s", r.status, r.body)
	}
	if err := json.Unmarshal([]byte(r.body), v); err != nil {
		p.t.Fatal(err)
	}
}

// audio is the path under which the files are.
func (p *place) audio() string {
	p.t.Helper()
	var list struct {
		Routines []struct{ WAV string }
	}
	p.eventually("the library is read", func() bool {
		p.json(p.get("/api/routines", "Authorization: Bearer "+p.token()), &list)
		return len(list.Routines) > 0
	})
	path := list.Routines[0].WAV
	return path[:strings.LastIndex(path, "/")+1]
}

// token is the one that was made at random.
func (p *place) token() string {
	data, err := os.ReadFile(filepath.Join(p.state, web.TokenFile))
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}
