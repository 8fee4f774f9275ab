package web_test

import (
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"guided/history"
	"guided/player"
	"guided/web"
)

// withHistory gives a server the history of some records.
func withHistory(t *testing.T, records ...player.Record) func(*web.Server) {
	t.Helper()
	file := filepath.Join(t.TempDir(), history.FileName)
	for _, r := range records {
		if err := history.Append(file, r); err != nil {
			t.Fatal(err)
		}
	}
	k := history.NewKeeper(file, time.UTC, slog.New(slog.DiscardHandler))
	k.Keep(true)
	ctx, cancel := context.WithCancel(t.Context())
	var keeping sync.WaitGroup
	keeping.Go(func() { k.Run(ctx) })
	t.Cleanup(func() { cancel(); keeping.Wait() })
	<-k.Summaries()
	return func(s *web.Server) { s.History = k }
}

func TestHistoryAPI(t *testing.T) {
	at := time.Now().UTC()
	p := newTestServer(t, withHistory(t, player.Record{Routine: "yoga", Started: at.Add(-90 * time.Second), Ended: at, Heard: 90, Breaths: 6, Finished: true}))
	t.Run("answers the sums, the days and the sessions", func(t *testing.T) {
		var v history.View
		p.decode(p.get("/api/history"), &v)
		if v.Summary.Sessions != 1 || v.Summary.Minutes != 1.5 || len(v.Days) != 1 || len(v.Records) != 1 {
			t.Errorf("%+v", v)
		}
	})
	t.Run("answers the sessions of some days", func(t *testing.T) {
		var v struct{ Sessions []player.Record }
		days := "?from=" + at.AddDate(0, 0, -6).Format(time.DateOnly) + "&to=" + at.Format(time.DateOnly)
		p.decode(p.get("/api/history/sessions"+days), &v)
		if len(v.Sessions) != 1 || v.Sessions[0].Breaths != 6 {
			t.Errorf("%+v", v)
		}
		if got := p.get("/api/history/sessions?from=2001-01-01&to=2001-01-01").body; got != `{"sessions":[]}` {
			t.Errorf("a day without one: %s", got)
		}
	})
	t.Run("refuses what are no days", func(t *testing.T) {
		for _, query := range []string{"", "?from=2026-11-22", "?from=22.11.2026&to=23.11.2026", "?from=2026-11-28&to=2026-11-22", "?from=0001-01-01&to=9999-12-31", "?from=2026-02-30&to=2026-03-01", "?from=%00&to=" + strings.Repeat("9", 5000)} {
			if got := p.get("/api/history/sessions" + query); got.status != http.StatusBadRequest || !strings.Contains(got.body, "from=2026-11-22") {
				t.Errorf("%.60s: %d %s", query, got.status, got.body)
			}
		}
	})
	t.Run("answers nothing to a page of another site", func(t *testing.T) {
		if got := p.get("/api/history/sessions?from=2026-11-22&to=2026-11-22", "Origin: http://evil.example"); got.status != http.StatusForbidden {
			t.Errorf("%d", got.status)
		}
	})
	t.Run("says why there is none", func(t *testing.T) {
		none := history.NewKeeper(filepath.Join(t.TempDir(), history.FileName), time.UTC, slog.New(slog.DiscardHandler))
		p := newTestServer(t, func(s *web.Server) { s.History = none })
		for _, path := range []string{"/api/history", "/api/history/sessions"} {
			if got := p.get(path); got.status != http.StatusNotFound || !strings.Contains(got.body, "set history.keep") {
				t.Errorf("%s: %d %s", path, got.status, got.body)
			}
		}
		none.Keep(true) // as settings that were read again say
		if got := p.get("/api/history"); got.status != http.StatusOK {
			t.Errorf("one is kept now: %d %s", got.status, got.body)
		}
	})
}
