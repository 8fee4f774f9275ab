package audio

import (
	"errors"
	"os"
	"testing"
)

func TestRecordWithoutAMonitor(t *testing.T) {
	for _, spec := range []string{"alsa", "null", "wav:a.wav"} {
		if _, err := Record(t.Context(), spec, nil); !errors.Is(err, errNoMonitor) {
			t.Errorf("%s: the error is %v", spec, err)
		}
	}
}

func TestRecordHearsTheSink(t *testing.T) {
	noLeaks(t)
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
	if err := m.Await(t.Context(), Rate/10); err != nil {
		t.Fatal(err)
	}
	if err := play(t, openOutput(t, "pulse", 0), newRustle(Rate)).end(t, 5*1e9); err != nil {
		t.Fatal(err)
	}
	if err := m.Await(t.Context(), m.Frames()+Rate/2); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	checkRecording(t, data[wavHeaderBytes:], rendered(Rate))
}
