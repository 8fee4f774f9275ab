package web_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"testing"

	"guided/web"
)

// fakeSchedule remembers what it is given. Its errors are those that a real one has.
type fakeSchedule struct {
	mu    sync.Mutex
	saved []string
}

func (f *fakeSchedule) schedule() web.Schedule {
	return web.Schedule{
		Show: func(context.Context) (any, error) { return map[string]any{"week": []string{}}, nil },
		Save: func(_ context.Context, name string, entry map[string]any) (string, error) {
			switch name {
			case "settings":
				return "", fmt.Errorf("it stands in the settings: %w", fs.ErrExist)
			case "none":
				return "", fmt.Errorf("there is none: %w", fs.ErrNotExist)
			case "disk":
				return "", errors.New("the schedule cannot be written")
			}
			if entry["at"] == nil {
				return "", fmt.Errorf("at is missing: %w", fs.ErrInvalid)
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			f.saved = append(f.saved, fmt.Sprint(name, " ", entry))
			return "Morning", nil
		},
		Remove: func(_ context.Context, name string) error {
			if name != "Morning" {
				return fmt.Errorf("there is none: %w", fs.ErrNotExist)
			}
			return nil
		},
	}
}

func TestScheduleAPI(t *testing.T) {
	f := &fakeSchedule{}
	p := newTestServer(t, func(s *web.Server) { s.Schedule = f.schedule() })
	const entries = "/api/schedule/entries"
	for _, x := range []struct {
		situation, method, path, body string
		headers                       []string
		status                        int
		says                          string
	}{
		{"the week", "GET", "/api/schedule", "", nil, 200, `"week":[]`},
		{"a new one", "POST", entries, `{"at":"07:00","volume":30}`, nil, 200, `{"saved":"Morning"}`},
		{"another one in its place", "PUT", entries + "/My%20%2F%C3%A4", `{"at":["07:00"]}`, nil, 200, `{"saved":"Morning"}`},
		{"one that is wrong", "POST", entries, `{}`, nil, 400, "at is missing"},
		{"one of the settings", "PUT", entries + "/settings", `{"at":"07:00"}`, nil, 409, "stands in the settings"},
		{"one that is not there", "PUT", entries + "/none", `{"at":"07:00"}`, nil, 404, "there is none"},
		{"a disk that is full", "PUT", entries + "/disk", `{"at":"07:00"}`, nil, 500, "cannot be written"},
		{"one less", "DELETE", entries + "/Morning", "", nil, 200, `{"removed":"Morning"}`},
		{"one less that is not there", "DELETE", entries + "/None", "", nil, 404, "there is none"},
		{"a page of another site", "POST", entries, `{"at":"07:00"}`, []string{"Origin: http://evil.example"}, 403, "another site"},
		{"a page of another site removes", "DELETE", entries + "/Morning", "", []string{"Sec-Fetch-Site: cross-site"}, 403, "another site"},
		{"a page of another site looks", "GET", "/api/schedule", "", []string{"Origin: http://evil.example"}, 403, "another site"},
		{"a form", "POST", entries, `at=07:00`, []string{"Content-Type: application/x-www-form-urlencoded"}, 415, "application/json"},
		{"a large one", "POST", entries, `{"at":"` + strings.Repeat("7", 20_000) + `"}`, nil, 413, "not so large"},
		{"a very large one", "PUT", entries + "/x", strings.Repeat("7", 300_000), nil, 413, "larger than"},
		{"a key twice", "POST", entries, `{"at":"07:00","At":"08:00"}`, nil, 400, "more than once"},
		{"a path of more", "PUT", entries + "/a/b", `{"at":"07:00"}`, nil, 404, ""},
		{"another method", "PATCH", entries + "/a", `{"at":"07:00"}`, nil, 405, ""},
	} {
		t.Run(x.situation, func(t *testing.T) {
			if got := p.request(x.method, x.path, x.body, x.headers...); got.status != x.status || !strings.Contains(got.body, x.says) {
				t.Errorf("%d, want %d: %.300s", got.status, x.status, got.body)
			}
		})
	}
	t.Run("bodies that nobody sends", func(t *testing.T) {
		for _, body := range hostileBodies() {
			if got := p.request("POST", entries, body); got.status != http.StatusBadRequest && got.status != http.StatusRequestEntityTooLarge || !strings.Contains(got.body, `"error"`) {
				t.Errorf("%.60q: %d %.200s", body, got.status, got.body)
			}
		}
	})
	t.Run("only what was right was saved, whole numbers as such", func(t *testing.T) {
		if got := strings.Join(f.saved, "; "); got != " map[at:07:00 volume:30]; My /ä map[at:[07:00]]" {
			t.Errorf("saved: %s", got)
		}
	})
	t.Run("without a token nothing", func(t *testing.T) {
		p := newTestServer(t, withToken, func(s *web.Server) { s.Schedule = f.schedule() })
		for _, r := range [][3]string{{"GET", "/api/schedule", ""}, {"POST", entries, "{}"}, {"PUT", entries + "/x", "{}"}, {"DELETE", entries + "/x", ""}} {
			if got := p.request(r[0], r[1], r[2]); got.status != http.StatusUnauthorized {
				t.Errorf("%s %s: %d", r[0], r[1], got.status)
			}
		}
	})
	t.Run("where there is none", func(t *testing.T) {
		p := newTestServer(t)
		if got := p.get("/api/schedule"); got.status != http.StatusNotFound {
			t.Errorf("%d", got.status)
		}
	})
}
