package web_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"guided/routines"
	"guided/web"
)

// checkResponse is the response of POST /api/check.
type checkResponse struct {
	Problems []struct {
		Line             int
		Step, What, Hint string
	}
	Length   float64 `json:"length_s"`
	Timeline []struct{ Name string }
	SVG      string
	Preview  string
}

func (p *testServer) checkTOML(text string) checkResponse {
	p.t.Helper()
	data, err := json.Marshal(map[string]string{"toml": text, "name": "draft"})
	if err != nil {
		p.t.Fatal(err)
	}
	var c checkResponse
	p.decode(p.request("POST", "/api/check", string(data)), &c)
	return c
}

func TestEditorCheckAndPreview(t *testing.T) {
	p := newTestServer(t)
	good := p.checkTOML(shortRoutine)
	if len(good.Problems) > 0 || good.Length < 5 || len(good.Timeline) != 2 || !strings.Contains(good.SVG, "<svg") {
		t.Fatalf("%+v", good)
	}
	if d := difference(p.get(good.Preview).body, p.renderWAV("short", routines.Options{})); d != "" {
		t.Errorf("the preview: %s", d)
	}
	bad := p.checkTOML("title = \"Bad\"\n\n[[step]]\nname = \"Stay\"\nhold = 5\n")
	if len(bad.Problems) != 1 || bad.Problems[0].Line != 5 || !strings.Contains(bad.Problems[0].Step, "Stay") || bad.Problems[0].Hint == "" || bad.Preview != "" {
		t.Errorf("%+v", bad)
	}
	for range 8 {
		p.checkTOML(strings.Replace(shortRoutine, "A short one", "Another "+time.Now().String(), 1))
	}
	if got := p.get(good.Preview); got.status != 404 {
		t.Errorf("the preview of an old draft: %d", got.status)
	}
}

func TestEditorSaveAndRemove(t *testing.T) {
	p := newTestServer(t)
	body, err := json.Marshal(map[string]string{"toml": shortRoutine})
	if err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("outside"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(p.routinesDir, "linked.toml")); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		name   string
		body   string
		status int
		says   string
	}{
		"a new one":                {"my-morning", string(body), 200, `"saved":"my-morning"`},
		"the same text again":      {"short", string(body), 200, "saved"},
		"over a built-in one":      {"yoga", string(body), 400, "built in"},
		"one with problems":        {"my-other", `{"toml":"title = 3"}`, 400, `"problems":[{`},
		"a path out of the folder": {"..%2f..%2fx", string(body), 400, "small letters"},
		"a name with a dot":        {"a.b", string(body), 400, "small letters"},
		"a hidden name":            {".x", string(body), 400, "small letters"},
		"a name that is too long":  {strings.Repeat("x", 65), string(body), 400, "small letters"},
		"a link out of the folder": {"linked", `{"replace":true,` + string(body)[1:], 200, "saved"},
		"a body with unknown keys": {"my-morning", `{"tolm":""}`, 400, "tolm"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := p.request("PUT", "/api/routines/"+tt.name, tt.body); got.status != tt.status || !strings.Contains(got.body, tt.says) {
				t.Errorf("%d, want %d: %s", got.status, tt.status, got.body)
			}
		})
	}
	if readFile(t, outside) != "outside" {
		t.Error("a file outside the folder was changed")
	}
	if readFile(t, filepath.Join(p.routinesDir, "my-morning.toml")) != shortRoutine {
		t.Error("the saved file is not what was sent")
	}
	p.waitFor("the player knows it", func() bool { return strings.Contains(p.get("/api/routines").body, `"my-morning"`) })
	if got := p.request("DELETE", "/api/routines/my-morning", ""); got.status != 200 || readFile(t, filepath.Join(p.routinesDir, "my-morning.toml.bak")) != shortRoutine {
		t.Errorf("%d: %s", got.status, got.body)
	}
	for _, name := range []string{"my-morning", "yoga", "..%2fx"} {
		if got := p.request("DELETE", "/api/routines/"+name, ""); got.status != 404 {
			t.Errorf("deleting %s: %d", name, got.status)
		}
	}
	left, err := filepath.Glob(filepath.Join(p.routinesDir, ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("temporary files left behind: %v", left)
	}
}

// No slip loses a text: not a name that is taken, not an editor that was opened before the file changed, not a second click.
func TestEditorSaveReplacesOnlyWhatWasSeen(t *testing.T) {
	p := newTestServer(t)
	text := func(line string) string { return strings.Replace(shortRoutine, "Sit tall.", line, 1) }
	file, backup := filepath.Join(p.routinesDir, "short.toml"), filepath.Join(p.routinesDir, "short.toml.bak")
	p.writeRoutine("Capital.toml", text("It is there."))
	var opened struct{ TOML, Version string }
	got := p.get("/api/routines/short")
	p.decode(got, &opened)
	if got.header.Get("ETag") != `"`+opened.Version+`"` || opened.TOML != shortRoutine {
		t.Errorf("version %q, ETag %s", opened.Version, got.header.Get("ETag"))
	}
	save := func(name, line string, keys map[string]any, headers ...string) response {
		body := map[string]any{"toml": text(line)}
		for k, v := range keys {
			body[k] = v
		}
		data, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		return p.request("PUT", "/api/routines/"+name, string(data), headers...)
	}
	for _, tt := range []struct {
		what, name, line string
		keys             map[string]any
		headers          []string
		status           int
		after, before    string // the file and its backup afterwards
	}{
		{"a name that is taken", "short", "One.", nil, nil, 409, "Sit tall.", ""},
		{"a version that never was", "short", "One.", map[string]any{"version": "0123"}, nil, 409, "Sit tall.", ""},
		{"If-Match with another version", "short", "One.", nil, []string{`If-Match: "0123"`}, 412, "Sit tall.", ""},
		{"If-None-Match", "short", "One.", nil, []string{"If-None-Match: *"}, 412, "Sit tall.", ""},
		{"the version that was opened", "short", "One.", map[string]any{"version": opened.Version}, nil, 200, "One.", "Sit tall."},
		{"a second click", "short", "One.", map[string]any{"version": opened.Version}, nil, 200, "One.", "Sit tall."},
		{"another editor of the first version", "short", "Two.", map[string]any{"version": opened.Version}, nil, 409, "One.", "Sit tall."},
		{"another editor, by If-Match", "short", "Two.", nil, []string{`If-Match: "` + opened.Version + `"`}, 412, "One.", "Sit tall."},
		{"a second thought", "short", "Two.", map[string]any{"version": opened.Version, "replace": true}, nil, 200, "Two.", "One."},
		{"a file that differs in capitals", "capital", "One.", map[string]any{"replace": true}, nil, 409, "Two.", "One."},
	} {
		got := save(tt.name, tt.line, tt.keys, tt.headers...)
		before := ""
		if data, err := os.ReadFile(backup); err == nil {
			before = string(data)
		}
		if got.status != tt.status || readFile(t, file) != text(tt.after) || tt.before != "" && before != text(tt.before) || tt.before == "" && before != "" {
			t.Errorf("%s: %d, want %d: %s", tt.what, got.status, tt.status, got.body)
		}
	}
	p.decode(p.get("/api/routines/short"), &opened)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if got := save("short", "Three.", map[string]any{"version": opened.Version}); got.status != 409 || !strings.Contains(got.body, "removed") {
		t.Errorf("a routine that was removed elsewhere: %d: %s", got.status, got.body)
	}
}

func TestEditorSaveOfManyAtOnce(t *testing.T) {
	p := newTestServer(t)
	var saves sync.WaitGroup
	statuses := make(chan int, 6)
	for i := range cap(statuses) {
		saves.Go(func() {
			data, _ := json.Marshal(map[string]string{"toml": strings.Replace(shortRoutine, "Sit tall.", fmt.Sprintf("Number %d.", i), 1)})
			statuses <- p.request("PUT", "/api/routines/fresh", string(data)).status
		})
	}
	saves.Wait()
	saved := 0
	for range cap(statuses) {
		if status := <-statuses; status == 200 {
			saved++
		} else if status != 409 {
			t.Errorf("%d", status)
		}
	}
	if saved != 1 {
		t.Errorf("%d of them were saved as new", saved)
	}
}

func TestEditorCheckTellsOfTakenNames(t *testing.T) {
	p := newTestServer(t)
	p.audioPath()
	var taken struct{ Title string }
	p.decode(p.get("/api/routines/yoga"), &taken)
	for name, tt := range map[string]struct{ title, name, says string }{
		"a built-in title": {strings.ToUpper(taken.Title), "mine", "built-in routine"},
		"a built-in name":  {"My own", "yoga", "is the name of a built-in"},
		"a fresh one":      {"My own", "mine", ""},
		"itself":           {"A short one", "short", ""},
	} {
		body, err := json.Marshal(map[string]string{"toml": strings.Replace(shortRoutine, "A short one", tt.title, 1), "name": tt.name})
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ Notes []struct{ What string } }
		p.decode(p.request("POST", "/api/check", string(body)), &got)
		if tt.says == "" && len(got.Notes) > 0 || tt.says != "" && (len(got.Notes) != 1 || !strings.Contains(got.Notes[0].What, tt.says)) {
			t.Errorf("%s: %+v", name, got.Notes)
		}
	}
}

// A folder that cannot be written to is told of without its path.
func TestEditorSaveFailureNamesNoPath(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a-file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := newTestServer(t, func(s *web.Server) { s.RoutinesDir = filepath.Join(file, "routines") })
	data, err := json.Marshal(map[string]string{"toml": shortRoutine})
	if err != nil {
		t.Fatal(err)
	}
	if got := p.request("PUT", "/api/routines/mine", string(data)); got.status < 500 || strings.Contains(got.body, dir) || !strings.Contains(got.body, "folder") {
		t.Errorf("%d: %s", got.status, got.body)
	}
}

func TestEditorRemovesUnfinishedSaves(t *testing.T) {
	dir := t.TempDir()
	left, other := filepath.Join(dir, ".short.toml."+rand.Text()), filepath.Join(dir, ".short.toml.swp")
	for _, file := range []string{left, other} {
		if err := os.WriteFile(file, []byte("title ="), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	newTestServer(t, func(s *web.Server) { s.RoutinesDir = dir })
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("the file of a killed process is there: %v", err)
	}
	if _, err := os.Stat(other); err != nil {
		t.Errorf("a file of another program: %v", err)
	}
}
