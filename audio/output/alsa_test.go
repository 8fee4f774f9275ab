package output

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"guided/audio"
	"guided/audio/audiotest"
)

// alsaDevices gives this process a configuration of ALSA of its own. Without the library, or a plugin that it needs,
// the test is skipped, except where CI says that they belong there.
func alsaDevices(t testing.TB, conf string) {
	t.Helper()
	lacks := (&alsaLib{}).load()
	for _, plugin := range []string{"pulse", "a52"} {
		if lacks == nil && strings.Contains(conf, "type "+plugin) {
			if found, _ := filepath.Glob("/usr/lib/*/alsa-lib/libasound_module_pcm_" + plugin + ".so"); found == nil {
				lacks = fmt.Errorf("ALSA has no plugin %s; install libasound2-plugins", plugin)
			}
		}
	}
	if lacks != nil && os.Getenv("CI") == "true" {
		t.Fatal(lacks)
	}
	if lacks != nil {
		t.Skip(lacks)
	}
	file := filepath.Join(t.TempDir(), "asound.conf")
	if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ALSA_CONFIG_PATH", file)
}

// alsa makes mat and converted, devices of ALSA that play to the null sink of a server.
func (s *soundServer) alsa(t testing.TB) {
	alsaDevices(t, fmt.Sprintf(`
		pcm.mat { type pulse server "unix:%s" device mat hint { show on description "The mat" } }
		pcm.converted { type plug slave.pcm mat }
		ctl.mat { type pulse server "unix:%[1]s" }
	`, s.socket))
}

func TestALSAPlaysTheRender(t *testing.T) {
	for _, name := range []string{"mat", "converted"} {
		t.Run(name, func(t *testing.T) {
			server := startServer(t)
			server.alsa(t)
			recording := server.record()
			const frames = 3 * audio.Rate
			p := play(t, openOutput(t, "alsa:"+name, audio.Rate/10), audiotest.NewNoise(frames))
			if err := p.end(t, 10*time.Second); err != nil {
				t.Fatal(err)
			}
			if p.heard() != frames {
				t.Errorf("%d frames are heard at the end, want %d", p.heard(), frames)
			}
			checkRecording(t, recording.sound(audio.Rate*audio.FrameBytes/5), rendered(frames))
			checkHeard(t, p, recording, frames)
		})
	}
}

func TestALSAPauseIsHeardSoon(t *testing.T) {
	server := startServer(t)
	server.alsa(t)
	recording := server.record()
	src := audiotest.NewNoise(2 * audio.Rate)
	src.QuietFrom = audio.Rate
	if err := play(t, openOutput(t, "alsa:mat", 0), src).end(t, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	checkPause(t, recording, src)
}

func TestALSAServerIsKilledAndComesBack(t *testing.T) {
	server := startServer(t)
	server.alsa(t)
	out := openOutput(t, "alsa:mat", 0)
	src := audiotest.NewNoise(60 * audio.Rate)
	for range 2 {
		p := play(t, out, src)
		p.untilHeard(t, audio.Rate/4)
		if err := p.endAfter(t, 2500*time.Millisecond, server.kill); err == nil {
			t.Error("a device that is gone is no error")
		}
		if err := play(t, out, src).end(t, 3*time.Second); err == nil {
			t.Error("a device that is away opens")
		}
		server.start()
	}
	play(t, out, src).untilHeard(t, audio.Rate/4)
}

func TestALSASinkIsSuspended(t *testing.T) {
	server := startServer(t)
	server.alsa(t)
	p := play(t, openOutput(t, "alsa:mat", 0), audiotest.NewNoise(60*audio.Rate))
	p.untilHeard(t, audio.Rate/4)
	err := p.endAfter(t, 2500*time.Millisecond, func() { server.pactl("suspend-sink", "mat", "1") })
	if err == nil || !strings.Contains(err.Error(), "taken no sound for 2s") {
		t.Errorf("the error is %v", err)
	}
}

func TestALSAIsCancelled(t *testing.T) {
	server := startServer(t)
	server.alsa(t)
	recording := server.record()
	p := play(t, openOutput(t, "alsa:mat", 0), audiotest.NewNoise(60*audio.Rate))
	p.untilHeard(t, audio.Rate/2)
	cancelled := time.Now()
	if err := p.endAfter(t, 200*time.Millisecond, p.cancel); err != context.Canceled {
		t.Errorf("the error is %v", err)
	}
	checkSilentAfter(t, recording, cancelled)
}

// A device that is not there is an error that names those that are, and never another device.
func TestALSADeviceIsUnknown(t *testing.T) {
	alsaDevices(t, `
		pcm.kitchen { type null hint { show on description "Kitchen" } }
		pcm.away { type hw card 29 }
	`)
	for name, want := range map[string]string{
		"kitchn":  `the ALSA device "kitchn" cannot be opened (opening: No such file or directory); ALSA knows kitchen; did you mean "kitchen"?`,
		"away":    `the ALSA device "away" cannot be opened (opening: No such file or directory); ALSA knows kitchen`,
		"default": `the ALSA device "default" cannot be opened (opening: No such file or directory); ALSA knows kitchen`,
	} {
		err := play(t, openOutput(t, "alsa:"+name, 0), audiotest.NewNoise(audio.Rate)).end(t, time.Second)
		if err == nil || err.Error() != want {
			t.Errorf("alsa:%s: the error is %v, want %s", name, err, want)
		}
	}
}

// The null and file devices of ALSA take sound as fast as they can: nobody could hear it.
func TestALSADeviceWithoutPace(t *testing.T) {
	alsaDevices(t, `
		pcm.void { type null }
		pcm.file { type file slave.pcm void file /dev/null format raw }
	`)
	for _, name := range []string{"void", "file"} {
		err := play(t, openOutput(t, "alsa:"+name, 0), audiotest.NewNoise(3600*audio.Rate)).end(t, 5*time.Second)
		if err == nil || !strings.Contains(err.Error(), "faster") {
			t.Errorf("alsa:%s: the error is %v", name, err)
		}
	}
}

// A device that cannot play at our rate must not play at another one.
func TestALSADeviceHasAnotherRate(t *testing.T) {
	alsaDevices(t, `
		pcm.void { type null }
		pcm.encoder { type a52 rate 44100 channels 2 slavepcm void }
		pcm.slow { type plug slave { pcm encoder rate unchanged } }
	`)
	err := play(t, openOutput(t, "alsa:slow", 0), audiotest.NewNoise(audio.Rate)).end(t, time.Second)
	if err == nil || !strings.Contains(err.Error(), `"slow" cannot play 16-bit stereo at 48000 Hz (rate: Invalid argument)`) {
		t.Errorf("the error is %v", err)
	}
}

func TestALSALeavesNothingOpen(t *testing.T) {
	server := startServer(t)
	server.alsa(t)
	out := openOutput(t, "alsa:mat", 0)
	once := func() {
		p := play(t, out, audiotest.NewNoise(60*audio.Rate))
		p.untilHeard(t, 1)
		p.cancel()
		if err := p.end(t, time.Second); err != context.Canceled {
			t.Fatal(err)
		}
	}
	once() // the library keeps what it loads at first
	audiotest.NoLeaks(t)
	for range 5 {
		once()
	}
}

func TestDevices(t *testing.T) {
	server := startServer(t)
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

// What libasound says of a device that is away would fill the journal.
func TestALSAIsSilentOnStandardError(t *testing.T) {
	if os.Getenv("GUIDED_TEST_OPEN") != "" {
		err := play(t, openOutput(t, "alsa:"+os.Getenv("GUIDED_TEST_OPEN"), 0), audiotest.NewNoise(1)).end(t, time.Second)
		if err == nil {
			t.Error("the device opens")
		}
		return
	}
	alsaDevices(t, "")
	for _, device := range []string{"away", "hw:29", "plughw:CARD=away"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestALSAIsSilentOnStandardError$")
		cmd.Env = append(os.Environ(), "GUIDED_TEST_OPEN="+device, "ALSA_CONFIG_PATH=")
		var complaint strings.Builder
		cmd.Stderr = &complaint
		if out, err := cmd.Output(); err != nil || complaint.Len() > 0 {
			t.Errorf("%s: %v: %s: on standard error: %q", device, err, out, complaint.String())
		}
	}
}
