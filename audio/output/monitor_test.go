package output

import (
	"errors"
	"os"
	"testing"

	"guided/audio"
	"guided/audio/audiotest"
)

func TestRecordWithoutAMonitor(t *testing.T) {
	for _, spec := range []string{"alsa", "null", "wav:a.wav"} {
		if _, err := Record(t.Context(), spec, nil); !errors.Is(err, errNoMonitor) {
			t.Errorf("%s: the error is %v", spec, err)
		}
	}
}

func TestRecordHearsTheSink(t *testing.T) {
	audiotest.NoLeaks(t)
	startServer(t)
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
	if err := play(t, openOutput(t, "pulse", 0), audiotest.NewNoise(audio.Rate)).end(t, 5*1e9); err != nil {
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
	checkRecording(t, data[audio.WAVHeaderBytes:], rendered(audio.Rate))
}
