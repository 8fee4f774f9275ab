package voice

import (
	"slices"
	"testing"

	"guided/audio"
	"guided/audio/audiotest"
)

// checkSpeech reads a speech in steps, and compares it with what Speak returns.
func checkSpeech(t *testing.T, v *RecordedVoice, text string) {
	t.Helper()
	want, err := v.Speak(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	s, err := v.OpenSpeech(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	if s.Len() != len(want.PCM) {
		t.Fatalf("%d samples, want %d", s.Len(), len(want.PCM))
	}
	const step = 1000
	for until := step; ; until += step {
		pcm, whole, err := s.Read(until)
		if err != nil {
			t.Fatal(err)
		}
		if len(pcm) < min(until, len(want.PCM)) {
			t.Fatalf("%d samples after Read(%d)", len(pcm), until)
		}
		if !slices.Equal(pcm, want.PCM[:len(pcm)]) {
			t.Fatalf("the first %d samples are others than those of Speak", len(pcm))
		}
		if whole {
			if len(pcm) != len(want.PCM) {
				t.Errorf("%d samples in all, want %d", len(pcm), len(want.PCM))
			}
			return
		}
	}
}

func TestSpeechIsThatOfSpeak(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		files, err := EmbeddedFS("heart")
		if err != nil {
			t.Fatal(err)
		}
		v, err := OpenRecordedVoice(files)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(v.Clips); i += 40 {
			checkSpeech(t, v, v.Clips[i].Text)
		}
	})
	pcm := audiotest.Sine(24_000, audio.Rate, 500, 0.5)
	for name, n := range map[string]int{"as long as the index says": 24_000, "cut": 20_000, "filled": 30_000, "cut to almost nothing": 10} {
		t.Run(name, func(t *testing.T) {
			v, err := OpenRecordedVoice(newVoiceFolder(t, map[string][]byte{"one.wav": audiotest.WAVFile(audio.Rate, pcm)}, Clip{"one", "one.wav", n, 0}))
			if err != nil {
				t.Fatal(err)
			}
			checkSpeech(t, v, "one")
		})
	}
}

// The first word can be heard before the rest is decoded.
func TestSpeechDecodesNoMoreThanIsNeeded(t *testing.T) {
	files, err := EmbeddedFS("heart")
	if err != nil {
		t.Fatal(err)
	}
	v, err := OpenRecordedVoice(files)
	if err != nil {
		t.Fatal(err)
	}
	longest := slices.MaxFunc(v.Clips, func(a, b Clip) int { return a.Samples - b.Samples })
	s, err := v.OpenSpeech(t.Context(), longest.Text)
	if err != nil {
		t.Fatal(err)
	}
	const step = audio.Rate / 10
	if pcm, whole, err := s.Read(step); err != nil || whole || len(pcm) > 3*step {
		t.Errorf("%d samples of %d are decoded for the first %d (whole: %v, error: %v)", len(pcm), s.Len(), step, whole, err)
	}
}

func TestSpeechOfWhatCannotBeReadInSteps(t *testing.T) {
	recording := audiotest.WAVFile(audio.Rate, audiotest.Sine(24_000, audio.Rate, 500, 0.5))
	v, err := OpenRecordedVoice(newVoiceFolder(t, map[string][]byte{"one.wav": recording, "two.opus": []byte("nonsense")},
		Clip{"unmeasured", "one.wav", 0, 0}, Clip{"damaged", "two.opus", 24_000, 0}))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"unmeasured", "damaged", "unknown"} {
		t.Run(text, func(t *testing.T) {
			if _, err := v.OpenSpeech(t.Context(), text); err == nil {
				t.Error("it is opened")
			}
		})
	}
}
