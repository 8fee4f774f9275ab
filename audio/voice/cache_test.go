package voice

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"guided/audio"
	"guided/audio/audiotest"
)

// sawtooth returns a recording of n samples that differs with n.
func sawtooth(n int) Recording {
	r := Recording{PCM: make([]int16, n), Beat: n / 2}
	for i := range r.PCM {
		r.PCM[i] = int16(i*77 + n)
	}
	return r
}

func TestCacheReadsFilesOfAnotherCache(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	NewCache(dir, audiotest.Logger(t)).Put("k", sawtooth(1000))
	c := NewCache(dir, audiotest.Logger(t))
	if e, has := c.Measure("k"); !has || e.Len != 1000 || e.Beat != 500 {
		t.Errorf("extent %+v", e)
	}
	r, has := c.Get("k")
	if !has || !slices.Equal(r.PCM, sawtooth(1000).PCM) || r.Beat != 500 {
		t.Error("is not what was put")
	}
	if samples, rate, err := audio.Decode(audiotest.ReadFile(t, filepath.Join(dir, "k.wav"))); err != nil || rate != audio.Rate || len(samples) != 1000 {
		t.Errorf("a cache file is no WAV file: %v", err)
	}
	if _, has := c.Get("another"); has {
		t.Error("has what was never put")
	}
}

func TestNewCacheRemovesWhatAKilledProcessLeft(t *testing.T) {
	dir := t.TempDir()
	old := time.Now().Add(-time.Minute)
	for _, name := range []string{".0123abcd.wav8675309", "kept.wav"} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, encodeCacheFile(sawtooth(10)), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, old, old); err != nil {
			t.Fatal(err)
		}
	}
	c := NewCache(dir, audiotest.Logger(t))
	if _, has := c.Get("kept"); !has {
		t.Error("a recording is lost")
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 1 {
		t.Errorf("there are %v: %v", list, err)
	}
}

// A full SD card leaves files that are cut short.
func TestCacheIgnoresDamagedFiles(t *testing.T) {
	whole := encodeCacheFile(sawtooth(1000))
	beat := bytes.Clone(whole)
	copy(beat[44:], []byte{0xFF, 0xFF, 0xFF, 0xFF})
	for name, data := range map[string][]byte{
		"empty": {}, "a header alone": whole[:56], "half": whole[:900], "one byte short": whole[:len(whole)-1],
		"zeros": make([]byte, len(whole)), "longer": append(bytes.Clone(whole), 0), "a beat far away": beat,
		"another WAV": audiotest.WAVFile(audio.Rate, make([]float64, 100)),
	} {
		t.Run(name, func(t *testing.T) {
			c := NewCache(t.TempDir(), audiotest.Logger(t))
			if err := os.WriteFile(c.path("k"), data, 0o644); err != nil {
				t.Fatal(err)
			}
			if _, has := c.Measure("k"); has {
				t.Error("is measured")
			}
			if r, has := c.Get("k"); has {
				t.Errorf("gives %d samples", len(r.PCM))
			}
			c.Put("k", sawtooth(1000))
			if r, has := c.Get("k"); !has || len(r.PCM) != 1000 {
				t.Error("Put does not replace it")
			}
		})
	}
}

// FuzzDecodeCacheFile reads any bytes as a file of the cache.
func FuzzDecodeCacheFile(f *testing.F) {
	whole := encodeCacheFile(sawtooth(100))
	f.Add(whole)
	f.Add(whole[:60])
	f.Add(append(bytes.Clone(whole), 0))
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := decodeCacheFile(file)
		if err != nil {
			return
		}
		if len(r.PCM) == 0 || r.Beat < 0 || r.Beat > len(r.PCM) {
			t.Fatalf("%d samples with a beat at %d", len(r.PCM), r.Beat)
		}
		if again, err := decodeCacheFile(encodeCacheFile(r)); err != nil || !slices.Equal(again.PCM, r.PCM) || again.Beat != r.Beat {
			t.Fatalf("it does not come back: %v", err)
		}
	})
}

func TestCacheKeepsInMemoryWhenDiskFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	taken := t.TempDir()
	for i := range 3 {
		if err := os.MkdirAll(filepath.Join(taken, fmt.Sprint(i)+".wav", "x"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, dir := range map[string]string{"a file in its place": file, "folders in the files' places": taken, "a file above it": filepath.Join(file, "speech"), "no such place": "/proc/guided/speech"} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			c := NewCache(dir, slog.New(slog.NewTextHandler(&log, nil)))
			for i := range 3 {
				c.Put(fmt.Sprint(i), sawtooth(100+i))
			}
			for i := range 3 {
				if r, has := c.Get(fmt.Sprint(i)); !has || !slices.Equal(r.PCM, sawtooth(100+i).PCM) {
					t.Errorf("lost %d", i)
				}
				if e, has := c.Measure(fmt.Sprint(i)); !has || e.Len != 100+i {
					t.Errorf("extent of %d: %+v", i, e)
				}
			}
			if n := strings.Count(log.String(), "level=WARN"); n != 1 {
				t.Errorf("warned %d times:\n%s", n, log.String())
			}
		})
	}
}

// A daemon that cannot write its disk runs for months: its memory must not fill up.
func TestCacheMemoryDropsOldestWhenFull(t *testing.T) {
	c := NewCache("/proc/guided/speech", slog.New(slog.DiscardHandler))
	const n = 1 << 20
	for i := range 100 {
		c.Put(fmt.Sprint(i), Recording{PCM: make([]int16, n)})
		c.Put(fmt.Sprint(i), Recording{PCM: make([]int16, n)}) // a second Put of a key is counted once
	}
	if held := len(c.memory) * 2 * n; held > maxMemoryBytes || held < maxMemoryBytes-4*n || c.memoryBytes != held || len(c.memoryOrder) != len(c.memory) {
		t.Errorf("holds %d MiB and counts %d", held>>20, c.memoryBytes>>20)
	}
	if _, has := c.Get("99"); !has {
		t.Error("lost the newest")
	}
	if _, has := c.Measure("0"); has {
		t.Error("measures the oldest")
	}
	if _, has := c.Get("0"); has {
		t.Error("has the oldest")
	}
}

func TestCacheRemovesOldestFilesOverTheLimit(t *testing.T) {
	c := NewCache(t.TempDir(), audiotest.Logger(t))
	size := int64(len(encodeCacheFile(sawtooth(1000))))
	c.maxDiskBytes = 5 * size
	if err := os.WriteFile(filepath.Join(c.dir, "README"), make([]byte, 10*size), 0o644); err != nil {
		t.Fatal(err) // a foreign file: neither counted nor removed
	}
	for i := range 9 {
		key := fmt.Sprint(i)
		c.Put(key, sawtooth(1000))
		at := time.Now().Add(time.Duration(i-100) * time.Minute)
		if err := os.Chtimes(c.path(key), at, at); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 9 {
		_, has := c.Get(fmt.Sprint(i))
		if _, measured := c.Measure(fmt.Sprint(i)); has != (i >= 4) || measured != has {
			t.Errorf("%d is kept: %v, measured: %v", i, has, measured)
		}
	}
	c.maxDiskBytes = 1
	c.Put("large", sawtooth(5000))
	if _, has := c.Get("large"); !has {
		t.Error("lost the one just put")
	}
	if _, err := os.Stat(filepath.Join(c.dir, "README")); err != nil {
		t.Error(err)
	}
}

func TestCacheConcurrentPutAndGet(t *testing.T) {
	var log bytes.Buffer
	c := NewCache(t.TempDir(), slog.New(slog.NewTextHandler(&log, nil)))
	c.maxDiskBytes = 20 << 10
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 20 {
				key := fmt.Sprint((i + j) % 10)
				c.Put(key, sawtooth(1000))
				if r, has := c.Get(key); has && !slices.Equal(r.PCM, sawtooth(1000).PCM) {
					t.Error("read a recording that was not put")
				}
				c.Measure(key)
			}
		})
	}
	all.Wait()
	if log.Len() > 0 {
		t.Errorf("logged: %s", log.String())
	}
}

func TestCacheKeyIsUnique(t *testing.T) {
	keys := map[string]string{}
	for _, parts := range [][]string{{"a", "b"}, {"ab"}, {"a", "", "b"}, {"b", "a"}, {"a", "b", ""}, {"a", "B"}, {"a", "b."}} {
		key := cacheKey(parts...)
		if other, taken := keys[key]; taken {
			t.Errorf("%q and %s have one key", parts, other)
		}
		keys[key] = fmt.Sprintf("%q", parts)
		if key != cacheKey(parts...) || key != filepath.Base(key) {
			t.Errorf("%q is no key", key)
		}
	}
}
