package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"guided/player"
	"guided/web"
)

// hostileBodies are bodies that no page sends.
func hostileBodies() []string {
	return []string{
		"null", "[]", `""`, `"start"`, "7", "-1", "true", "{", "}", `{"toml":`, `{"toml":null,}`, `{"toml":7}`, `{"toml":[]}`, `{"toml":{}}`, `{"routine":["yoga"]}`, `{"routine":{}}`,
		"[" + strings.Repeat("[", 20_000), strings.Repeat(`{"toml":`, 20_000), `{"toml":""}{"toml":""}`, `{"toml":"a","toml":"b"}`, `{"toml":"a","TOML":"b"}`,
		`{"volume":1e999}`, `{"volume":-0.5}`, `{"volume":"NaN"}`, `{"volume":99999999999999999999}`, `{"for":"1e9h"}`, `{"for":-5}`, "\xff\xfe", "{\"toml\":\"\xff\"}", "\x00", "\xef\xbb\xbf{}", `{"toml":"\ud800"}x`,
	}
}

func TestAPIBodiesThatNobodySends(t *testing.T) {
	p := newTestServer(t)
	for _, body := range hostileBodies() {
		for _, r := range []struct{ method, path string }{{"POST", "/api/start"}, {"POST", "/api/volume"}, {"POST", "/api/check"}, {"PUT", "/api/routines/mine"}} {
			got := p.request(r.method, r.path, body)
			var answer struct{ Error string }
			if err := json.Unmarshal([]byte(got.body), &answer); got.status != http.StatusBadRequest || err != nil || answer.Error == "" || strings.Contains(answer.Error, "Go struct") {
				t.Errorf("%s %s %.60q: %d %.200s", r.method, r.path, body, got.status, got.body)
			}
		}
	}
	if got := p.request("POST", "/api/start", ""); got.status == http.StatusInternalServerError {
		t.Errorf("no body: %d: %s", got.status, got.body)
	}
}

// A request never tells whether a path of the machine exists, or what it is.
func TestAPITellsNoPaths(t *testing.T) {
	p := newTestServer(t)
	base := p.audioPath()
	answers := func(name string) []response {
		quoted, err := json.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		routine := fmt.Sprintf("title = \"x\"\n[[step]]\nsay = \"Hello.\"\nsound = %s\n", quoted)
		source, err := json.Marshal(map[string]string{"toml": routine})
		if err != nil {
			t.Fatal(err)
		}
		bed, err := json.Marshal(map[string]string{"toml": fmt.Sprintf("title = \"x\"\nbed = %s\n[[step]]\nsay = \"Hello.\"\n", quoted)})
		if err != nil {
			t.Fatal(err)
		}
		included, err := json.Marshal(map[string]string{"toml": fmt.Sprintf("title = \"x\"\n[[step]]\ninclude = %s\n", quoted)})
		if err != nil {
			t.Fatal(err)
		}
		escaped := strings.NewReplacer("/", "%2F", ".", "%2E").Replace(name)
		return []response{
			p.get(base + "short.wav?voice=" + escaped), p.get(base + "short.wav?bed=" + escaped), p.get(base + "short.flac?voice=" + escaped), p.get(base + escaped + ".wav"),
			p.get("/api/timeline/short.svg?voice=" + escaped), p.get("/api/routines/" + escaped), p.get("/api/routines/short/breaths?bed=" + escaped),
			p.request("POST", "/api/start", `{"routine":"short","voice":`+string(quoted)+`}`), p.request("POST", "/api/start", `{"routine":"short","bed":`+string(quoted)+`}`),
			p.request("POST", "/api/start", `{"routine":`+string(quoted)+`}`),
			p.request("POST", "/api/check", string(source)), p.request("POST", "/api/check", string(bed)), p.request("POST", "/api/check", string(included)),
			p.request("PUT", "/api/routines/"+escaped, string(source)), p.request("DELETE", "/api/routines/"+escaped, ""),
		}
	}
	for _, pair := range [][2]string{{"/etc", "/eTc"}, {"/etc/passwd", "/etc/pAsswd"}, {"../state", "../stAte"}, {"../../x/..", "../../y/.."}} {
		there, missing := answers(pair[0]), answers(pair[1])
		for i := range there {
			same := strings.NewReplacer(strings.ToLower(pair[1]), "PATH", pair[1], "PATH", pair[0], "PATH", escapeJSON(pair[1]), "PATH")
			if a, b := same.Replace(strings.ToLower(there[i].body)), same.Replace(strings.ToLower(missing[i].body)); there[i].status != missing[i].status || a != b {
				t.Errorf("%d, %q and %q: %d and %d, %.200s and %.200s", i, pair[0], pair[1], there[i].status, missing[i].status, a, b)
			}
			for _, dir := range []string{p.routinesDir, p.stateDir, p.cacheDir} {
				if strings.Contains(there[i].body, dir) {
					t.Errorf("%d, %q names a folder: %.200s", i, pair[0], there[i].body)
				}
			}
		}
	}
}

func escapeJSON(s string) string { return strings.ReplaceAll(s, "/", `\/`) }

// Bodies that do not come hold a bounded number of connections for a bounded time, with and without a login, and meanwhile
// everything else goes on.
func TestSlowBodies(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*web.Server)
		body   int
		begin  string
	}{
		"small":           {func(*web.Server) {}, 1000, "POST /api/check"},
		"large":           {func(*web.Server) {}, 250_000, "PUT /api/routines/mine"},
		"without a login": {withToken, 250_000, "POST /api/check"},
		"for a file":      {func(*web.Server) {}, 250_000, "GET /page/app.js"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newTestServer(t, tt.change)
			var slow []net.Conn
			for range 400 {
				c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				slow = append(slow, c)
				fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n{", tt.begin, tt.body)
			}
			if got := p.get("/api/state", "Authorization: Bearer "+testToken); got.status != http.StatusOK && got.status != http.StatusUnauthorized {
				t.Errorf("%d: %s", got.status, got.body)
			}
			p.waitFor("a command is carried out", func() bool {
				return p.request("POST", "/api/status", "{}", "Authorization: Bearer "+testToken).status != http.StatusServiceUnavailable
			})
			for i, c := range slow { // each gets an answer, or is closed
				if tt.body > 1000 { // after a quarter of a minute: not waited for here
					break
				}
				_ = c.SetReadDeadline(time.Now().Add(40 * time.Second))
				if _, err := io.ReadAll(c); errors.Is(err, os.ErrDeadlineExceeded) {
					t.Fatalf("connection %d stays", i)
				}
			}
		})
	}
}

// A save whose client leaves in the middle of it saves nothing.
func TestEditorSaveCutShort(t *testing.T) {
	p := newTestServer(t)
	body, err := json.Marshal(map[string]string{"toml": shortRoutine})
	if err != nil {
		t.Fatal(err)
	}
	for _, cut := range []int{1, len(body) / 2, len(body) - 1} {
		c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "PUT /api/routines/cut HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body[:cut])
		if err := c.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(c)
		c.Close()
		if !strings.Contains(string(answer), " 400 ") {
			t.Errorf("cut after %d bytes: %.200s", cut, answer)
		}
	}
	if got := p.get("/api/routines/cut"); got.status != http.StatusNotFound {
		t.Errorf("%d: %.200s", got.status, got.body)
	}
}

// Commands of the page go the way that the daemon gives them, not past it.
func TestCommandsGoThroughDo(t *testing.T) {
	var count atomic.Int32
	p := newTestServer(t, func(s *web.Server) {
		do := s.Player.DoParsed
		s.Do = func(c player.Command, err error) player.Response { count.Add(1); return do(c, err) }
	})
	p.request("POST", "/api/status", "{}")
	p.request("POST", "/api/nonsense", "{}")
	if count.Load() != 2 {
		t.Errorf("%d of 2 commands", count.Load())
	}
}

func FuzzAPIBody(f *testing.F) {
	for _, body := range append(hostileBodies(), `{"routine":"short"}`, `{"toml":"title = \"x\"\n[[step]]\nbreathe = \"4-4\"\nfor = \"1m\"\n"}`, `{"volume":40,"transaction":"7"}`) {
		f.Add(body)
	}
	p := newTestServer(f)
	f.Fuzz(func(t *testing.T, body string) {
		for _, r := range []struct{ method, path string }{{"POST", "/api/select"}, {"POST", "/api/volume"}, {"POST", "/api/check"}, {"PUT", "/api/routines/yoga"}} {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			request, err := http.NewRequestWithContext(ctx, r.method, p.url+r.path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/json")
			answer, err := p.client.Do(request)
			if err != nil {
				t.Fatalf("%s %s %q: %v", r.method, r.path, body, err)
			}
			data, err := io.ReadAll(answer.Body)
			answer.Body.Close()
			switch {
			case err != nil || !json.Valid(data):
				t.Errorf("%s %s %q: %v, %q", r.method, r.path, body, err, data)
			case answer.StatusCode != 200 && answer.StatusCode != 400 && answer.StatusCode != 413 && answer.StatusCode != 503:
				t.Errorf("%s %s %q: %d", r.method, r.path, body, answer.StatusCode)
			}
		}
	})
}
