package mix

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"guided/audio"
	"guided/audio/audiotest"
	"guided/routines"
)

// countingBank is a bank of the sounds in a folder that counts the bytes it reads of them.
func countingBank(t testing.TB, dir, cache string) (*Bank, *countingFolder) {
	folder := &countingFolder{FS: os.DirFS(dir)}
	b := NewBank(nil, nil, audio.InFolders(folder), audiotest.Logger(t))
	b.KeepSounds(cache, audio.StatInFolders(os.DirFS(dir)))
	b.sounds.store.minFree = 0
	return b, folder
}

// Two processes that learn and keep at once do each other no harm.
func TestSoundCacheOfTwoProcesses(t *testing.T) {
	audiotest.NoLeaks(t)
	dir, files := soundFolder(t)
	cache := t.TempDir()
	want := map[string][]int16{}
	for name, data := range files {
		want[name] = oldClip(t, data)
	}
	var running sync.WaitGroup
	for range 4 {
		b := bankOf(t, dir, cache, audiotest.Logger(t))
		running.Go(func() {
			for name := range files {
				got, _ := readSound(t, b, name, clipKind, false)
				if !slices.Equal(got, want[name]) {
					t.Errorf("%s: other samples", name)
				}
				b.PrepareBed(t.Context(), routines.Bed{Sound: name})
			}
		})
	}
	running.Wait()
	b, folder := countingBank(t, dir, cache)
	for name := range files {
		if e, has := b.Measure(sound(name)); !has || e.Len != len(want[name]) {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if n := folder.read.Load(); n != 0 {
		t.Errorf("%d bytes are read after all", n)
	}
	if left, _ := filepath.Glob(filepath.Join(cache, ".*")); len(left) != 0 {
		t.Errorf("temporary files are left: %v", left)
	}
}

// Whatever happens to the cache while a sound plays from it, the sound is the same.
func TestSoundCacheIsHurtWhileItPlays(t *testing.T) {
	audiotest.NoLeaks(t)
	dir, files := soundFolder(t)
	want := oldClip(t, files["long.flac"])
	eachFile := func(t *testing.T, cache string, do func(path string) error) {
		list, err := filepath.Glob(filepath.Join(cache, "*"+storeEnding))
		if err != nil || len(list) == 0 {
			t.Fatalf("nothing is kept: %v", err)
		}
		for _, path := range list {
			if err := do(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, hurt := range map[string]func(t *testing.T, cache string){
		"nothing": func(*testing.T, string) {},
		"removed": func(t *testing.T, cache string) { eachFile(t, cache, os.Remove) },
		"cut": func(t *testing.T, cache string) {
			eachFile(t, cache, func(path string) error { return os.Truncate(path, 7*storedBlockBytes) })
		},
		"emptied": func(t *testing.T, cache string) {
			eachFile(t, cache, func(path string) error { return os.Truncate(path, 0) })
		},
		"zeros": func(t *testing.T, cache string) {
			eachFile(t, cache, func(path string) error {
				info, err := os.Stat(path)
				return errors.Join(err, os.Truncate(path, 5000), os.Truncate(path, info.Size()))
			})
		},
		"all of it is removed": func(t *testing.T, cache string) {
			if err := os.RemoveAll(cache); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			cache := filepath.Join(t.TempDir(), "sounds")
			readSound(t, bankOf(t, dir, cache, audiotest.Logger(t)), "long.flac", clipKind, false)
			b := bankOf(t, dir, cache, audiotest.Logger(t))
			r, err := b.sounds.open(t.Context(), "long.flac", clipKind, false)
			if err != nil {
				t.Fatal(err)
			}
			defer r.close()
			if _, is := r.source.(*storedSource); !is {
				t.Fatalf("it plays from %T", r.source)
			}
			for k := 0; k*blockLen < r.length; k++ {
				if k == 3 {
					hurt(t, cache)
				}
				block, err := r.block(t.Context(), k)
				for err == errBehind {
					block, err = r.block(t.Context(), k)
				}
				if err != nil || !slices.Equal(*block, want[k*blockLen:min(len(want), (k+1)*blockLen)]) {
					t.Fatalf("block %d is another: %v", k, err)
				}
			}
			next := bankOf(t, dir, cache, audiotest.Logger(t))
			for range 2 { // it is made again
				if got, _ := readSound(t, next, "long.flac", clipKind, false); !slices.Equal(got, want) {
					t.Error("another sound the next time")
				}
			}
			if _, source := readSound(t, next, "long.flac", clipKind, false); source == nil {
				t.Error("no source")
			} else if _, is := source.(*storedSource); !is {
				t.Errorf("it is not kept again: %T", source)
			}
		})
	}
}

// A disk that takes nothing costs speed alone, and is told once.
func TestSoundCacheThatTakesNothing(t *testing.T) {
	audiotest.NoLeaks(t)
	dir, files := soundFolder(t)
	notAFolder := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(notAFolder, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	pipes := t.TempDir()
	if err := errors.Join(syscall.Mkfifo(filepath.Join(pipes, indexFile), 0o644)); err != nil {
		t.Fatal(err)
	}
	small := filepath.Join(t.TempDir(), "small")
	caches := map[string]string{"it cannot be created": filepath.Join(notAFolder, "sounds"), "the kernel's": "/proc/guided", "its index is a pipe": pipes}
	if err := os.Mkdir(small, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=300k"); err == nil {
		t.Cleanup(func() { _ = syscall.Unmount(small, syscall.MNT_DETACH) })
		caches["a disk of 300 kB"] = small
	}
	for name, cache := range caches {
		t.Run(name, func(t *testing.T) {
			var logs bytes.Buffer
			b := bankOf(t, dir, cache, slog.New(slog.NewTextHandler(&logs, nil)))
			if name == "a disk of 300 kB" {
				b.sounds.store.minFree = -1 << 40 // it finds out by writing
			}
			for range 2 {
				for file, data := range files {
					if got, _ := readSound(t, b, file, clipKind, false); !slices.Equal(got, oldClip(t, data)) {
						t.Errorf("%s: other samples", file)
					}
				}
			}
			if n := strings.Count(logs.String(), "\n"); n != 1 {
				t.Errorf("told %d times:\n%s", n, logs.String())
			}
			if left, _ := filepath.Glob(filepath.Join(cache, ".*")); len(left) != 0 {
				t.Errorf("temporary files are left: %v", left)
			}
		})
	}
	t.Run("an almost full disk is left alone", func(t *testing.T) {
		cache := t.TempDir()
		b := bankOf(t, dir, cache, audiotest.Logger(t))
		b.sounds.store.minFree = 1 << 60
		readSound(t, b, "long.flac", clipKind, false)
		if list, _ := filepath.Glob(filepath.Join(cache, "*"+storeEnding)); len(list) != 0 {
			t.Errorf("kept %v", list)
		}
	})
}

// The cache stays within its limit; what was not heard for longest leaves it.
func TestSoundCacheForgetsWhatWasNotHeard(t *testing.T) {
	dir, cache := t.TempDir(), t.TempDir()
	name := func(i int) string { return fmt.Sprintf("%d.wav", i) }
	for i := range 6 {
		if err := os.WriteFile(filepath.Join(dir, name(i)), audiotest.WAVFile(24_000, audiotest.WhiteNoise(24_000+i, 0.5)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b := bankOf(t, dir, cache, audiotest.Logger(t))
	b.sounds.store.limit = 4*storedBytes(audio.Rate) + 1000
	isKept := func(i int) bool {
		_, source := readSound(t, b, name(i), clipKind, false)
		_, is := source.(*storedSource)
		return is
	}
	old := time.Now().Add(-48 * time.Hour)
	for i := range 4 {
		isKept(i)
		if err := filepath.WalkDir(cache, func(path string, d fs.DirEntry, err error) error {
			if info, _ := d.Info(); strings.HasSuffix(path, storeEnding) && info.ModTime().After(old.Add(time.Hour)) {
				return errors.Join(err, os.Chtimes(path, old, old.Add(time.Duration(i)*time.Second)))
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	if !isKept(0) || !isKept(1) {
		t.Fatal("they are not kept")
	}
	for i := 4; i < 6; i++ {
		isKept(i)
	}
	for i, want := range []bool{true, true, false, false, true, true} {
		if i == 2 || i == 3 {
			continue // asking would keep them again
		}
		if got := isKept(i); got != want {
			t.Errorf("%s is kept: %v", name(i), got)
		}
	}
	if list, _ := filepath.Glob(filepath.Join(cache, "*"+storeEnding)); len(list) != 4 {
		t.Errorf("%d are kept", len(list))
	}
}

// A cache folder that does not answer costs a moment once, and then nothing.
func TestSoundCacheThatHangs(t *testing.T) {
	audiotest.NoLeaks(t)
	dir, files := soundFolder(t)
	b := bankOf(t, dir, t.TempDir(), audiotest.Logger(t))
	release := make(chan struct{})
	tries := make(chan struct{}, 1000)
	hanging := audio.NewFiles(func(context.Context, string) (fs.File, error) {
		tries <- struct{}{}
		<-release
		return nil, fs.ErrNotExist
	}).Within(50 * time.Millisecond)
	b.sounds.store.files, b.sounds.store.index.files = hanging, hanging
	for name, data := range files {
		if e, has := b.Measure(sound(name)); !has || e.Len != len(oldClip(t, data)) {
			t.Errorf("%s: %+v", name, e)
		}
		if got, _ := readSound(t, b, name, clipKind, false); !slices.Equal(got, oldClip(t, data)) {
			t.Errorf("%s: other samples", name)
		}
	}
	if n := len(tries); n != 2 {
		t.Errorf("it was asked %d times", n)
	}
	close(release)
}

// Who goes back in a sound that is kept by now does not decode it again from its beginning.
func TestSoundGoesOverToTheCache(t *testing.T) {
	audiotest.NoLeaks(t)
	dir, files := soundFolder(t)
	b := bankOf(t, dir, t.TempDir(), audiotest.Logger(t))
	for _, kind := range []soundKind{clipKind, loopKind} {
		r, err := b.sounds.open(t.Context(), "long.flac", kind, false)
		if err != nil {
			t.Fatal(err)
		}
		defer r.close()
		read := func(k int) []int16 {
			block, err := r.block(t.Context(), k)
			for err == errBehind {
				block, err = r.block(t.Context(), k)
			}
			if err != nil {
				t.Fatal(err)
			}
			return *block
		}
		read(keptBlocks + 2)
		if err := b.sounds.keep(t.Context(), "long.flac", kind); err != nil {
			t.Fatal(err)
		}
		runtime.GC() // nobody shares a block any more
		want := oldClip(t, files["long.flac"])
		if kind == loopKind {
			want = oldLoop(t, files["long.flac"])
		}
		if !slices.Equal(read(0), want[:blockLen]) {
			t.Error("another sound")
		}
		if _, is := r.source.(*storedSource); !is {
			t.Errorf("it is read from %T", r.source)
		}
	}
}
