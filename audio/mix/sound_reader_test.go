package mix

import (
	"encoding/binary"
	"errors"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"guided/audio"
	"guided/audio/audiotest"
	"guided/routines"
)

// oldSamples decodes a file in memory as a whole.
func oldSamples(t testing.TB, file []byte) []float64 {
	t.Helper()
	samples, rate, err := audio.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	return audio.Resample(samples, rate)
}

// oldClip makes the clip of a file from the whole file in memory.
func oldClip(t testing.TB, file []byte) []int16 { return audio.QuantizeClip(oldSamples(t, file)) }

// oldLoop makes the bed of a file from the whole file in memory.
func oldLoop(t testing.TB, file []byte) []int16 {
	t.Helper()
	var shape loopShape
	if err := shape.add(oldSamples(t, file)); err != nil {
		t.Fatal(err)
	}
	gain := audio.GainFromDB(bedLUFS - shape.loudness())
	samples := oldSamples(t, file)
	fade := min(loopFade, len(samples)/3)
	loop := samples[:len(samples)-fade]
	fadeInto(loop[:fade], samples[len(loop):])
	pcm := make([]int16, len(loop))
	for i, x := range loop {
		pcm[i] = int16(math.Round(max(-1, min(1, gain*x)) * math.MaxInt16))
	}
	return pcm
}

// noisyWAV returns a file of 16-bit stereo noise at a rate.
func noisyWAV(rate, frames int) []byte {
	b := audio.WAVFormat{Channels: 2, Rate: rate, Bits: 16}.Header(frames)
	for _, x := range audiotest.WhiteNoise(2*frames, 0.7) {
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(x*32767)))
	}
	return b
}

// soundFolder returns a folder with sound files of all kinds, and their contents.
func soundFolder(t testing.TB) (dir string, files map[string][]byte) {
	t.Helper()
	noise := audiotest.WhiteNoise(3*audio.Rate, 0.5)
	bytes24, float32s := audio.WAVFormat{Channels: 2, Rate: audio.Rate, Bits: 24}.Header(60_000), audio.WAVFormat{Channels: 1, Rate: 44_100, Bits: 32, Float: true}.Header(50_000)
	for _, x := range noise[:120_000] {
		v := uint32(int32(x * (1 << 23)))
		bytes24 = append(bytes24, byte(v), byte(v>>8), byte(v>>16))
	}
	for _, x := range noise[:50_000] {
		float32s = binary.LittleEndian.AppendUint32(float32s, math.Float32bits(float32(x)))
	}
	long := noisyWAV(44_100, 26*44_100)
	flac, _ := audiotest.RunProgram(t, long, "flac", "--silent", "--fast", "--stdout", "-")
	opus, _ := audiotest.RunProgram(t, noisyWAV(48_000, 5*48_000), "opusenc", "--quiet", "-", "-")
	files = map[string][]byte{
		"mono.wav":      audiotest.WAVFile(audio.Rate, noise[:100_001]),
		"whole.wav":     audiotest.WAVFile(audio.Rate, noise[:2*blockLen]),
		"stereo.wav":    noisyWAV(audio.Rate, 27*audio.Rate+11),
		"speech.wav":    audiotest.WAVFile(24_000, noise[:70_001]),
		"second.wav":    audiotest.WAVFile(24_000, noise[:24_000]),
		"short.wav":     audiotest.WAVFile(24_000, noise[:100]),
		"shorter.wav":   audiotest.WAVFile(audio.Rate, noise[:287]),
		"24bit.wav":     bytes24,
		"float.wav":     float32s,
		"long44.wav":    long,
		"long.flac":     flac,
		"long.opus":     opus,
		"24bit.flac":    audiotest.ReadFile(t, "../testdata/mono24.flac"),
		"stereo16.flac": audiotest.ReadFile(t, "../testdata/stereo16.flac"),
	}
	dir = t.TempDir()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir, files
}

// bankOf returns a bank of the sounds in a folder that keeps what it decodes in another, empty for none.
func bankOf(t testing.TB, dir, cache string, log *slog.Logger) *Bank {
	b := NewBank(nil, nil, audio.InFolders(os.DirFS(dir)), log)
	if cache != "" {
		b.KeepSounds(cache, audio.StatInFolders(os.DirFS(dir)))
		b.sounds.store.minFree = 0
	}
	return b
}

// readSound reads all of a sound, from its last block to its first where backwards is set.
func readSound(t testing.TB, b *Bank, name string, kind soundKind, backwards bool) ([]int16, blockSource) {
	t.Helper()
	r, err := b.sounds.open(t.Context(), name, kind, true)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	defer r.close()
	pcm := make([]int16, r.length)
	blocks := (r.length + blockLen - 1) / blockLen
	for i := range blocks {
		if backwards {
			i = blocks - 1 - i
		}
		block, err := r.block(t.Context(), i)
		for err == errBehind {
			block, err = r.block(t.Context(), i)
		}
		if err != nil {
			t.Fatalf("%s, block %d: %v", name, i, err)
		}
		copy(pcm[i*blockLen:], *block)
	}
	return pcm, r.source
}

// Whatever a file is and wherever its samples are read from, they are those of the whole file in memory.
func TestSoundsAreTheSameInBlocks(t *testing.T) {
	audiotest.NoLeaks(t)
	dir, files := soundFolder(t)
	cache := t.TempDir()
	want := map[string][2][]int16{}
	for name, data := range files {
		want[name] = [2][]int16{clipKind: oldClip(t, data), loopKind: oldLoop(t, data)}
	}
	for _, way := range []struct {
		name, cache string
		backwards   bool
	}{{"without a cache", "", false}, {"without a cache, backwards", "", true}, {"decoded into the cache", cache, false}, {"from the cache", cache, false}, {"from the cache, backwards", cache, true}} {
		t.Run(way.name, func(t *testing.T) {
			b := bankOf(t, dir, way.cache, audiotest.Logger(t))
			for name, want := range want {
				for kind, want := range want {
					got, source := readSound(t, b, name, soundKind(kind), way.backwards)
					if !slices.Equal(got, want) {
						t.Errorf("%s as %d: other samples (%d, want %d)", name, kind, len(got), len(want))
					}
					_, decoded := source.(*decodedSource)
					if strings.HasPrefix(way.name, "from the cache") && decoded {
						t.Errorf("%s as %d is decoded again", name, kind)
					}
				}
				if e, has := b.Measure(sound(name)); !has || e.Len != len(want[clipKind]) {
					t.Errorf("%s measures %d", name, e.Len)
				}
			}
		})
	}
}

// scoreOfSounds plays sounds one after another, overlapping by a second, over a bed.
func scoreOfSounds(t testing.TB, b *Bank, bed string, names ...string) *routines.Score {
	t.Helper()
	at := 0
	var cues []routines.Cue
	for _, name := range names {
		e, has := b.Measure(sound(name))
		if !has {
			t.Fatalf("%s cannot be played", name)
		}
		cues = append(cues, routines.Cue{At: at, Len: e.Len, Clip: sound(name)})
		at = max(0, at+e.Len-audio.Rate)
	}
	s := scoreOf(cues...)
	s.Bed.Sound = bed
	return s
}

// A render in any ranges on several goroutines gives the samples of a score in memory, and holds little of it.
func TestOfflineSoundsLikeRender(t *testing.T) {
	audiotest.NoLeaks(t)
	dir, _ := soundFolder(t)
	for name, cache := range map[string]string{"without a cache": "", "with a cache": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			b := bankOf(t, dir, cache, audiotest.Logger(t))
			score := scoreOfSounds(t, b, "stereo.wav", "long.flac", "speech.wav", "long44.wav", "mono.wav", "long.opus")
			clips, err := b.Load(t.Context(), score)
			if err != nil {
				t.Fatal(err)
			}
			want := make([][2]float64, score.Len)
			audio.ReadFull(Render(score, clips), want)
			sound, err := b.RenderOffline(t.Context(), score)
			if err != nil {
				t.Fatal(err)
			}
			defer sound.Close()
			got := make([][2]float64, score.Len)
			const part = 30_011
			work := make(chan int)
			var workers []*OfflineRenderer
			done := make(chan error)
			for range 3 {
				w := sound.Clone()
				workers = append(workers, w)
				go func() {
					for at := range work {
						if err := w.Seek(at); err != nil {
							done <- err
							return
						}
						audio.ReadFull(w, got[at:min(at+part, score.Len)])
					}
					done <- w.Err()
				}()
			}
			for at := 0; at < score.Len; at += part {
				work <- at
			}
			close(work)
			for range workers {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
			if !slices.Equal(got, want) {
				t.Error("other samples")
			}
			for _, w := range workers {
				w.Close()
			}
			if n := len(sound.shared.users); n != 0 {
				t.Errorf("%d blocks are left in memory", n)
			}
		})
	}
}

// An hour is played; more is refused with what to do.
func TestSoundsOfAnHour(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, frames int) {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, audio.WAVHeader(frames), 0o644), os.Truncate(path, audio.WAVHeaderBytes+int64(frames)*audio.FrameBytes)); err != nil {
			t.Fatal(err)
		}
	}
	write("hour.wav", 3600*audio.Rate)
	write("longer.wav", 3600*audio.Rate+1)
	b := bankOf(t, dir, "", audiotest.Logger(t))
	if e, has := b.Measure(sound("hour.wav")); !has || e.Len != 3600*audio.Rate {
		t.Errorf("%d samples", e.Len)
	}
	if _, err := b.sounds.measure(t.Context(), "longer.wav"); err == nil || !strings.Contains(err.Error(), "longer than 60 minutes") || !strings.Contains(err.Error(), "ffmpeg") {
		t.Errorf("got %v", err)
	}
}
