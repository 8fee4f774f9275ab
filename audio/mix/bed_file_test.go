package mix

import (
	"bytes"
	"log/slog"
	"math"
	"strings"
	"testing"
	"testing/fstest"

	"guided/audio"
	"guided/audio/audiotest"
)

func TestImportBedLoopsAtBedLoudness(t *testing.T) {
	samples := audio.Resample(audiotest.WhiteNoise(20*24000, 0.1), 24000)
	file := audiotest.WAVFile(audio.Rate, samples)
	pcm := oldLoop(t, file)
	if want := 20*audio.Rate - len(samples)/3; len(pcm) != max(want, 12*audio.Rate) {
		t.Errorf("it comes back after %d samples", len(pcm))
	}
	r := newRenderer(bedScore("forest.flac", 60), loopOf(pcm))
	if got := audio.MeasureLoudness(excerptOf(t, r, 5, 40)).Integrated; math.Abs(got-bedLUFS) > 0.2 {
		t.Errorf("%.2f LUFS", got)
	}
	for at := 4.0; at < 54; at += 0.5 {
		x := leftChannel(streamFrames(t, r, at, 0.5))
		if level := 10 * math.Log10(audio.MeanSquare(x)); math.Abs(level-10*math.Log10(audio.MeanSquare(audiotest.Floats(pcm)))) > 0.7 {
			t.Errorf("%.1f dB at %.1f s: its end is heard", level, at)
		}
	}
}

func TestBedLoopLogsUnusableFile(t *testing.T) {
	files := fstest.MapFS{"text.flac": {Data: []byte("The sea")}, "silent.wav": {Data: audiotest.WAVFile(audio.Rate, make([]float64, audio.Rate))}}
	for _, name := range []string{"gone.flac", "text.flac", "silent.wav"} {
		var logs bytes.Buffer
		bank := NewBank(nil, nil, audio.InFolders(files), slog.New(slog.NewTextHandler(&logs, nil)))
		clips, err := bank.Load(t.Context(), bedScore(name, 10))
		if err != nil || !strings.Contains(logs.String(), name) {
			t.Errorf("%s: %v, logged %q", name, err, logs.String())
		}
		if got := streamAll(Render(bedScore(name, 10), clips), 480); len(got) != 10*audio.Rate || audio.TruePeak(got) != 0 {
			t.Errorf("%s is heard", name)
		}
	}
}

func TestLivePlaysBedFile(t *testing.T) {
	bank := newTestBank(t, audiotest.Logger(t))
	score := bedScore("gong.wav", 10)
	clips, err := bank.Load(t.Context(), score)
	if err != nil {
		t.Fatal(err)
	}
	want := streamFrames(t, Render(score, clips), 0, 10)
	live, err := bank.RenderLive(t.Context(), score, func(func()) {})
	if err != nil {
		t.Fatal(err)
	}
	got := streamFrames(t, live.Renderer, 0, 10)
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("at %d: %v, want %v", i, got[i], want[i])
		}
	}
	if audio.MeasureLoudness(excerptOf(t, live.Renderer, 3, 2)).Momentary < bedLUFS-2 {
		t.Error("it is not heard")
	}
}
