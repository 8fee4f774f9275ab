package web_test

import (
	"math"
	"strings"
	"testing"
)

func TestAPIRoutinesListsLibrary(t *testing.T) {
	p := newTestServer(t)
	base := p.audioPath()
	var list struct {
		Routines []struct {
			Name, Title, WAV, FLAC string
			Own                    bool
			Length                 float64 `json:"length_s"`
		}
	}
	p.decode(p.get("/api/routines"), &list)
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

func TestAPIRoutineWithTimelineAndBreaths(t *testing.T) {
	p := newTestServer(t)
	p.audioPath()
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
	p.decode(p.get("/api/routines/short"), &got)
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
	p.decode(p.get("/api/routines/short/breaths"), &breaths)
	if len(breaths) != 3 || len(breaths[0].Phases) != 2 || breaths[0].Phases[1].Name != "out" || math.Abs(breaths[1].At-breaths[0].At-2) > 0.001 {
		t.Errorf("%+v", breaths)
	}
	if r := p.get("/api/routines/shrot"); r.status != 404 || !strings.Contains(r.body, "did you mean") {
		t.Errorf("%d: %s", r.status, r.body)
	}
	if r := p.get("/api/routines/..%2f..%2fetc%2fpasswd"); r.status != 404 {
		t.Errorf("%d: %s", r.status, r.body)
	}
	p.writeRoutine("broken.toml", "title = \"Broken\"\n[[step]]\nhold = 5\n")
	if r := p.get("/api/routines/broken"); r.status != 200 || !strings.Contains(r.body, "hold = 5") {
		t.Errorf("a routine with problems has no source: %d: %s", r.status, r.body)
	}
	if r := p.get("/api/timeline/short.svg?for=30s"); r.status != 200 || !strings.Contains(r.body, "</svg>") || r.header.Get("Content-Type") != "image/svg+xml" {
		t.Errorf("%d: %s", r.status, r.body)
	}
}
