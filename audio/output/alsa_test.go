package output

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

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

// A device that another program has, or that this user may not open, says so.
func TestALSADeviceThatCannotBeHad(t *testing.T) {
	setALSAConfig(t, "")
	lib := &alsaLib{}
	if err := lib.load(); err != nil {
		t.Fatal(err)
	}
	for errno, want := range map[syscall.Errno]string{
		syscall.EBUSY:  "is used by another program; stop that one, or play through its sound server",
		syscall.EACCES: "add him to the group audio",
		syscall.ENODEV: "ALSA knows no device at all; plug in a speaker",
	} {
		if err := alsaOpenError(lib, "hw:0", lib.check("opening", -int32(errno))); !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `"hw:0"`) {
			t.Errorf("%v: %v", errno, err)
		}
	}
}

// The null and file devices of ALSA take sound as fast as they get it. The clock paces them, and the file holds what was heard:
// all of it when the routine ends, and nothing of what a pause took back.
func TestALSADeviceWithoutPace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kept.raw")
	setALSAConfig(t, fmt.Sprintf(`
		pcm.void { type null }
		pcm.converted { type plug slave { pcm void format S32_LE channels 1 } }
		pcm.file { type file slave.pcm void file "%s" format raw }
	`, file))
	for _, name := range []string{"void", "converted", "file"} {
		t.Run(name, func(t *testing.T) {
			const frames = audio.Rate*5/2 + 77
			began := time.Now()
			out := openOutput(t, "alsa:"+name, 0)
			if err := play(t, out, audiotest.NewNoise(frames)).wait(t); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took < toDuration(frames) {
				t.Errorf("%v of sound took %v", toDuration(frames), took)
			}
			if strings.Count(out.log.String(), "no speaker is behind it") != 1 {
				t.Errorf("the log says %q", out.log.String())
			}
		})
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, rendered(audio.Rate*5/2+77)) {
		t.Errorf("the file is not the render: %d bytes, %v", len(got), err)
	}
	t.Run("file, paused", func(t *testing.T) {
		src := newChangingNoise(4 * audio.Rate)
		p := play(t, openOutput(t, "alsa:file", 0), src)
		p.waitHeard(t, audio.Rate)
		src.silence()
		if err := p.wait(t); err != nil {
			t.Fatal(err)
		}
		if src.rewound < audio.RewindDepth/2 {
			t.Errorf("%d frames were rewound", src.rewound)
		}
		want := append(rendered(src.quietFrom), make([]byte, (src.frames-src.quietFrom)*audio.FrameBytes)...)
		got, err := os.ReadFile(file)
		if err != nil || len(got) != len(want) || !bytes.Equal(got[:src.quietFrom*audio.FrameBytes], want[:src.quietFrom*audio.FrameBytes]) {
			t.Errorf("the file is not what was heard: %d bytes, want %d: %v", len(got), len(want), err)
		}
		if isLoud(got[src.quietFrom*audio.FrameBytes:]) {
			t.Error("what a pause took back is in the file")
		}
	})
	t.Run("file, stopped", func(t *testing.T) {
		p := play(t, openOutput(t, "alsa:file", 0), audiotest.NewNoise(60*audio.Rate))
		p.waitHeard(t, audio.Rate)
		p.cancel()
		if err := p.wait(t); err != context.Canceled {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, rendered(p.heard())) {
			t.Errorf("the file holds %d frames, and %d were heard: %v", len(got)/audio.FrameBytes, p.heard(), err)
		}
	})
}

// The disk of a file device that is full is an error.
func TestALSAFileDeviceFull(t *testing.T) {
	setALSAConfig(t, `
		pcm.void { type null }
		pcm.file { type file slave.pcm void file /dev/full format raw }
	`)
	err := play(t, openOutput(t, "alsa:file", 0), audiotest.NewNoise(60*audio.Rate)).wait(t)
	if err == nil || !strings.Contains(err.Error(), `the ALSA device "file" was lost`) {
		t.Errorf("the error is %v", err)
	}
}

// What is below a device decides whether it rewinds: many plugins promise it and do not keep it. The texts are those of
// alsa-lib 1.2.8.
func TestALSAChain(t *testing.T) {
	const (
		setup    = "Its setup is:\n  stream       : PLAYBACK\n  access       : RW_INTERLEAVED\n"
		hardware = "Hardware PCM card 0 'Headphones' device 0 subdevice 0\n" + setup
	)
	for dump, want := range map[string]struct{ hardware, rewinds, unpaced bool }{
		hardware:                                     {true, true, false},
		"Plug PCM: " + hardware:                      {true, true, false},
		"Plug PCM: Plug PCM: " + hardware:            {true, true, false},
		"Hooks PCM\n" + setup + "Slave: " + hardware: {true, true, false},
		"Plug PCM: Linear conversion PCM (S32_LE)\n" + setup + "Slave: " + hardware:                                                         {true, true, false},
		"Plug PCM: Route conversion PCM (sformat=S16_LE)\n  Transformation table:\n    0 <- 0*0.5 + 1*0.5\n" + setup + "Slave: " + hardware: {true, true, false},
		"Soft volume PCM\nControl: PCM\nmin_dB: -51\n" + setup + "Slave: Plug PCM: " + hardware:                                             {true, true, false},
		"Plug PCM: Rate conversion PCM (44100, sformat=S16_LE)\nConverter: libspeex (external)\n" + setup + "Slave: " + hardware:            {true, false, false},
		"Plug PCM: IEC958 subframe conversion PCM (S32_LE)\n" + setup + "Slave: " + hardware:                                                {true, false, false},
		"Plug PCM: Direct Stream Mixing PCM\n" + setup:                                                                                      {false, false, false},
		"File PCM (file=/x)\nFinal file PCM (file=/x)\n" + setup + "Slave: " + hardware:                                                     {true, false, false},
		"ALSA <-> PulseAudio PCM I/O Plugin\n" + setup:                                                                                      {false, false, false},
		"Plug PCM: BlueALSA PCM: 00:11:22:33:44:55\n" + setup:                                                                               {false, false, false},
		"Null PCM\n" + setup:                                 {false, false, true},
		"Plug PCM: Null PCM\n":                               {false, false, true},
		"File PCM (file=/x)\n" + setup + "Slave: Null PCM\n": {false, false, true},
		"": {},
	} {
		chain := parseALSAChain(dump)
		if got := (struct{ hardware, rewinds, unpaced bool }{chain.isHardware(), chain.rewinds(), chain.unpaced()}); got != want {
			t.Errorf("%q: %+v, want %+v", chain, got, want)
		}
	}
}

// The plugin of PulseAudio reports frames that can be rewound, and plays them nevertheless; so it is never asked to.
func TestALSAPulsePluginDoesNotRewind(t *testing.T) {
	server := startPulseaudio(t)
	server.alsa(t)
	recording := server.record()
	src := newChangingNoise(2 * audio.Rate)
	out := openOutput(t, "alsa:converted", 0)
	p := play(t, out, src)
	p.waitHeard(t, audio.Rate)
	src.silence()
	if err := p.wait(t); err != nil {
		t.Fatal(err)
	}
	if src.rewound > 0 {
		t.Errorf("%d frames were rewound", src.rewound)
	}
	if found := matchRecording(t, recording.untilSilent(), rendered(src.quietFrom), out.underruns()); found.frames() != src.quietFrom {
		t.Errorf("%d frames of sound are recorded, want %d", found.frames(), src.quietFrom)
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
