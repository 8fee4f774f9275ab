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

// What was learnt of a file holds until the file changes, also for the next process, and whatever happened to the index.
func TestSoundIndex(t *testing.T) {
	audiotest.NoLeaks(t)
	dir, files := soundFolder(t)
	cache := t.TempDir()
	index := filepath.Join(cache, indexFile)
	names := []string{"mono.wav", "speech.wav", "long.flac", "long.opus"}
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name string, data []byte) {
		if err := os.WriteFile(at(name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("text.wav", []byte("no sound"))
	first, _ := countingBank(t, dir, cache)
	lengths, sums := map[string]int{}, map[string][32]byte{}
	for _, name := range names {
		e, has := first.Measure(sound(name))
		if sums[name], _ = first.HashSound(t.Context(), name); !has || sums[name] == [32]byte{} {
			t.Fatalf("%s cannot be played", name)
		}
		lengths[name] = e.Len
	}
	if _, has := first.Measure(sound("text.wav")); has {
		t.Error("a text is a sound")
	}
	first.PrepareBed(t.Context(), routines.Bed{Sound: "mono.wav"})
	// measure has another process look at all files, and returns how much it read of them.
	measure := func(t *testing.T) int64 {
		t.Helper()
		b, folder := countingBank(t, dir, cache)
		for _, name := range names {
			e, has := b.Measure(sound(name))
			if sum, _ := b.HashSound(t.Context(), name); !has || e.Len != lengths[name] || sum != sums[name] {
				t.Errorf("%s: %+v, %x", name, e, sum)
			}
		}
		if _, has := b.Measure(sound("text.wav")); has {
			t.Error("a text is a sound")
		}
		return folder.read.Load()
	}
	whole, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("nothing is read of files that have not changed", func(t *testing.T) {
		if n := measure(t); n != 0 {
			t.Errorf("%d bytes", n)
		}
		b, folder := countingBank(t, dir, cache)
		b.PrepareBed(t.Context(), routines.Bed{Sound: "mono.wav"})
		if n := folder.read.Load(); n > 1<<14 { // its header
			t.Errorf("%d bytes of a bed", n)
		}
	})
	for name, data := range map[string][]byte{
		"gone": nil, "empty": {}, "torn": whole[:len(whole)*2/3], "of something else": bytes.Repeat([]byte("\t\"\n1\x00"), 5000),
		"damaged": bytes.ReplaceAll(whole, []byte("2"), []byte("3")),
	} {
		t.Run("the index is "+name, func(t *testing.T) {
			if err := os.Remove(index); err != nil {
				t.Fatal(err)
			}
			if data != nil {
				if err := os.WriteFile(index, data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if n := measure(t); n == 0 {
				t.Error("nothing is read")
			}
			if n := measure(t); n != 0 {
				t.Errorf("the next process reads %d bytes", n)
			}
		})
	}
	info, err := os.Stat(at("mono.wav"))
	if err != nil {
		t.Fatal(err)
	}
	other := audiotest.WAVFile(audio.Rate, audiotest.WhiteNoise(100_001, 0.25))
	replaced := func(t *testing.T, what string) {
		t.Helper()
		if n := measureOne(t, dir, cache, "mono.wav"); n == 0 {
			t.Errorf("%s is not noticed", what)
		}
		b, _ := countingBank(t, dir, cache)
		if got, _ := readSound(t, b, "mono.wav", clipKind, false); !slices.Equal(got, oldClip(t, audiotest.ReadFile(t, at("mono.wav")))) {
			t.Errorf("after %s the old sound is heard", what)
		}
	}
	t.Run("another content of the same size and time is noticed", func(t *testing.T) {
		write("new.wav", other)
		if err := errors.Join(os.Chtimes(at("new.wav"), info.ModTime(), info.ModTime()), os.Rename(at("new.wav"), at("mono.wav"))); err != nil {
			t.Fatal(err)
		}
		replaced(t, "a file in its place")
		write("mono.wav", files["mono.wav"])
		if err := os.Chtimes(at("mono.wav"), info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
		replaced(t, "a file written over it")
	})
	t.Run("a nanosecond is noticed", func(t *testing.T) {
		measureOne(t, dir, cache, "mono.wav")
		if err := os.Chtimes(at("mono.wav"), info.ModTime(), info.ModTime().Add(1)); err != nil {
			t.Fatal(err)
		}
		replaced(t, "a nanosecond")
	})
	t.Run("a time in the future or the past is a time", func(t *testing.T) {
		for _, year := range []int{1971, 2500} {
			when := time.Date(year, 1, 1, 0, 0, 0, 1, time.UTC)
			if err := os.Chtimes(at("mono.wav"), when, when); err != nil {
				t.Fatal(err)
			}
			replaced(t, "a clock that jumps")
			if n := measureOne(t, dir, cache, "mono.wav"); n != 0 {
				t.Errorf("%d bytes are read again", n)
			}
		}
	})
	t.Run("a file that is gone is gone", func(t *testing.T) {
		if err := os.Remove(at("mono.wav")); err != nil {
			t.Fatal(err)
		}
		b, _ := countingBank(t, dir, cache)
		if _, has := b.Measure(sound("mono.wav")); has {
			t.Error("it is there")
		}
		if _, has := first.Measure(sound("mono.wav")); has {
			t.Error("it is there for the first process")
		}
	})
}

// measureOne has another process measure a file, and returns how much of it was read.
func measureOne(t testing.TB, dir, cache, name string) int64 {
	t.Helper()
	b, folder := countingBank(t, dir, cache)
	if _, has := b.Measure(sound(name)); !has {
		t.Errorf("%s cannot be played", name)
	}
	return folder.read.Load()
}

// An index that has grown by changes is written anew.
func TestSoundIndexStaysSmall(t *testing.T) {
	x := newSoundIndex(t.TempDir(), audio.NewFiles(nil))
	x.files = audio.NewFiles(audio.InFolders(os.DirFS(x.dir)))
	facts := soundFacts{length: 7, err: errors.New(strings.Repeat("a long\nreason", 1<<16))}
	v := fileVersion{name: "a\tb\n\"c\".wav", size: 5}
	for v.modified = range 60 {
		if err := x.put(v, facts); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(filepath.Join(x.dir, indexFile))
	if err != nil || info.Size() > maxSoundIndexBytes {
		t.Errorf("%d bytes: %v", info.Size(), err)
	}
	again := newSoundIndex(x.dir, x.files)
	if got := again.get(v); got.err == nil || got.length != 7 || got.err.Error() != facts.err.Error() || len(again.entries) != 1 {
		t.Errorf("got %d of %d entries", got.length, len(again.entries))
	}
}

// Two processes that learn and keep at once do each other no harm.
func TestSoundCacheOfTwoProcesses(t *testing.T) {
	audiotest.NoLeaks(t)
	dir, files := soundFolder(t)
	cache := t.TempDir()
	var running sync.WaitGroup
	for range 4 {
		b := bankOf(t, dir, cache, audiotest.Logger(t))
		running.Go(func() {
			for name, data := range files {
				got, _ := readSound(t, b, name, clipKind, false)
				if !slices.Equal(got, oldClip(t, data)) {
					t.Errorf("%s: other samples", name)
				}
				b.PrepareBed(t.Context(), routines.Bed{Sound: name})
			}
		})
	}
	running.Wait()
	b, folder := countingBank(t, dir, cache)
	for name, data := range files {
		if e, has := b.Measure(sound(name)); !has || e.Len != len(oldClip(t, data)) {
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
