package web_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"guided/history"
	"guided/player"
	"guided/web"
)

func TestHistoryAPI(t *testing.T) {
	t.Run("answers the sums, the days and the sessions", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), history.FileName)
		at := time.Now()
		if err := history.Append(file, player.Record{Routine: "yoga", Started: at.Add(-90 * time.Second), Ended: at, Heard: 90, Breaths: 6, Finished: true}); err != nil {
			t.Fatal(err)
		}
		k := history.NewKeeper(file, time.UTC, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		var keeping sync.WaitGroup
		keeping.Go(func() { k.Run(ctx) })
		t.Cleanup(func() { cancel(); keeping.Wait() })
		<-k.Summaries()
		p := newTestServer(t, func(s *web.Server) { s.History = k })
		r, err := p.client.Get(p.url + "/api/history")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		var v history.View
		if err := json.NewDecoder(r.Body).Decode(&v); err != nil || r.StatusCode != http.StatusOK || v.Summary.Sessions != 1 || v.Summary.Minutes != 1.5 || len(v.Days) != 1 || len(v.Records) != 1 {
			t.Errorf("%d, %v: %+v", r.StatusCode, err, v)
		}
	})
	t.Run("says why there is none", func(t *testing.T) {
		p := newTestServer(t)
		r, err := p.client.Get(p.url + "/api/history")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		if r.StatusCode != http.StatusNotFound {
			t.Errorf("%d", r.StatusCode)
		}
	})
}
