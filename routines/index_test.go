package routines_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"guided/routines"
)

// countingFolder counts what is asked of a folder of the system.
type countingFolder struct {
	fs.FS
	opened, looked atomic.Int64
}

func (f *countingFolder) Open(name string) (fs.File, error) {
	f.opened.Add(1)
	return f.FS.Open(name)
}

func (f *countingFolder) Stat(name string) (fs.FileInfo, error) {
	f.looked.Add(1)
	return fs.Stat(f.FS, name)
}

// since counts what f asks of the folder.
func (f *countingFolder) since(do func()) (opened, looked int64) {
	o, l := f.opened.Load(), f.looked.Load()
	do()
	return f.opened.Load() - o, f.looked.Load() - l
}

// writeFile writes a file of a folder; age is how long ago it was changed, as far as a program may say that.
func writeFile(tb testing.TB, dir, name, text string, age time.Duration) {
	tb.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		tb.Fatal(err)
	}
	at := time.Now().Add(-age)
	if err := os.Chtimes(file, at, at); err != nil {
		tb.Fatal(err)
	}
}

// settle waits until what was written counts as settled; the clock of a file system cannot be faked.
func settle() { time.Sleep(3100 * time.Millisecond) }

// must fails a test on an error of the system.
func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// An index in use is asked again after each kind of change: what it says and what it loads must be what a library that was
// never read before says and loads.
func TestIndexNeverTellsWhatHasPassed(t *testing.T) {
	const yoga, calm = "title = \"Yoga\"\n[[step]]\nsay = \"One.\"\n", "title = \"Calm\"\n[[step]]\nsay = \"Two.\"\n"
	asked := []string{"mine", "other", "Mine", "Yoga", "Calm", "yoga!", "the calm routine", "café", "cafe\u0301", "includer", "new", "none"}
	for name, change := range map[string]func(t *testing.T, dir string){
		"edited within the same second, to the same length": func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "mine.toml"), []byte(strings.Replace(yoga, "Yoga", "Noon", 1)), 0o644))
		},
		"edited, with the time of before": func(t *testing.T, dir string) {
			info, err := os.Stat(filepath.Join(dir, "mine.toml"))
			must(t, err)
			writeFile(t, dir, "mine.toml", strings.Replace(yoga, "One", "Six", 1), 0)
			must(t, os.Chtimes(filepath.Join(dir, "mine.toml"), info.ModTime(), info.ModTime()))
		},
		"replaced by rename, as editors save": func(t *testing.T, dir string) {
			writeFile(t, dir, ".mine.toml.new", strings.Replace(yoga, "Yoga", "Noon", 1), time.Hour)
			must(t, os.Rename(filepath.Join(dir, ".mine.toml.new"), filepath.Join(dir, "mine.toml")))
		},
		"two that change places": func(t *testing.T, dir string) {
			must(t, os.Rename(filepath.Join(dir, "mine.toml"), filepath.Join(dir, "x")))
			must(t, os.Rename(filepath.Join(dir, "other.toml"), filepath.Join(dir, "mine.toml")))
			must(t, os.Rename(filepath.Join(dir, "x"), filepath.Join(dir, "other.toml")))
		},
		"removed": func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, "mine.toml"))) },
		"added":   func(t *testing.T, dir string) { writeFile(t, dir, "new.toml", yoga, time.Hour) },
		"another case": func(t *testing.T, dir string) {
			must(t, os.Rename(filepath.Join(dir, "mine.toml"), filepath.Join(dir, "MINE.toml")))
		},
		"an accent stored otherwise": func(t *testing.T, dir string) {
			must(t, os.Rename(filepath.Join(dir, "café.toml"), filepath.Join(dir, "cafe\u0301.toml")))
		},
		"an accent dropped": func(t *testing.T, dir string) {
			must(t, os.Rename(filepath.Join(dir, "café.toml"), filepath.Join(dir, "cafe.toml")))
		},
		"a built-in one replaced by one's own": func(t *testing.T, dir string) { writeFile(t, dir, "Box.toml", yoga, time.Hour) },
		"turned bad": func(t *testing.T, dir string) {
			writeFile(t, dir, "mine.toml", "title = \"Yoga\"\n[[step]]\nrest = 5\n", 0)
		},
		"the title given to the other": func(t *testing.T, dir string) {
			writeFile(t, dir, "other.toml", strings.Replace(calm, "Calm", "Yoga", 1), 0)
			writeFile(t, dir, "mine.toml", strings.Replace(yoga, "Yoga", "Calm", 1), 0)
		},
		"the folder replaced": func(t *testing.T, dir string) {
			must(t, os.Rename(dir, dir+"-before"))
			must(t, os.Mkdir(dir, 0o755))
			writeFile(t, dir, "mine.toml", calm, time.Hour)
		},
		"the folder removed": func(t *testing.T, dir string) { must(t, os.RemoveAll(dir)) },
		"a link to another file": func(t *testing.T, dir string) {
			writeFile(t, filepath.Dir(dir), "elsewhere", strings.Replace(yoga, "Yoga", "Dusk", 1), time.Hour)
			must(t, os.Remove(filepath.Join(dir, "mine.toml")))
			must(t, os.Symlink(filepath.Join(filepath.Dir(dir), "elsewhere"), filepath.Join(dir, "mine.toml")))
		},
		"a linked file edited": func(t *testing.T, dir string) {
			writeFile(t, filepath.Dir(dir), "linked", strings.Replace(calm, "Calm", "Dawn", 1), 0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "routines")
			must(t, os.Mkdir(dir, 0o755))
			writeFile(t, dir, "mine.toml", yoga, time.Hour)
			writeFile(t, dir, "other.toml", calm, time.Hour)
			writeFile(t, dir, "café.toml", "title = \"Coffee\"\n[[step]]\nsay = \"Three.\"\n", time.Hour)
			writeFile(t, dir, "includer.toml", "title = \"Both\"\n[[step]]\nroutine = \"Yoga\"\n", time.Hour)
			writeFile(t, filepath.Dir(dir), "linked", strings.Replace(calm, "Calm", "Link", 1), time.Hour)
			must(t, os.Symlink(filepath.Join(filepath.Dir(dir), "linked"), filepath.Join(dir, "link.toml")))

			settle()
			library := routines.Library{os.DirFS(dir), routines.Builtin()}
			index, never := routines.NewIndex(library), routines.NewIndex(library) // never refreshed
			for _, name := range asked {
				_, _ = index.Load(t.Context(), name)
				_, _ = never.Load(t.Context(), name)
			}
			traces := map[string]routines.Trace{}
			names, err := index.Refresh(t.Context())
			must(t, err)
			before := map[string]string{}
			for _, name := range names {
				r, trace, err := index.LoadTraced(t.Context(), name)
				traces[name], before[name] = trace, describe(r, err)
			}
			change(t, dir)
			for _, name := range append(asked, "dawn", "dusk", "noon", "link", "box") {
				got, strict, want := describe(index.Load(t.Context(), name)), describe(never.Load(t.Context(), name)), describe(library.Load(t.Context(), name))
				if got != want || strict != want {
					t.Errorf("%q:\n got %s\n and %s\nwant %s", name, got, strict, want)
				}
			}
			now, err := index.Refresh(t.Context())
			want, wantErr := library.Names(t.Context())
			if fmt.Sprint(now, err) != fmt.Sprint(want, wantErr) {
				t.Errorf("names\n got %v, %v\nwant %v, %v", now, err, want, wantErr)
			}
			for _, name := range now {
				if trace, had := traces[name]; had && index.Unchanged(t.Context(), trace) {
					if fresh := describe(library.Load(t.Context(), name)); fresh != before[name] {
						t.Errorf("%s is taken for unchanged:\n was %s\n is  %s", name, before[name], fresh)
					}
				}
			}
			if fmt.Sprint(index.Conflicts(t.Context())) != fmt.Sprint(library.Conflicts(t.Context())) {
				t.Errorf("conflicts %v, want %v", index.Conflicts(t.Context()), library.Conflicts(t.Context()))
			}
		})
	}
}

// describe is a routine with what it says, or the error in its place.
func describe(r *routines.Routine, err error) string {
	if err != nil {
		return err.Error()
	}
	says := r.Name + ": " + r.Title + ":"
	for _, s := range r.Steps {
		says += " " + s.Say
		if s.Routine != nil {
			says += "(" + describe(s.Routine, nil) + ")"
		}
	}
	return says
}

// Another file that takes a title makes it ambiguous: at once for an index that nobody refreshes, else from the next Refresh.
func TestIndexTitleThatAnotherFileTakes(t *testing.T) {
	t.Parallel()
	dir, _, index := settledFolder(t, 3)
	never := routines.NewIndex(routines.Library{os.DirFS(dir)})
	_, err := never.Load(t.Context(), "number 1 of mine")
	must(t, err)
	writeFile(t, dir, "mine-0002.toml", "title = \"Number 1 of mine\"\n[[step]]\nsay = \"x\"\n", 0)
	if _, err := never.Load(t.Context(), "number 1 of mine"); !errors.Is(err, routines.ErrAmbiguous) {
		t.Errorf("not refreshed: %v", err)
	}
	if r, err := index.Load(t.Context(), "number 1 of mine"); err != nil || r.Name != "mine-0001" {
		t.Errorf("before the next Refresh: %v", err)
	}
	_, err = index.Refresh(t.Context())
	must(t, err)
	if _, err := index.Load(t.Context(), "number 1 of mine"); !errors.Is(err, routines.ErrAmbiguous) {
		t.Errorf("after it: %v", err)
	}
}

func TestIndexFileTurnsBadAndGoodAgain(t *testing.T) {
	dir := t.TempDir()
	index := routines.NewIndex(routines.Library{os.DirFS(dir)})
	for i, text := range []string{"title = \"A\"\n[[step]]\nsay = \"x\"\n", "title = \"A\"\n[[step]]\nsay = 5\n", "nonsense", "title = \"A\"\n[[step]]\nsay = \"x\"\n"} {
		must(t, os.WriteFile(filepath.Join(dir, "a.toml"), []byte(text), 0o644))
		_, err := index.Load(t.Context(), "a")
		if good := i == 0 || i == 3; (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
		if _, err := index.Refresh(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// settledFolder is a folder of n routines that nobody has changed for some seconds, as seen by an index that has read it.
func settledFolder(tb testing.TB, n int) (dir string, folder *countingFolder, index *routines.Index) {
	tb.Helper()
	dir = tb.TempDir()
	for i := range n {
		writeFile(tb, dir, fmt.Sprintf("mine-%04d.toml", i), fmt.Sprintf("title = \"Number %d of mine\"\n[[step]]\nsay = \"x\"\n", i), time.Hour)
	}
	settle()
	folder = &countingFolder{FS: os.DirFS(dir)}
	index = routines.NewIndex(routines.Library{folder, routines.Builtin()})
	if _, err := index.Refresh(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	if _, err := index.Load(tb.Context(), "number 1 of mine"); err != nil {
		tb.Fatal(err)
	}
	return dir, folder, index
}

// What is owned costs nothing when something is started: the folder is looked at, not listed, and one file is read.
func TestIndexReadsOnlyWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	dir, folder, index := settledFolder(t, 300)
	load := func(name, want string) func() {
		return func() {
			if r, err := index.Load(t.Context(), name); err != nil || r.Name != want {
				t.Errorf("%q: %v", name, err)
			}
		}
	}
	for name, do := range map[string]func(){
		"by name": load("mine-0299", "mine-0299"), "by name in another case": load("MINE 0298", "mine-0298"),
		"by title": load("Number 297 of mine", "mine-0297"), "by how the title sounds": load("number two nine six of mine", "mine-0296"),
		"a built-in one by its title": load("four four six", "4-4-6"),
	} {
		if opened, looked := folder.since(do); opened > 1 || looked > 2 {
			t.Errorf("%s: %d files were opened, %d looked at", name, opened, looked)
		}
	}
	opened, looked := folder.since(func() { _, _ = index.Refresh(t.Context()) })
	if opened > 0 || looked > 301 {
		t.Errorf("an unchanged folder: %d files were opened, %d looked at", opened, looked)
	}
	writeFile(t, dir, "mine-0007.toml", "title = \"Edited\"\n[[step]]\nsay = \"x\"\n", 0)
	opened, _ = folder.since(func() { _, _ = index.Refresh(t.Context()) })
	if opened != 1 {
		t.Errorf("after one edit %d files were opened", opened)
	}
	load("edited", "mine-0007")()
}

func TestIndexTellsWhatHasNotChanged(t *testing.T) {
	t.Parallel()
	dir, _, index := settledFolder(t, 3)
	writeFile(t, dir, "bell.wav", "x", time.Hour)
	writeFile(t, dir, "loud.toml", "title = \"Loud\"\n[[step]]\nsound = \"bell.wav\"\n", time.Hour)
	writeFile(t, dir, "both.toml", "title = \"Both\"\n[[step]]\nroutine = \"Number 1 of mine\"\n", time.Hour)
	writeFile(t, dir, "bad.toml", "title = \"Bad\"\n[[step]]\nrest = 5\n", time.Hour)
	settle()
	traces := map[string]routines.Trace{}
	look := func(which ...string) {
		t.Helper()
		_, err := index.Refresh(t.Context())
		must(t, err)
		for _, name := range []string{"mine-0000", "mine-0001", "loud", "both", "bad", "yoga"} {
			if trace, had := traces[name]; had {
				want := true
				for _, changed := range which {
					want = want && changed != name
				}
				if got := index.Unchanged(t.Context(), trace); got != want {
					t.Errorf("%s: unchanged is %v, want %v", name, got, want)
				}
			}
			var problems routines.Problems
			var err error
			if _, traces[name], err = index.LoadTraced(t.Context(), name); err != nil && !errors.As(err, &problems) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	look()
	look()
	writeFile(t, dir, "bell.wav", "xy", 0)
	look("loud")
	writeFile(t, dir, "mine-0001.toml", "title = \"Number 1 of mine\"\n[[step]]\nsay = \"another\"\n", 0)
	look("loud", "mine-0001", "both") // what was changed just now is not sure yet
}

func BenchmarkIndex(b *testing.B) {
	dir, _, index := settledFolder(b, 2000)
	for name, asked := range map[string]string{"by name": "mine-1999", "by title": "Number 1998 of mine", "by sound": "number one nine nine seven of mine", "unknown": "no such routine"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = index.Load(b.Context(), asked)
			}
		})
	}
	b.Run("refresh, unchanged", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = index.Refresh(b.Context())
		}
	})
	b.Run("refresh, one edited", func(b *testing.B) {
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			writeFile(b, dir, "mine-0007.toml", fmt.Sprintf("title = \"Edited %d\"\n[[step]]\nsay = \"x\"\n", n), 0)
			_, _ = index.Refresh(b.Context())
		}
	})
}

// A scan of a large folder gives way again and again.
func TestIndexRefreshInSteps(t *testing.T) {
	folder := fstest.MapFS{}
	for i := range 200 {
		folder[fmt.Sprintf("r%03d.toml", i)] = &fstest.MapFile{Data: []byte("title = \"A\"\n")}
	}
	rests := 0
	names, err := routines.NewIndex(routines.Library{folder}).RefreshInSteps(t.Context(), func(time.Duration) { rests++ })
	if err != nil || len(names) != len(folder) || rests < 3 {
		t.Errorf("%d names, %d rests: %v", len(names), rests, err)
	}
}
