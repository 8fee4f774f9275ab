package history

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// keeping is a keeper in virtual time, which begins at midnight of 2000-01-01, UTC.
type keeping struct {
	*testing.T
	*Keeper
	log   bytes.Buffer
	end   context.CancelFunc
	ended sync.WaitGroup
}

func startKeeper(t *testing.T, file string, zone *time.Location) *keeping {
	k := &keeping{T: t}
	k.Keeper = NewKeeper(file, zone, slog.New(slog.NewTextHandler(&k.log, nil)))
	k.Keep(true)
	ctx, cancel := context.WithCancel(t.Context())
	k.end = cancel
	k.ended.Go(func() { k.Keeper.Run(ctx) })
	synctest.Wait()
	return k
}

// stop ends the keeper, as the daemon does when its player has ended.
func (k *keeping) stop() {
	k.end()
	k.ended.Wait()
}

// newSummary is the summary that was published since the last call.
func (k *keeping) newSummary() Summary {
	k.Helper()
	synctest.Wait()
	select {
	case s := <-k.Summaries():
		if s == nil {
			k.Fatal("it is published that nothing is kept")
		}
		return *s
	default:
		k.Fatal("nothing new is published")
		return Summary{}
	}
}

func (k *keeping) wantNothingNew() {
	k.Helper()
	synctest.Wait()
	select {
	case s := <-k.Summaries():
		k.Errorf("it is published: %+v", s)
	default:
	}
}

func TestKeeper(t *testing.T) {
	run := func(name string, f func(t *testing.T)) {
		t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
	}
	run("publishes at the start, after each session, and nothing otherwise", func(t *testing.T) {
		k := startKeeper(t, newFile(t), time.UTC)
		defer k.stop()
		if s := k.newSummary(); s.Sessions != 0 || s.Date != "2000-01-01" || s.Last != nil {
			t.Errorf("%+v", s)
		}
		k.Add(session(1, time.Now()))
		if s := k.newSummary(); s.Sessions != 1 || s.TodayMinutes != 5 || s.Streak != 1 || s.Last.Routine != "routine-1" {
			t.Errorf("%+v", s)
		}
		k.Refresh()
		k.wantNothingNew()
		if v := k.View(); len(v.Days) != 1 || len(v.Records) != 1 || v.Summary.Sessions != 1 {
			t.Errorf("%+v", v)
		}
	})
	run("has the minutes of today begin anew with the day, and the streak end with the next", func(t *testing.T) {
		zone := zoneNamed(t, "Europe/Berlin")
		k := startKeeper(t, newFile(t), zone)
		defer k.stop()
		k.Add(session(1, time.Now()))
		k.newSummary()
		time.Sleep(time.Until(nextDay(time.Now(), zone)) - time.Millisecond)
		k.wantNothingNew()
		time.Sleep(2 * time.Millisecond)
		if s := k.newSummary(); s.TodayMinutes != 0 || s.Minutes != 5 || s.Streak != 1 || s.Date != "2000-01-02" {
			t.Errorf("%+v", s)
		}
		time.Sleep(24 * time.Hour)
		if s := k.newSummary(); s.Streak != 0 || s.LongestStreak != 1 {
			t.Errorf("%+v", s)
		}
	})
	run("wakes once a day for a year", func(t *testing.T) {
		k := startKeeper(t, newFile(t), zoneNamed(t, "America/New_York"))
		defer k.stop()
		k.newSummary()
		dates := map[string]bool{}
		for range 366 {
			time.Sleep(24 * time.Hour)
			dates[k.newSummary().Date] = true
		}
		if len(dates) != 366 {
			t.Errorf("%d days", len(dates))
		}
	})
	run("goes on with what was kept before", func(t *testing.T) {
		file := newFile(t)
		k := startKeeper(t, file, time.UTC)
		k.Add(session(1, time.Now()))
		k.stop()
		k = startKeeper(t, file, time.UTC)
		defer k.stop()
		if s := k.newSummary(); s.Sessions != 1 {
			t.Errorf("%+v", s)
		}
	})
	run("writes the last session before it ends, and the one that follows at once", func(t *testing.T) {
		file := newFile(t)
		k := startKeeper(t, file, time.UTC)
		k.Add(session(1, time.Now()))
		k.Add(session(2, time.Now()))
		k.stop()
		if got, _ := readBack(t, file); len(got) != 2 {
			t.Errorf("%d records", len(got))
		}
		if s := k.newSummary(); s.Sessions != 2 {
			t.Errorf("%+v", s)
		}
	})
	run("begins at nothing where the file is deleted while it runs", func(t *testing.T) {
		file := newFile(t)
		k := startKeeper(t, file, time.UTC)
		defer k.stop()
		k.Add(session(1, time.Now()))
		k.newSummary()
		if err := Delete(file); err != nil {
			t.Fatal(err)
		}
		k.Refresh()
		if s := k.newSummary(); s.Sessions != 0 || s.Minutes != 0 || s.Last != nil {
			t.Errorf("%+v", s)
		}
		k.Add(session(2, time.Now()))
		k.newSummary()
		if err := Delete(file); err != nil { // and nobody tells
			t.Fatal(err)
		}
		k.Add(session(3, time.Now()))
		if s := k.newSummary(); s.Sessions != 1 || s.Last.Routine != "routine-3" {
			t.Errorf("%+v", s)
		}
	})
	run("counts what another process adds", func(t *testing.T) {
		file := newFile(t)
		k := startKeeper(t, file, time.UTC)
		defer k.stop()
		k.newSummary()
		mustAppend(t, file, session(1, time.Now()))
		k.Add(session(2, time.Now()))
		if s := k.newSummary(); s.Sessions != 2 {
			t.Errorf("%+v", s)
		}
	})
	run("goes on counting on a full disk, says so once, and writes all when there is room", func(t *testing.T) {
		file := newLargeFile(t)
		k := startKeeper(t, file, time.UTC)
		defer k.stop()
		k.Add(session(0, time.Now()))
		k.newSummary()
		restore := limitFileSize(t, largeFile+500)
		for n := range 3 {
			k.Add(session(n+1, time.Now()))
			if s := k.newSummary(); s.Sessions != n+2 {
				t.Errorf("%+v", s)
			}
		}
		restore()
		if n := strings.Count(k.log.String(), "level=ERROR"); n != 1 {
			t.Errorf("%d errors:\n%s", n, k.log.String())
		}
		k.Add(session(4, time.Now()))
		if s := k.newSummary(); s.Sessions != 5 {
			t.Errorf("%+v", s)
		}
		if got, damage := readBack(t, file); len(got) != 5 || damage.Lines != 0 || !strings.Contains(k.log.String(), "written again") {
			t.Errorf("%d records, %+v:\n%s", len(got), damage, k.log.String())
		}
	})
	run("goes on counting where there can be no file", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "state")
		if err := os.WriteFile(dir, nil, 0o400); err != nil { // root may write to a read-only folder
			t.Fatal(err)
		}
		k := startKeeper(t, filepath.Join(dir, FileName), time.UTC)
		defer k.stop()
		for n := range 5 {
			k.Add(session(n, time.Now()))
			if s := k.newSummary(); s.Sessions != n+1 {
				t.Errorf("%+v", s)
			}
		}
		if n := strings.Count(k.log.String(), "cannot be written"); n != 1 {
			t.Errorf("%d times:\n%s", n, k.log.String())
		}
	})
	run("tells once of damage, and of nothing else", func(t *testing.T) {
		file := newFile(t)
		mustAppend(t, file, session(1, monday))
		f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString("garbage\n"); err != nil {
			t.Fatal(err)
		}
		f.Close()
		mustAppend(t, file, session(2, monday))
		k := startKeeper(t, file, time.UTC)
		defer k.stop()
		mustAppend(t, file, session(3, monday))
		k.Refresh()
		if s := k.newSummary(); s.Sessions != 3 {
			t.Errorf("%+v", s)
		}
		if n := strings.Count(k.log.String(), "lines=1 first=2"); n != 1 || strings.Count(k.log.String(), "\n") != 1 {
			t.Error(k.log.String())
		}
	})
	run("is switched off and on while it runs: what is done meanwhile is nowhere, and what was kept before comes back", func(t *testing.T) {
		file := newFile(t)
		k := startKeeper(t, file, time.UTC)
		defer k.stop()
		k.Add(session(1, time.Now()))
		k.newSummary()
		k.Keep(false)
		synctest.Wait()
		if s := <-k.Summaries(); s != nil || k.Keeps() || k.View().Summary.Sessions != 0 || len(k.View().Records) != 0 {
			t.Errorf("%+v, %+v", s, k.View())
		}
		k.Add(session(2, time.Now()))
		k.wantNothingNew()
		time.Sleep(48 * time.Hour)
		k.wantNothingNew()
		k.Keep(true)
		k.Add(session(3, time.Now()))
		if s := k.newSummary(); s.Sessions != 2 || s.Last.Routine != "routine-3" {
			t.Errorf("%+v", s)
		}
		if got, _ := readBack(t, file); len(got) != 2 || got[1].Routine != "routine-3" {
			t.Errorf("%+v", got)
		}
	})
	run("is off from the start: the file is not read, and that nothing is kept is published", func(t *testing.T) {
		file := newFile(t)
		mustAppend(t, file, session(1, time.Now()))
		k := NewKeeper(file, time.UTC, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		var ended sync.WaitGroup
		ended.Go(func() { k.Run(ctx) })
		synctest.Wait()
		if s := <-k.Summaries(); s != nil || k.View().Summary.Sessions != 0 {
			t.Errorf("%+v, %+v", s, k.View())
		}
		cancel()
		ended.Wait()
	})
	run("never holds up who adds, whatever the reader of summaries does", func(t *testing.T) {
		k := startKeeper(t, newFile(t), time.UTC)
		defer k.stop()
		for n := range 100 {
			k.Add(session(n, time.Now()))
		}
		synctest.Wait()
		if s := k.newSummary(); s.Sessions != 100 {
			t.Errorf("%+v", s)
		}
		if v := k.View(); len(v.Records) != maxRecent {
			t.Errorf("%d records", len(v.Records))
		}
	})
}
