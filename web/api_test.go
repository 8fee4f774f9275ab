package web_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"guided/player"
	"guided/routines"
)

func TestCommandsGoToThePlayer(t *testing.T) {
	p := newPlace(t)
	for _, tt := range []struct {
		verb, body string
		status     int
		says       string
		state      player.Status
	}{
		{"start", `{"routine":"4-4-6","for":"2m","volume":40}`, 200, `"status":"ok"`, player.Playing},
		{"start", `{"routine":"4-4-6","for":"2m","volume":40}`, 200, `"unchanged":true`, player.Playing},
		{"pause", "", 200, `"command":"pause"`, player.Paused},
		{"volume", `{"volume":70,"transaction":"7"}`, 200, `"transaction":"7"`, player.Paused},
		{"start", `{"routine":"4-4-7"}`, 400, `did you mean`, player.Paused},
		{"start", `{"rutine":"4-4-6"}`, 400, `routine`, player.Paused},
		{"pasue", `{}`, 400, `did you mean`, player.Paused},
		{"pause", `[1]`, 400, `no JSON object`, player.Paused},
		{"pause", `null`, 400, `no JSON object`, player.Paused},
		{"start", `{"command":"stop","routine":"4-4-6"}`, 200, `"command":"start"`, player.Playing},
		{"stop", `{}`, 200, `"status":"ok"`, player.Idle},
	} {
		if got := p.ask("POST", "/api/"+tt.verb, tt.body); got.status != tt.status || !strings.Contains(got.body, tt.says) {
			t.Errorf("%s %s: %d, want %d: %s", tt.verb, tt.body, got.status, tt.status, got.body)
		}
		var s player.State
		p.eventually(tt.verb+" is heard", func() bool {
			p.json(p.get("/api/state"), &s)
			return s.State == tt.state
		})
	}
}

func TestTheLibraryIsTold(t *testing.T) {
	p := newPlace(t)
	base := p.audio()
	var list struct {
		Routines []struct {
			Name, Title, WAV, FLAC string
			Own                    bool
			Length                 float64 `json:"length_s"`
		}
	}
	p.json(p.get("/api/routines"), &list)
	found := 0
	for _, r := range list.Routines {
		switch r.Name {
		case "short", "4-4-6":
			found++
			if r.Own != (r.Name == "short") || r.WAV != base+r.Name+".wav" || r.FLAC != base+r.Name+".flac" || r.Length < 5 {
				t.Errorf("%+v", r)
			}
		}
	}
	if found != 2 {
		t.Errorf("found %d of 2 in %+v", found, list)
	}
}

func TestOneRoutineIsTold(t *testing.T) {
	p := newPlace(t)
	p.audio()
	var got struct {
		Name, Title, TOML string
		Own               bool
		Timeline          []struct {
			Name, Kind string
			Breaths    int
			From       float64 `json:"from_s"`
			Len        float64 `json:"len_s"`
		}
	}
	p.json(p.get("/api/routines/short"), &got)
	if got.Title != "A short one" || got.TOML != shortRoutine || !got.Own || len(got.Timeline) != 2 || got.Timeline[1].Breaths != 3 || got.Timeline[1].Kind != "breathe" || got.Timeline[0].Kind != "say" {
		t.Errorf("%+v", got)
	}
	var breaths []struct {
		At     float64 `json:"at_s"`
		Phases []struct {
			Name string
			At   float64 `json:"at_s"`
			Len  float64 `json:"len_s"`
		}
	}
	p.json(p.get("/api/routines/short/breaths"), &breaths)
	if len(breaths) != 3 || len(breaths[0].Phases) != 2 || breaths[0].Phases[1].Name != "out" || math.Abs(breaths[1].At-breaths[0].At-2) > 0.001 {
		t.Errorf("%+v", breaths)
	}
	if r := p.get("/api/routines/shrot"); r.status != 404 || !strings.Contains(r.body, "did you mean") {
		t.Errorf("%d: %s", r.status, r.body)
	}
	if r := p.get("/api/routines/..%2f..%2fetc%2fpasswd"); r.status != 404 {
		t.Errorf("%d: %s", r.status, r.body)
	}
	p.write("broken.toml", "title = \"Broken\"\n[[step]]\nhold = 5\n")
	if r := p.get("/api/routines/broken"); r.status != 200 || !strings.Contains(r.body, "hold = 5") {
		t.Errorf("one with problems cannot be mended: %d: %s", r.status, r.body)
	}
	if r := p.get("/api/timeline/short.svg?for=30s"); r.status != 200 || !strings.Contains(r.body, "</svg>") || r.header.Get("Content-Type") != "image/svg+xml" {
		t.Errorf("%d: %s", r.status, r.body)
	}
}

// checkResponse is the answer to a check.
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

func (p *place) check(text string) checkResponse {
	p.t.Helper()
	data, err := json.Marshal(map[string]string{"toml": text, "name": "draft"})
	if err != nil {
		p.t.Fatal(err)
	}
	var c checkResponse
	p.json(p.ask("POST", "/api/check", string(data)), &c)
	return c
}

func TestADraftIsCheckedAndHeard(t *testing.T) {
	p := newPlace(t)
	good := p.check(shortRoutine)
	if len(good.Problems) > 0 || good.Length < 5 || len(good.Timeline) != 2 || !strings.Contains(good.SVG, "<svg") {
		t.Fatalf("%+v", good)
	}
	if d := differ(p.get(good.Preview).body, p.rendered("short", routines.Options{})); d != "" {
		t.Errorf("the preview: %s", d)
	}
	bad := p.check("title = \"Bad\"\n\n[[step]]\nname = \"Stay\"\nhold = 5\n")
	if len(bad.Problems) != 1 || bad.Problems[0].Line != 5 || !strings.Contains(bad.Problems[0].Step, "Stay") || bad.Problems[0].Hint == "" || bad.Preview != "" {
		t.Errorf("%+v", bad)
	}
	for range 8 {
		p.check(strings.Replace(shortRoutine, "A short one", "Another "+time.Now().String(), 1))
	}
	if got := p.get(good.Preview); got.status != 404 {
		t.Errorf("a draft of long ago: %d", got.status)
	}
}

func TestSaving(t *testing.T) {
	p := newPlace(t)
	body, err := json.Marshal(map[string]string{"toml": shortRoutine})
	if err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("outside"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(p.own, "linked.toml")); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		name   string
		body   string
		status int
		says   string
	}{
		"a new one":               {"my-morning", string(body), 200, `"saved":"my-morning"`},
		"over one's own":          {"short", string(body), 200, "saved"},
		"over a built-in one":     {"yoga", string(body), 400, "built in"},
		"one with problems":       {"my-other", `{"toml":"title = 3"}`, 400, `"problems":[{`},
		"a path that leads out":   {"..%2f..%2fx", string(body), 400, "small letters"},
		"a name with a dot":       {"a.b", string(body), 400, "small letters"},
		"a hidden name":           {".x", string(body), 400, "small letters"},
		"a name that is too long": {strings.Repeat("x", 65), string(body), 400, "small letters"},
		"a link that leads out":   {"linked", string(body), 200, "saved"},
		"a body with other keys":  {"my-morning", `{"tolm":""}`, 400, "tolm"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := p.ask("PUT", "/api/routines/"+tt.name, tt.body); got.status != tt.status || !strings.Contains(got.body, tt.says) {
				t.Errorf("%d, want %d: %s", got.status, tt.status, got.body)
			}
		})
	}
	if read(t, outside) != "outside" {
		t.Error("a file outside the folder was changed")
	}
	if read(t, filepath.Join(p.own, "my-morning.toml")) != shortRoutine || read(t, filepath.Join(p.own, "short.toml.bak")) != shortRoutine {
		t.Error("what was saved is not what was sent, or what was there is lost")
	}
	p.eventually("the player knows it", func() bool { return strings.Contains(p.get("/api/routines").body, `"my-morning"`) })
	if got := p.ask("DELETE", "/api/routines/my-morning", ""); got.status != 200 || read(t, filepath.Join(p.own, "my-morning.toml.bak")) != shortRoutine {
		t.Errorf("%d: %s", got.status, got.body)
	}
	for _, name := range []string{"my-morning", "yoga", "..%2fx"} {
		if got := p.ask("DELETE", "/api/routines/"+name, ""); got.status != 404 {
			t.Errorf("deleting %s: %d", name, got.status)
		}
	}
	left, err := filepath.Glob(filepath.Join(p.own, ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
