package mix

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"guided/audio"
	"guided/audio/audiotest"
	"guided/routines"
)

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
