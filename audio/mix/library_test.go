package mix

import (
	"context"
	"io/fs"
	"log/slog"
	"math"
	"strings"
	"testing"

	"guided/audio"
	"guided/audio/voice"
	"guided/routines"
)

// renderBuiltin compiles and renders a built-in routine in a voice.
func renderBuiltin(t *testing.T, speaker, name string, o routines.Options) (*Bank, *routines.Score, *Renderer) {
	t.Helper()
	files, err := voice.EmbeddedFS(speaker)
	if err != nil {
		t.Fatal(err)
	}
	recorded, err := voice.OpenRecordedVoice(files)
	if err != nil {
		t.Fatal(err)
	}
	l := routines.Library{routines.Builtin()}
	b := NewBank([]voice.Voice{recorded}, nil, audio.InFolders(l...), slog.New(slog.DiscardHandler))
	r, err := l.Load(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := routines.Compile(t.Context(), r, b.Measure, o)
	if err != nil {
		t.Fatal(err)
	}
	clips, err := b.Load(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	return b, s, Render(s, clips)
}

func builtinNames(t *testing.T) []string {
	t.Helper()
	files, err := fs.Glob(routines.Builtin(), "*.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no routines: %v", err)
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(f, ".toml")
	}
	return files
}

// Every built-in routine has the same integrated loudness, so that the volume need not be changed between them.
func TestEveryRoutineIsAsLoud(t *testing.T) {
	for i, name := range builtinNames(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			speaker := voice.EmbeddedVoices()[i%len(voice.EmbeddedVoices())]
			_, s, sound := renderBuiltin(t, speaker, name, routines.Options{Bed: routines.NoBed})
			m := audio.MeasureLoudness(sound)
			t.Logf("%s: %s, %.1f LUFS, %.1f dBTP", speaker, routines.Timecode(s.Len), m.Integrated, m.TruePeak)
			if math.Abs(m.Integrated-audio.PhraseLUFS) > 1 || m.TruePeak > audio.MaxTruePeak {
				t.Errorf("%.1f LUFS and %.1f dBTP, want %.0f ±1 and at most %.0f", m.Integrated, m.TruePeak, audio.PhraseLUFS, audio.MaxTruePeak)
			}
		})
	}
}

// The P-centre of every counted word, measured in the rendered sound, is on its second.
func TestCountsAreEven(t *testing.T) {
	for _, v := range voice.EmbeddedVoices() {
		for _, name := range []string{"4-4-6", "box", "4-7-8", "sigh"} {
			t.Run(v+"/"+name, func(t *testing.T) {
				t.Parallel()
				_, s, sound := renderBuiltin(t, v, name, routines.Options{Bed: routines.NoBed})
				grid := map[int]bool{}
				for _, m := range s.Marks {
					if m.Kind == routines.PhaseMark || m.Kind == routines.CountMark {
						grid[m.At] = true
					}
				}
				words, worst := 0, 0.0
				for _, c := range s.Cues {
					if len(strings.Fields(c.Clip.Say)) != 1 || c.Len > audio.Rate {
						continue
					}
					if err := sound.Seek(c.At); err != nil {
						t.Fatal(err)
					}
					frames := make([][2]float64, c.Len)
					sound.Stream(frames)
					samples := make([]float64, c.Len)
					for i, f := range frames {
						samples[i] = f[0]
					}
					beat := c.At + voice.FindBeat(samples)
					off := math.Inf(1)
					for at := range grid {
						off = min(off, math.Abs(float64(beat-at))/audio.Rate*1000)
					}
					if c.Clip.Say == "Halfway." { // not a count
						continue
					}
					words++
					if worst = max(worst, off); off > 10 {
						t.Errorf("%q is felt %.1f ms off its second at %s", c.Clip.Say, off, routines.Timecode(c.At))
					}
				}
				t.Logf("%d words, the worst %.2f ms off", words, worst)
				if words < 40 {
					t.Errorf("only %d words were counted", words)
				}
			})
		}
	}
}
