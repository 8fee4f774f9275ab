package mix

import (
	"bytes"
	"context"
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
