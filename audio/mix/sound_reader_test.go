package mix

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"log/slog"
	"math"
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

// A session over files that were never heard before gives the samples of the score, and the next has nothing to decode.
func TestLivePlaysWhileItDecodes(t *testing.T) {
	audiotest.NoLeaks(t)
	dir, _ := soundFolder(t)
	cache := t.TempDir()
	for _, name := range []string{"the first time", "the second time"} {
		t.Run(name, func(t *testing.T) {
			b := bankOf(t, dir, cache, audiotest.Logger(t))
			score := scoreOfSounds(t, b, "stereo.wav", "long.flac", "speech.wav", "long44.wav")
			b.PrepareBed(t.Context(), score.Bed)
			reference := bankOf(t, dir, "", audiotest.Logger(t))
			clips, err := reference.Load(t.Context(), score)
			if err != nil {
				t.Fatal(err)
			}
			want := streamAll(Render(score, clips), score.Len)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var kept []func()
			live, err := b.RenderLive(ctx, score, func(f func()) { kept = append(kept, f) })
			if err != nil {
				t.Fatal(err)
			}
			defer live.dropAll()
			l := &testLive{live, t}
			l.wake()
			for l.Position() < l.Len() {
				l.runLoader()
				l.keepDecoded(ctx)
				l.checkStream(lookaheadStep, func(at int) float64 { return want[at] })
			}
			if again := name == "the second time"; again && len(kept) > 1 {
				t.Errorf("%d times something was decoded that is in the cache", len(kept)-1)
			} else if !again && len(kept) < 2 {
				t.Error("nothing is kept for the second time")
			}
			for _, f := range kept[1:] { // the first is the loader
				f()
			}
		})
	}
}

// A bed that takes long to be measured does not delay a start. It comes in softly.
func TestLiveBedComesInLate(t *testing.T) {
	audiotest.NoLeaks(t)
	dir, _ := soundFolder(t)
	slow := make(chan struct{})
	b := NewBank(nil, nil, func(ctx context.Context, name string) (fs.File, error) {
		file, err := os.Open(filepath.Join(dir, name))
		return waitingFile{file, slow}, err
	}, audiotest.Logger(t))
	score := bedScore("stereo.wav", 60)
	var background []func()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	begun := time.Now()
	live, err := b.RenderLive(ctx, score, func(f func()) { background = append(background, f) })
	if err != nil || time.Since(begun) > 20*bedPatience || len(background) != 2 {
		t.Fatalf("after %v: %v", time.Since(begun), err)
	}
	defer live.dropAll()
	l := &testLive{live, t}
	silence := func(int) float64 { return 0 }
	l.checkStream(5*audio.Rate, silence)
	close(slow)
	background[0]()
	from := int(live.sounds.loop.from.Load())
	l.runLoader()
	l.checkStream(from-l.Position(), silence)
	before := 0.0
	for range 6 { // seconds
		l.wake()
		l.runLoader()
		frames := make([][2]float64, audio.Rate)
		audio.ReadFull(live, frames)
		level := audio.MeanSquare(leftChannel(frames))
		if before == 0 && level > 1e-4 || level < before*0.9 {
			t.Errorf("at %d s its power goes from %g to %g", l.Position()/audio.Rate, before, level)
		}
		before = level
	}
	want := streamFrames(t, Render(score, Clips{bedClipKey("stereo.wav"): {PCM: oldLoop(t, noisyWAV(audio.Rate, 27*audio.Rate+11))}}), float64(l.Position())/audio.Rate, 1)
	got := make([][2]float64, audio.Rate)
	l.wake()
	l.runLoader()
	audio.ReadFull(live, got)
	if !slices.Equal(got, want) {
		t.Error("when it has come in, it is another bed")
	}
}

// waitingFile is a file whose reads wait until ready is closed.
type waitingFile struct {
	*os.File
	ready chan struct{}
}

func (w waitingFile) ReadAt(b []byte, at int64) (int, error) {
	<-w.ready
	return w.File.ReadAt(b, at)
}

// A file that is damaged in its middle is heard up to there, told once, and refused from then on.
func TestLiveTellsOfADamagedFile(t *testing.T) {
	audiotest.NoLeaks(t)
	dir, files := soundFolder(t)
	damaged := slices.Clone(files["long.flac"])
	clear(damaged[len(damaged)/2 : len(damaged)/2+100])
	if err := os.WriteFile(filepath.Join(dir, "damaged.flac"), damaged, 0o644); err != nil {
		t.Fatal(err)
	}
	var logs bytes.Buffer
	cache := t.TempDir()
	b := bankOf(t, dir, cache, slog.New(slog.NewTextHandler(&logs, nil)))
	score := scoreOfSounds(t, b, "", "damaged.flac")
	live, err := b.RenderLive(t.Context(), score, func(func()) {})
	if err != nil {
		t.Fatal(err)
	}
	defer live.dropAll()
	want := streamAll(Render(score, Clips{sound("damaged.flac"): {PCM: oldClip(t, files["long.flac"])}}), score.Len)
	l := &testLive{live, t}
	for l.Position() < l.Len() {
		l.wake()
		l.runLoader()
		if l.Position() < 12*audio.Rate { // the damage is behind that
			l.checkStream(audio.Rate, func(at int) float64 { return want[at] })
			continue
		}
		frames := make([][2]float64, audio.Rate)
		n, _ := audio.ReadFull(live, frames)
		if l.Position() > 15*audio.Rate && audio.TruePeak(leftChannel(frames[:n])) != 0 {
			t.Errorf("at %d s something is heard", l.Position()/audio.Rate)
		}
	}
	if n := strings.Count(logs.String(), "damaged"); n == 0 || strings.Count(logs.String(), "\n") != 1 {
		t.Errorf("told:\n%s", logs.String())
	}
	if _, has := b.Measure(sound("damaged.flac")); has {
		t.Error("it is taken for whole")
	}
	again := bankOf(t, dir, cache, audiotest.Logger(t))
	if err := again.Prepare(t.Context(), []routines.Clip{sound("damaged.flac"), sound("long.flac")}); err != nil {
		t.Error(err)
	}
	if _, has := again.Measure(sound("damaged.flac")); has {
		t.Error("it is taken for whole after the files were checked")
	}
	if _, has := again.Measure(sound("long.flac")); !has {
		t.Error("a whole file is refused")
	}
}

// What cannot be read is silent, and everything else is heard.
func TestLivePlaysOnWithoutAFileThatHangs(t *testing.T) {
	dir, _ := soundFolder(t)
	never := make(chan struct{})
	defer close(never)
	b := NewBank(nil, nil, func(ctx context.Context, name string) (fs.File, error) {
		file, err := os.Open(filepath.Join(dir, name))
		if name == "long44.wav" {
			return waitingFile{file, never}, err
		}
		return file, err
	}, audiotest.Logger(t))
	b.sounds.files.Within(300 * time.Millisecond)
	score := scoreOf(routines.Cue{At: 2 * audio.Rate, Len: audio.Rate, Clip: sound("long44.wav")}, routines.Cue{At: 3 * audio.Rate, Len: 100_001, Clip: sound("mono.wav")})
	ctx, cancel := context.WithTimeout(t.Context(), 2*audio.FileTimeout)
	defer cancel()
	live, err := b.RenderLive(ctx, score, func(func()) {})
	if err != nil {
		t.Fatal(err)
	}
	defer live.dropAll()
	live.loadNeeded(ctx)
	if err := ctx.Err(); err != nil {
		t.Fatal(err)
	}
	frames := make([][2]float64, score.Len)
	audio.ReadFull(live, frames)
	for i, x := range oldClip(t, audiotest.ReadFile(t, filepath.Join(dir, "mono.wav"))) {
		if got := frames[3*audio.Rate+i][0]; got != float64(x)/(math.MaxInt16+1) {
			t.Fatalf("sample %d is %v", i, got)
		}
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
