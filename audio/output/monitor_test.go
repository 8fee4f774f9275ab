package output

import (
	"errors"
	"os"
	"testing"

	"guided/audio"
	"guided/audio/audiotest"
)

func TestRecordOutputWithoutMonitor(t *testing.T) {
	for _, spec := range []string{"alsa", "null", "wav:a.wav"} {
		if _, err := Record(t.Context(), spec, nil); !errors.Is(err, errNoMonitor) {
			t.Errorf("%s: the error is %v", spec, err)
		}
	}
}

func TestRecordGetsWhatTheSinkPlays(t *testing.T) {
	audiotest.NoLeaks(t)
	startPulseaudio(t)
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	m, err := Record(t.Context(), "pulse", file)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Await(t.Context(), audio.Rate/10); err != nil {
		t.Fatal(err)
	}
	out := openOutput(t, "pulse", 0)
	if err := play(t, out, audiotest.NewNoise(audio.Rate)).wait(t); err != nil {
		t.Fatal(err)
	}
	if err := m.Await(t.Context(), m.Frames()+audio.Rate/2); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	if found := matchRecording(t, data[audio.WAVHeaderBytes:], rendered(audio.Rate), out.underruns()); found.frames() != audio.Rate {
		t.Errorf("%d frames are recorded, want %d", found.frames(), audio.Rate)
	}
}
