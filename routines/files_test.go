package routines_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"guided/routines"
)

// oddFolder is a folder with a good routine, a sound, and everything under their names that is no regular file.
func oddFolder(t *testing.T) string {
	t.Helper()
	dir, elsewhere := t.TempDir(), t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	write := func(file, text string) { t.Helper(); must(os.WriteFile(file, []byte(text), 0o644)) }
	write(filepath.Join(dir, "good.toml"), sayRoutine("Good", "x"))
	write(filepath.Join(dir, "good.wav"), "sound")
	write(filepath.Join(elsewhere, "other.toml"), sayRoutine("Elsewhere", "x"))
	write(filepath.Join(elsewhere, "other.wav"), "elsewhere")
	for _, ending := range []string{".toml", ".wav"} {
		must(syscall.Mkfifo(filepath.Join(dir, "pipe"+ending), 0o644))
		must(os.Symlink("/dev/zero", filepath.Join(dir, "device"+ending)))
		must(os.Symlink("loop"+ending, filepath.Join(dir, "loop"+ending)))
		must(os.Symlink(dir, filepath.Join(dir, "linked-folder"+ending)))
		must(os.Symlink("nowhere"+ending, filepath.Join(dir, "dangling"+ending)))
		must(os.Symlink(filepath.Join(elsewhere, "other"+ending), filepath.Join(dir, "link"+ending)))
		must(os.Mkdir(filepath.Join(dir, "folder"+ending), 0o755))
		f, err := os.Create(filepath.Join(dir, "large"+ending))
		must(err)
		must(f.Truncate(300 << 20))
		must(f.Close())
	}
	return dir
}

// within fails the test when f takes longer than any of the things it does may.
func within(t *testing.T, limit time.Duration, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(limit):
		t.Fatalf("it takes longer than %v", limit)
	}
}

func TestLibraryReadsRegularFilesOnly(t *testing.T) {
	library := routines.Library{os.DirFS(oddFolder(t)), routines.Builtin()}
	for name, says := range map[string]string{
		"good": "", "link": "", "pipe": "not a regular file", "device": "not a regular file", "linked-folder": "not a regular file",
		"loop": "too many levels", "dangling": "file does not exist", "large": "larger than 1 MiB", "folder": "no such routine",
	} {
		t.Run(name, func(t *testing.T) {
			within(t, 20*time.Second, func() {
				_, err := library.Load(t.Context(), name)
				if (err == nil) != (says == "") || err != nil && (!strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), name)) {
					t.Errorf("got %v, want %q", err, says)
				}
			})
		})
		if name == "large" || name == "folder" {
			continue
		}
		t.Run("the sound "+name, func(t *testing.T) {
			within(t, 20*time.Second, func() {
				if says == "file does not exist" {
					says = "there is no file"
				}
				file, err := library.OpenFile(t.Context(), name+".wav")
				if (err == nil) != (says == "") {
					t.Errorf("OpenFile: %v", err)
				}
				if err == nil {
					_, err = io.ReadAll(file)
					if err := errors.Join(err, file.Close()); err != nil {
						t.Error(err)
					}
				}
				if _, err := library.Open(name + ".wav"); (err == nil) != (says == "") {
					t.Errorf("Open: %v", err)
				}
				_, err = library.Check(t.Context(), "x.toml", fmt.Appendf(nil, "title = 'X'\n[[step]]\nsound = '%s.wav'\n", name))
				if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
					t.Errorf("Check: %v, want %q", err, says)
				}
			})
		})
	}
	dir := oddFolder(t)
	for name, says := range map[string]string{"good.toml": "", "pipe.toml": "not a regular file", "device.toml": "not a regular file", "folder.toml": "not a regular file", "none.toml": "does not exist"} {
		t.Run("by its path: "+name, func(t *testing.T) {
			within(t, 20*time.Second, func() {
				if _, err := routines.ReadFile(t.Context(), filepath.Join(dir, name)); (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
					t.Errorf("got %v, want %q", err, says)
				}
			})
		})
	}
	if data, err := routines.ReadFile(t.Context(), filepath.Join(dir, "large.toml")); err != nil || len(data) > 2<<20 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	t.Run("a title beside them", func(t *testing.T) {
		within(t, 20*time.Second, func() {
			if r, err := library.Load(t.Context(), "Elsewhere"); err != nil || r.Name != "link" {
				t.Errorf("got %v, %v", r, err)
			}
		})
	})
}

// growingFolder has one routine that is longer whenever it is read.
type growingFolder struct{ fstest.MapFS }

type growingFile struct{ fs.File }

func (growingFile) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '#'
	}
	return len(p), nil
}

func (f growingFolder) Open(name string) (fs.File, error) {
	file, err := f.MapFS.Open(name)
	if err == nil && name == "growing.toml" {
		return growingFile{file}, nil
	}
	return file, err
}

func TestLibraryReadsABoundedPartOfAFileThatGrows(t *testing.T) {
	library := routines.Library{growingFolder{folder(map[string]string{"growing.toml": "#", "growing.wav": "x"})}}
	within(t, time.Minute, func() {
		if _, err := library.Load(t.Context(), "growing"); err == nil || !strings.Contains(err.Error(), "larger than 1 MiB") {
			t.Errorf("got %v", err)
		}
	})
}

// deadFolder is a network mount that is away: every call blocks until it is back.
type deadFolder struct {
	fstest.MapFS
	dead func(name string) bool
	back chan struct{}
}

func (f deadFolder) Open(name string) (fs.File, error) {
	if f.dead(name) {
		<-f.back
	}
	return f.MapFS.Open(name)
}

func (f deadFolder) Stat(name string) (fs.FileInfo, error) {
	if f.dead(name) {
		<-f.back
	}
	return f.MapFS.Stat(name)
}

func TestLibraryAbandonsAFolderThatDoesNotAnswer(t *testing.T) {
	for what, dead := range map[string]func(name string) bool{
		"a folder": func(string) bool { return true },
		"a file":   func(name string) bool { return strings.HasPrefix(name, "mine") },
	} {
		t.Run(what, func(t *testing.T) {
			mount := deadFolder{folder(map[string]string{"mine.toml": sayRoutine("Mine", "x"), "mine.wav": "x"}), dead, make(chan struct{})}
			library := routines.Library{mount, routines.Builtin()}
			before := runtime.NumGoroutine()
			for range 30 {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
				start := time.Now()
				_, err := library.Load(ctx, "mine")
				if err == nil || !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, routines.ErrStuck) {
					t.Fatalf("Load: %v", err)
				}
				if what == "a file" && !strings.Contains(err.Error(), "mine.toml") {
					t.Errorf("the error does not name the file: %v", err)
				}
				if _, err := library.OpenFile(ctx, "mine.wav"); err == nil || !strings.Contains(err.Error(), "mine.wav") {
					t.Fatalf("OpenFile: %v", err)
				}
				cancel()
				if took := time.Since(start); took > 5*time.Second {
					t.Errorf("took %v", took)
				}
			}
			if more := runtime.NumGoroutine() - before; more > 12 {
				t.Errorf("%d goroutines are stuck", more)
			}
			if _, err := library.Load(t.Context(), "box"); err != nil {
				t.Errorf("a built-in routine: %v", err)
			}
			close(mount.back)
			for deadline := time.Now().Add(time.Minute); ; {
				_, err := library.Load(t.Context(), "mine")
				if err == nil {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("when it is back: %v", err)
				}
				runtime.Gosched()
			}
		})
	}
}

// A stop interrupts a start that reads from a slow disk; the start that follows at once reads the same file, and is not
// refused because the first call has not returned yet.
func TestLibraryReadsAgainWhatWasInterrupted(t *testing.T) {
	for what, slow := range map[string]func(name string) bool{
		"the folder":        func(name string) bool { return name == "." },
		"the file":          func(name string) bool { return name == "mine.toml" },
		"all that there is": func(string) bool { return true },
		"what it refers to": func(name string) bool { return name == "steps.toml" },
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				disk := deadFolder{folder(map[string]string{"mine.toml": "title = \"Mine\"\n[[step]]\nroutine = \"steps\"\n", "steps.toml": sayRoutine("Steps", "x")}), slow, make(chan struct{})}
				library := routines.Library{disk}
				for range 3 {
					ctx, interrupt := context.WithCancel(t.Context())
					interrupted := make(chan error, 1)
					go func() {
						_, err := library.Load(ctx, "mine")
						interrupted <- err
					}()
					synctest.Wait()
					interrupt()
					if err := <-interrupted; err != nil && !errors.Is(err, context.Canceled) {
						t.Errorf("interrupted: %v", err)
					}
				}
				again := make(chan error, 1)
				go func() {
					_, err := library.Load(t.Context(), "mine")
					again <- err
				}()
				synctest.Wait()
				close(disk.back)
				if err := <-again; err != nil {
					t.Errorf("given again: %v", err)
				}
			})
		})
	}
}

func TestLibraryListsABoundedNumberOfRoutines(t *testing.T) {
	for name, c := range map[string]struct {
		files  int
		ending string
		names  int
		says   string
	}{
		"as many as there may be": {4000, ".toml", 4000, ""},
		"twice as many":           {8000, ".toml", 4000, `"r04000"`},
		"a folder of photographs": {100_000, ".jpg", 0, "more than 10000 files"},
		"a hundred thousand":      {100_000, ".toml", 4000, "more than 10000 files"},
	} {
		t.Run(name, func(t *testing.T) {
			files := fstest.MapFS{}
			for i := range c.files {
				files[fmt.Sprintf("r%05d%s", i, c.ending)] = &fstest.MapFile{Data: []byte("title = \"R\"\n")}
			}
			library := routines.Library{files, routines.Builtin()}
			names, err := library.Names(t.Context())
			builtin, _ := routines.Library{routines.Builtin()}.Names(t.Context())
			if len(names) != c.names+len(builtin) || errors.Is(err, routines.ErrLeftOut) != (c.says != "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%d names, %v; want %d", len(names), err, c.names)
			}
			start := time.Now()
			if _, err := library.Load(t.Context(), "no such name at all"); !errors.Is(err, routines.ErrNotFound) {
				t.Errorf("got %v", err)
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("looking for a name took %v", took)
			}
		})
	}
}

// Memory sticks and macOS store names with decomposed accents, and people type them composed.
func TestLibraryFindsNamesHoweverAccentsAreStored(t *testing.T) {
	dir := folder(map[string]string{
		"re\u0301veil.toml": sayRoutine("Re\u0301veil doux", "x"), "gong-\u00e9.wav": "x", "cloche-e\u0301.wav": "x",
	})
	library := routines.Library{dir}
	for _, asked := range []string{"r\u00e9veil", "re\u0301veil", "R\u00c9VEIL", "r\u00e9veil doux", "Re\u0301veil\u00a0doux"} {
		if r, err := library.Load(t.Context(), asked); err != nil || r.Name != "re\u0301veil" {
			t.Errorf("%q: %v, %v", asked, r, err)
		}
	}
	for _, sound := range []string{"gong-\u00e9.wav", "gong-e\u0301.wav", "cloche-\u00e9.wav", "cloche-e\u0301.wav"} {
		if _, err := library.Open(sound); err != nil {
			t.Errorf("%q: %v", sound, err)
		}
	}
}

func TestLibraryBoundsWhatOneRoutineIncludes(t *testing.T) {
	files := map[string]string{}
	var all strings.Builder
	all.WriteString("title = 'All'\n")
	for i := range 150 {
		files[fmt.Sprintf("part%d.toml", i)] = sayRoutine("Part", "x")
		fmt.Fprintf(&all, "[[step]]\nroutine = 'part%d'\n", i)
	}
	files["all.toml"] = all.String()
	big := "title = 'Big'\n" + strings.Repeat("# "+strings.Repeat("x", 998)+"\n", 700) + "[[step]]\nsay = 'x'\n"
	for i := range 6 {
		files[fmt.Sprintf("big%d.toml", i)] = big
	}
	files["six.toml"] = "title = 'Six'\n" + strings.Repeat("[[step]]\nroutine = 'big%d'\n", 6)
	files["six.toml"] = fmt.Sprintf(files["six.toml"], 0, 1, 2, 3, 4, 5)
	for _, name := range []string{"all", "six"} {
		if _, err := (routines.Library{folder(files)}).Load(t.Context(), name); err == nil || !strings.Contains(err.Error(), "include fewer") {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	library := routines.Library{folder(files), routines.Builtin()}
	if _, err := library.Load(ctx, "all"); !errors.Is(err, context.Canceled) {
		t.Errorf("Load: %v", err)
	}
	if _, err := library.Check(ctx, "x.toml", []byte("title = 'X'\n[[step]]\nroutine = 'box'\n")); !errors.Is(err, context.Canceled) {
		t.Errorf("Check: %v", err)
	}
	if _, err := library.Names(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Names: %v", err)
	}
}
