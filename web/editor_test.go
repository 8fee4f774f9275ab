package web_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"guided/routines"
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
		"over one of the user":     {"short", string(body), 200, "saved"},
		"over a built-in one":      {"yoga", string(body), 400, "built in"},
		"one with problems":        {"my-other", `{"toml":"title = 3"}`, 400, `"problems":[{`},
		"a path out of the folder": {"..%2f..%2fx", string(body), 400, "small letters"},
		"a name with a dot":        {"a.b", string(body), 400, "small letters"},
		"a hidden name":            {".x", string(body), 400, "small letters"},
		"a name that is too long":  {strings.Repeat("x", 65), string(body), 400, "small letters"},
		"a link out of the folder": {"linked", string(body), 200, "saved"},
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
	if readFile(t, filepath.Join(p.routinesDir, "my-morning.toml")) != shortRoutine || readFile(t, filepath.Join(p.routinesDir, "short.toml.bak")) != shortRoutine {
		t.Error("the saved file is not what was sent, or the previous one has no backup")
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
