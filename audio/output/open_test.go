package output

import (
	"bytes"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"guided/audio"
	"guided/audio/audiotest"
)

func TestOpenUnknownSpec(t *testing.T) {
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

func TestAutoPrefersPulseAndFallsBackToALSA(t *testing.T) {
	server := startPulseaudio(t)
	setALSAConfig(t, "")
	out := openOutput(t, "auto", 0)
	chosen := func() string {
		var list []string
		for line := range strings.Lines(out.log.String()) {
			if _, name, ok := strings.Cut(strings.TrimSpace(line), "output="); ok {
				list = append(list, name)
			}
		}
		return strings.Join(list, " ")
	}
	once := func() error { return play(t, out, audiotest.NewNoise(audio.Rate/10)).wait(t) }
	for range 2 {
		if err := once(); err != nil {
			t.Fatal(err)
		}
	}
	if chosen() != "pulse" {
		t.Errorf("chosen: %s", chosen())
	}
	server.kill()
	err := once()
	if err == nil || !strings.Contains(err.Error(), "no PulseAudio or PipeWire server answers") || !strings.Contains(err.Error(), `ALSA device "default"`) {
		t.Errorf("with nothing to play to, the error is %v", err)
	}
	t.Setenv("PULSE_SERVER", "unix:/nowhere")
	server.start()
	setALSAConfig(t, `pcm.!default { type pulse server "unix:`+server.socket+`" device mat }`)
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

func TestOpenAll(t *testing.T) {
	var log bytes.Buffer
	file := "wav:" + filepath.Join(t.TempDir(), "heard.wav")
	out, clock, err := OpenAll([]Config{{"null", 100}, {file, 40}}, 10, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil || out == nil || clock != "null" || !strings.Contains(log.String(), "clock=null others=1") {
		t.Errorf("clock %q, error %v, log %s", clock, err, log.String())
	}
	if _, _, err := OpenAll(nil, 0, audiotest.Logger(t)); err == nil || !strings.Contains(err.Error(), "use auto, pulse") {
		t.Errorf("without any, the error is %v", err)
	}
	_, _, err = OpenAll([]Config{{"nul", 100}, {"null", 101}, {"auto", 1}, {"auto", 1}}, 0, audiotest.Logger(t))
	for _, want := range []string{`did you mean "null"?`, `the volume 101 of "null" is not from 0 to 100`, `"auto" is named twice`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q in it", err, want)
		}
	}
}

func TestDevices(t *testing.T) {
	server := startPulseaudio(t)
	server.alsa(t)
	server.pactl("load-module", "module-null-sink", "sink_name=kitchen")
	server.pactl("set-default-sink", "kitchen")
	want := []DeviceInfo{
		{Spec: "pulse:mat", Name: "Null Output"},
		{Spec: "pulse:kitchen", Name: "Null Output", Default: true},
		{Spec: "alsa:mat", Name: "The mat"},
	}
	if got := Devices(t.Context()); fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	server.kill()
	if got := Devices(t.Context()); got[0].Spec != "pulse" || !strings.Contains(got[0].Problem, "PULSE_SERVER") {
		t.Errorf("without a server: %+v", got)
	}
}
