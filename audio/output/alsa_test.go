package output

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"guided/audio"
	"guided/audio/audiotest"
)

// setALSAConfig sets the ALSA configuration of this process. Without the library, or a plugin that conf needs, the test is
// skipped, except in CI.
func setALSAConfig(t testing.TB, conf string) {
	t.Helper()
	missing := (&alsaLib{}).load()
	for _, plugin := range []string{"pulse", "a52"} {
		if missing == nil && strings.Contains(conf, "type "+plugin) {
			if found, _ := filepath.Glob("/usr/lib/*/alsa-lib/libasound_module_pcm_" + plugin + ".so"); found == nil {
				missing = fmt.Errorf("ALSA has no plugin %s; install libasound2-plugins", plugin)
			}
		}
	}
	if missing != nil && os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	if missing != nil {
		t.Skip(missing)
	}
	file := filepath.Join(t.TempDir(), "asound.conf")
	if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ALSA_CONFIG_PATH", file)
}

// alsa configures the ALSA devices mat and converted, which play to the null sink of the server.
func (s *pulseaudio) alsa(t testing.TB) {
	setALSAConfig(t, fmt.Sprintf(`
		pcm.mat { type pulse server "unix:%s" device mat hint { show on description "The mat" } }
		pcm.converted { type plug slave.pcm mat }
		ctl.mat { type pulse server "unix:%[1]s" }
	`, s.socket))
}

func TestALSAPlaysTheRender(t *testing.T) {
	for _, name := range []string{"mat", "converted"} {
		t.Run(name, func(t *testing.T) {
			server := startPulseaudio(t)
			server.alsa(t)
			recording := server.record()
			const frames = 3 * audio.Rate
			out := openOutput(t, "alsa:"+name, audio.Rate/10)
			p := play(t, out, audiotest.NewNoise(frames))
			if err := p.wait(t); err != nil {
				t.Fatal(err)
			}
			checkPlayed(t, p, out, recording, frames)
		})
	}
}

func TestALSASourceTurnsSilent(t *testing.T) {
	server := startPulseaudio(t)
	server.alsa(t)
	recording := server.record()
	src := audiotest.NewNoise(2 * audio.Rate)
	src.SilentFrom = audio.Rate
	out := openOutput(t, "alsa:mat", 0)
	if err := play(t, out, src).wait(t); err != nil {
		t.Fatal(err)
	}
	found := matchRecording(t, recording.untilSilent(), rendered(src.SilentFrom), out.underruns())
	if found.frames() != src.SilentFrom {
		t.Errorf("%d frames of sound are recorded, want %d", found.frames(), src.SilentFrom)
	}
}

func TestALSAServerKilledAndRestarted(t *testing.T) {
	server := startPulseaudio(t)
	server.alsa(t)
	out := openOutput(t, "alsa:mat", 0)
	src := audiotest.NewNoise(60 * audio.Rate)
	for range 2 {
		p := play(t, out, src)
		p.waitHeard(t, audio.Rate/4)
		server.kill()
		if err := p.wait(t); err == nil {
			t.Error("a device that is gone is no error")
		}
		if err := play(t, out, src).wait(t); err == nil {
			t.Error("a device that is away opens")
		}
		server.start()
	}
	play(t, out, src).waitHeard(t, audio.Rate/4)
}

func TestALSASinkSuspended(t *testing.T) {
	server := startPulseaudio(t)
	server.alsa(t)
	p := play(t, openOutput(t, "alsa:mat", 0), audiotest.NewNoise(60*audio.Rate))
	p.waitHeard(t, audio.Rate/4)
	server.pactl("suspend-sink", "mat", "1")
	if err := p.wait(t); err == nil || !strings.Contains(err.Error(), "taken no sound for 2s") {
		t.Errorf("the error is %v", err)
	}
}

func TestALSACancel(t *testing.T) {
	server := startPulseaudio(t)
	server.alsa(t)
	recording := server.record()
	checkCancel(t, openOutput(t, "alsa:mat", 0), recording)
}

// A device that does not exist is an error that names those that do, and is never replaced by another.
func TestALSAUnknownDevice(t *testing.T) {
	setALSAConfig(t, `
		pcm.kitchen { type null hint { show on description "Kitchen" } }
		pcm.away { type hw card 29 }
	`)
	for name, want := range map[string]string{
		"kitchn":  `the ALSA device "kitchn" cannot be opened (opening: No such file or directory); ALSA knows kitchen; did you mean "kitchen"?`,
		"away":    `the ALSA device "away" cannot be opened (opening: No such file or directory); ALSA knows kitchen`,
		"default": `the ALSA device "default" cannot be opened (opening: No such file or directory); ALSA knows kitchen`,
	} {
		err := play(t, openOutput(t, "alsa:"+name, 0), audiotest.NewNoise(audio.Rate)).wait(t)
		if err == nil || err.Error() != want {
			t.Errorf("alsa:%s: the error is %v, want %s", name, err, want)
		}
	}
}

// The null and file devices of ALSA take sound as fast as they get it, so a routine would rush through.
func TestALSADeviceWithoutPace(t *testing.T) {
	setALSAConfig(t, `
		pcm.void { type null }
		pcm.file { type file slave.pcm void file /dev/null format raw }
	`)
	for _, name := range []string{"void", "file"} {
		err := play(t, openOutput(t, "alsa:"+name, 0), audiotest.NewNoise(3600*audio.Rate)).wait(t)
		if err == nil || !strings.Contains(err.Error(), "faster") {
			t.Errorf("alsa:%s: the error is %v", name, err)
		}
	}
}

// A device that cannot play at our rate must not play at another one.
func TestALSADeviceOfAnotherRate(t *testing.T) {
	setALSAConfig(t, `
		pcm.void { type null }
		pcm.encoder { type a52 rate 44100 channels 2 slavepcm void }
		pcm.slow { type plug slave { pcm encoder rate unchanged } }
	`)
	err := play(t, openOutput(t, "alsa:slow", 0), audiotest.NewNoise(audio.Rate)).wait(t)
	if err == nil || !strings.Contains(err.Error(), `"slow" cannot play 16-bit stereo at 48000 Hz (rate: Invalid argument)`) {
		t.Errorf("the error is %v", err)
	}
}

func TestALSALeaksNothing(t *testing.T) {
	server := startPulseaudio(t)
	server.alsa(t)
	out := openOutput(t, "alsa:mat", 0)
	once := func() {
		p := play(t, out, audiotest.NewNoise(60*audio.Rate))
		p.waitHeard(t, 1)
		p.cancel()
		if err := p.wait(t); err != context.Canceled {
			t.Fatal(err)
		}
	}
	once() // what the library loads the first time stays open
	audiotest.NoLeaks(t)
	for range 5 {
		once()
	}
}

// The messages of libasound about a missing device would fill the journal.
func TestALSAPrintsNothing(t *testing.T) {
	if os.Getenv("GUIDED_TEST_OPEN") != "" {
		err := play(t, openOutput(t, "alsa:"+os.Getenv("GUIDED_TEST_OPEN"), 0), audiotest.NewNoise(1)).wait(t)
		if err == nil {
			t.Error("the device opens")
		}
		return
	}
	setALSAConfig(t, "")
	for _, device := range []string{"away", "hw:29", "plughw:CARD=away"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestALSAPrintsNothing$")
		cmd.Env = append(os.Environ(), "GUIDED_TEST_OPEN="+device, "ALSA_CONFIG_PATH=")
		var stderr strings.Builder
		cmd.Stderr = &stderr
		if out, err := cmd.Output(); err != nil || stderr.Len() > 0 {
			t.Errorf("%s: %v: %s: on standard error: %q", device, err, out, stderr.String())
		}
	}
}
