package output

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"guided/audio"
	"guided/audio/audiotest"
)

func TestOpenRefusesWhatItDoesNotKnow(t *testing.T) {
	for spec, want := range map[string]string{
		"":           `there is no output ""; use auto, pulse, pulse:SINK, alsa, alsa:DEVICE, wav:FILE, snapcast:URL, or null`,
		"plse:usb":   `did you mean "pulse:usb"?`,
		"nul":        `did you mean "null"?`,
		"wave:a.wav": `did you mean "wav:a.wav"?`,
		"wav":        `did you mean "wav:FILE"?`,
		"Alsa:hw:0":  `did you mean "alsa:hw:0"?`,
		"pulse:":     "names nothing after the colon",
		"wav:":       "names nothing after the colon",
		"null:x":     `did you mean "null"?`,
		"auto:x":     `did you mean "auto"?`,
		"speaker":    "use auto, pulse,",
	} {
		if _, err := Open(spec, 0, audiotest.Logger(t)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: the error is %v, want %q in it", spec, err, want)
		}
	}
	if _, err := Open("null", -1, audiotest.Logger(t)); err == nil {
		t.Error("a negative lead-in is no error")
	}
}

func TestAutoTakesWhatThereIs(t *testing.T) {
	server := startServer(t)
	alsaDevices(t, "")
	var log bytes.Buffer
	out, err := Open("auto", 0, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	chosen := func() string {
		var list []string
		for line := range strings.Lines(log.String()) {
			if _, name, is := strings.Cut(strings.TrimSpace(line), "output="); is {
				list = append(list, name)
			}
		}
		return strings.Join(list, " ")
	}
	once := func() error { return play(t, out, audiotest.NewNoise(audio.Rate/10)).end(t, 3*time.Second) }
	for range 2 {
		if err := once(); err != nil {
			t.Fatal(err)
		}
	}
	if chosen() != "pulse" {
		t.Errorf("chosen: %s", chosen())
	}
	server.kill()
	err = once()
	if err == nil || !strings.Contains(err.Error(), "no PulseAudio or PipeWire server answers") || !strings.Contains(err.Error(), `ALSA device "default"`) {
		t.Errorf("with nothing to play to, the error is %v", err)
	}
	t.Setenv("PULSE_SERVER", "unix:/nowhere")
	server.start()
	alsaDevices(t, `pcm.!default { type pulse server "unix:`+server.socket+`" device mat }`)
	if err := once(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PULSE_SERVER", "unix:"+server.socket)
	if err := once(); err != nil {
		t.Fatal(err)
	}
	if chosen() != "pulse alsa pulse" {
		t.Errorf("chosen: %s", chosen())
	}
}
