package cli

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// folderWatch is a running watchPath, with a path that the test works below.
type folderWatch struct {
	t       *testing.T
	base    string
	changes chan struct{}
}

// startWatch watches base/path until the test ends, after prepare has made what is there.
func startWatch(t *testing.T, path string, prepare func(w *folderWatch)) *folderWatch {
	t.Helper()
	w := &folderWatch{t, t.TempDir(), make(chan struct{}, 1000)}
	prepare(w)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		watchPath(ctx, filepath.Join(w.base, path), func() { w.changes <- struct{}{} }, slog.New(slog.DiscardHandler))
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	w.untilWatched(path)
	return w
}

// untilWatched waits until a change that is made again and again is told, and then until all of them are.
func (w *folderWatch) untilWatched(path string) {
	w.t.Helper()
	probe := filepath.Join(w.base, path)
	if _, err := os.Stat(probe); err == nil {
		probe = filepath.Join(probe, "probe")
	}
	for end := time.Now().Add(time.Minute); ; {
		if err := os.Mkdir(probe, 0o755); err != nil {
			w.t.Fatal(err)
		}
		if err := os.Remove(probe); err != nil {
			w.t.Fatal(err)
		}
		select {
		case <-w.changes:
			w.drain()
			return
		case <-time.After(2 * debounce):
		}
		if time.Now().After(end) {
			w.t.Fatal("no change is told")
		}
	}
}

// drain waits until no change has been told for a while.
func (w *folderWatch) drain() {
	for {
		select {
		case <-w.changes:
		case <-time.After(2 * debounce):
			return
		}
	}
}

func (w *folderWatch) path(name string) string { return filepath.Join(w.base, name) }

func (w *folderWatch) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *folderWatch) mkdir(name string) { w.t.Helper(); w.must(os.MkdirAll(w.path(name), 0o755)) }

func (w *folderWatch) write(name string) {
	w.t.Helper()
	w.must(os.WriteFile(w.path(name), []byte("x"), 0o644))
}

func (w *folderWatch) link(target, name string) {
	w.t.Helper()
	w.must(os.Symlink(target, w.path(name)+".new"))
	w.must(os.Rename(w.path(name)+".new", w.path(name)))
}

func (w *folderWatch) move(from, to string) {
	w.t.Helper()
	w.must(os.Rename(w.path(from), w.path(to)))
}

// wantChange fails the test when no change is told before the deadline.
func (w *folderWatch) wantChange(what string) {
	w.t.Helper()
	select {
	case <-w.changes:
	case <-time.After(time.Minute):
		w.t.Fatalf("%s: no change is told", what)
	}
	w.drain()
}

func TestWatchRoutinesFollowsThePath(t *testing.T) {
	plain := func(w *folderWatch) { w.mkdir("home/ours") }
	linked := func(w *folderWatch) {
		w.mkdir("stick/first")
		w.mkdir("stick/second")
		w.mkdir("home")
		w.link("../stick/first", "home/ours")
	}
	for name, tt := range map[string]struct {
		prepare func(w *folderWatch)
		replace func(w *folderWatch)
		into    string // the folder that is then the one of the routines
	}{
		"nothing is replaced":        {plain, nil, "home/ours"},
		"it is removed and made":     {plain, func(w *folderWatch) { w.must(os.RemoveAll(w.path("home/ours"))); w.mkdir("home/ours") }, "home/ours"},
		"another takes its place":    {plain, func(w *folderWatch) { w.mkdir("n"); w.move("home/ours", "old"); w.move("n", "home/ours") }, "home/ours"},
		"its parent is replaced":     {plain, func(w *folderWatch) { w.move("home", "old"); w.mkdir("home/ours") }, "home/ours"},
		"it did not exist":           {func(w *folderWatch) { w.mkdir("home") }, func(w *folderWatch) { w.mkdir("home/ours") }, "home/ours"},
		"a link leads elsewhere":     {linked, func(w *folderWatch) { w.link("../stick/second", "home/ours") }, "stick/second"},
		"what a link leads to":       {linked, func(w *folderWatch) { w.move("stick/first", "stick/old"); w.mkdir("stick/first") }, "stick/first"},
		"a link replaces a folder":   {plain, func(w *folderWatch) { w.mkdir("n"); w.move("home/ours", "old"); w.link("../n", "home/ours") }, "n"},
		"a folder on the link's way": {linked, func(w *folderWatch) { w.move("stick", "old"); w.mkdir("stick/first") }, "stick/first"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := startWatch(t, "home/ours", tt.prepare)
			if tt.replace != nil {
				tt.replace(w)
				w.wantChange("after it was replaced")
			}
			w.write(tt.into + "/new.toml")
			w.wantChange("after a file was written")
			w.must(os.Remove(w.path(tt.into + "/new.toml")))
			w.wantChange("after it was removed")
		})
	}
}

func TestWatchRoutinesIgnoresNeighbours(t *testing.T) {
	w := startWatch(t, "home/ours", func(w *folderWatch) { w.mkdir("home/ours") })
	w.write("home/other")
	w.mkdir("home/oursx")
	select {
	case <-w.changes:
		t.Error("a neighbour's change is told as ours")
	case <-time.After(3 * debounce):
	}
}

func TestWatchRoutinesWhereSomethingWritesAllTheTime(t *testing.T) {
	w := startWatch(t, "ours", func(w *folderWatch) { w.mkdir("ours") })
	tick := time.NewTicker(debounce / 10)
	defer tick.Stop()
	for end := time.After(time.Minute); ; {
		select {
		case <-tick.C:
			w.write("ours/log")
		case <-w.changes:
			return
		case <-end:
			t.Fatal("no change is told")
		}
	}
}

func TestWatchRoutinesWhereThePathIsReplacedAllTheTime(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for seconds")
	}
	w := startWatch(t, "home/ours", func(w *folderWatch) { w.mkdir("home/ours") })
	tick := time.NewTicker(debounce / 10)
	defer tick.Stop()
	for end := time.After(time.Minute); ; {
		select {
		case <-tick.C:
			w.must(os.RemoveAll(w.path("home/ours")))
			w.mkdir("home/ours")
		case <-w.changes:
			return
		case <-end:
			t.Fatal("no change is told")
		}
	}
}

func TestFingerprintChanges(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ours")
	seen := map[uint64]string{}
	look := func(what string) {
		t.Helper()
		sum := fingerprint(dir)
		if before, twice := seen[sum]; twice {
			t.Errorf("%s: as %s", what, before)
		}
		seen[sum] = what
		if again := fingerprint(dir); again != sum {
			t.Errorf("%s: %d, then %d", what, sum, again)
		}
	}
	look("no folder")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	look("an empty folder")
	for _, name := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		look("and " + name)
	}
	if err := os.WriteFile(filepath.Join(dir, "a"), []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	look("a has text")
	if err := os.Chtimes(filepath.Join(dir, "a"), time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	look("a has another time")
	if err := os.Remove(filepath.Join(dir, "b")); err != nil {
		t.Fatal(err)
	}
	look("b is removed")
}

// What is written in the folders on the way to the routines, such as a home, must not wake the daemon.
func TestInotifyTellsOfNamesAndOfContentsOnlyWhereAsked(t *testing.T) {
	home, routines := t.TempDir(), t.TempDir()
	write := func(folder string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, "file"), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(home)
	write(routines)
	n, err := newInotify()
	if err != nil {
		t.Fatal(err)
	}
	for folder, changes := range map[string]uint32{home: namesChange, routines: contentsChange, filepath.Join(home, "gone"): namesChange} {
		if err := n.watch(folder, changes); err != nil {
			t.Fatal(err)
		}
	}
	names, done := make(chan string), make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() { n.run(names, done) })
	defer func() {
		close(done)
		n.close()
		reader.Wait()
	}()
	write(home)
	write(routines)
	if err := os.Mkdir(filepath.Join(home, "new"), 0o755); err != nil {
		t.Fatal(err)
	}
	var told []string
	for len(told) == 0 || told[len(told)-1] != filepath.Join(home, "new") {
		if name := <-names; len(told) == 0 || told[len(told)-1] != name { // emptying and writing are two changes
			told = append(told, name)
		}
	}
	if want := []string{filepath.Join(routines, "file"), filepath.Join(home, "new")}; !slices.Equal(told, want) {
		t.Errorf("told %q, not %q", told, want)
	}
}

func TestWatchDevices(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "input")
	changes := make(chan struct{}, 1000)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		watchDevices(slog.New(slog.DiscardHandler))(ctx, dir, func() { changes <- struct{}{} })
	})
	defer running.Wait()
	defer cancel()
	w := &folderWatch{t, dir, changes}
	w.wantChange("the watch begins") // with what is there
	w.mkdir(".")
	w.wantChange("the folder appears")
	w.write("event0")
	w.wantChange("a device is plugged in")
	w.must(os.Chmod(w.path("event0"), 0o600))
	w.wantChange("its permissions are set")
	w.must(os.Remove(w.path("event0")))
	w.wantChange("it is unplugged")
}
