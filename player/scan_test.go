package player

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// A scan takes up again only the routines of which a file changed.
func TestScanTakesUpOnlyWhatChanged(t *testing.T) {
	dir := manyRoutines(t, 30)
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("bell.toml", "title = \"Bell\"\n[[step]]\nrest = \"5s\"\n")
	write("both.toml", "title = \"Both\"\n[[step]]\nroutine = \"bell\"\n")
	write("bad.toml", "title = \"Bad\"\n[[step]]\nrest = 5\n")
	time.Sleep(3100 * time.Millisecond) // until the stamps of the files count: the clock of a file system cannot be faked
	s := scanOf(t, dir)
	changed := func() []string {
		t.Helper()
		before := maps.Clone(s.known)
		s.run(t.Context())
		var names []string
		for name, k := range s.known {
			if before[name] != k {
				names = append(names, name)
			}
		}
		for name := range before {
			if s.known[name] == nil {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return names
	}
	changed()
	info := func(name string) RoutineInfo {
		t.Helper()
		list := s.p.Info().Routines
		i := slices.IndexFunc(list, func(r RoutineInfo) bool { return r.Name == name })
		if i < 0 {
			t.Fatalf("%s is not listed", name)
		}
		return list[i]
	}
	for _, c := range []struct {
		when string
		do   func()
		want []string
	}{
		{"nothing changed", func() {}, nil},
		{"one is edited", func() { write("mine-0003.toml", "title = \"Number 3 of mine\"\n[[step]]\nrest = \"7s\"\n") }, []string{"mine-0003"}},
		{"an included one is edited", func() { write("bell.toml", "title = \"Bell\"\n[[step]]\nrest = \"6s\"\n") }, []string{"bell", "both", "mine-0003"}},
		{"some time has passed", func() { time.Sleep(3100 * time.Millisecond) }, []string{"bell", "both", "mine-0003"}}, // they are sure now
		{"nothing changed any more", func() {}, nil},
		{"a bad one turns good, and one is removed", func() {
			write("bad.toml", "title = \"Bad\"\n[[step]]\nrest = \"5s\"\n")
			if err := os.Remove(filepath.Join(dir, "mine-0004.toml")); err != nil {
				t.Fatal(err)
			}
		}, []string{"bad", "both", "mine-0004"}}, // what it includes may be another one now
	} {
		c.do()
		if got := changed(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q were taken up, want %q", c.when, got, c.want)
		}
	}
	if i := info("both"); i.Length != 6 || i.Error != "" {
		t.Errorf("%+v", i)
	}
	if i := info("bad"); i.Length != 5 || i.Error != "" {
		t.Errorf("%+v", i)
	}
}

// A scan of many routines waits for a command that is in hand, and takes a tenth of the time while a routine plays; for the first
// of them, for which pages wait, a third.
func TestScanGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Config{})
		scan := &libraryScan{p: p, steps: 1000, began: time.Now().Add(-time.Hour)}
		gaveWay := func(took time.Duration) time.Duration {
			began := time.Now()
			scan.rest(t.Context(), took)
			return time.Since(began)
		}
		if waited := gaveWay(10 * time.Millisecond); waited != 0 {
			t.Errorf("idle: it waited %v", waited)
		}
		p.session = &session{playing: true}
		if waited := gaveWay(10 * time.Millisecond); waited != 90*time.Millisecond {
			t.Errorf("while a routine plays: it waited %v", waited)
		}
		scan.steps = 0
		if waited := gaveWay(10 * time.Millisecond); waited != 20*time.Millisecond {
			t.Errorf("while a routine plays, at the first routines: it waited %v", waited)
		}
		p.session = nil
		p.slow.queue = []*slowCommand{{}}
		time.AfterFunc(time.Second, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.slow.queue = nil
		})
		if waited := gaveWay(10 * time.Millisecond); waited < time.Second || waited > 1100*time.Millisecond {
			t.Errorf("while a command is in hand for a second: it waited %v", waited)
		}
		p.preparing = &request{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		p.giveWay(ctx, 0, false)
		if ctx.Err() == nil {
			t.Error("it did not wait for a routine that is being prepared")
		}
	})
}
