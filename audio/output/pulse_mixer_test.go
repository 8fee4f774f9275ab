package output

import (
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	"guided/audio"
	"guided/audio/audiotest"
)

// input is what pactl says about our stream: its mute and its volume in percent.
func (s *pulseaudio) input() string {
	s.t.Helper()
	text := s.pactl("list", "sink-inputs")
	mute := regexp.MustCompile(`Mute: (\w+)`).FindStringSubmatch(text)
	volume := regexp.MustCompile(`Volume: front-left: \d+ / +(\d+)%`).FindStringSubmatch(text)
	if mute == nil || volume == nil {
		s.t.Fatalf("there is no stream: %s", text)
	}
	return mute[1] + " " + volume[1]
}

func (s *pulseaudio) inputIndex() string {
	s.t.Helper()
	return strings.Fields(s.pactl("list", "short", "sink-inputs"))[0]
}

// What the user once did to our stream is not remembered: the server would give it to every stream of the name.
func TestPulseStreamIsNotRestoredMuted(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startPulseaudio(t)
	server.pactl("load-module", "module-stream-restore")
	once := func(change ...string) string {
		p := play(t, openOutput(t, "pulse:mat", 0), audiotest.NewNoise(60*audio.Rate))
		p.waitHeard(t, audio.Rate/10)
		state := server.input()
		for _, command := range change {
			verb, value, _ := strings.Cut(command, " ")
			server.pactl(verb, server.inputIndex(), value)
		}
		p.cancel()
		<-p.ended
		return state
	}
	once("set-sink-input-mute 1", "set-sink-input-volume 3%")
	// Another program of the same name is restored, so the server does remember.
	other := exec.Command("pacat", "--client-name=guided", "--property=application.id=guided", "--property=media.role=music", "--device=mat", "--raw", "/dev/zero")
	other.Stderr = t.Output()
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	end := sync.OnceFunc(func() {
		_ = other.Process.Kill()
		_ = other.Wait()
	})
	defer end()
	audiotest.Eventually(t, "the other stream plays", func() bool { return server.pactl("list", "short", "sink-inputs") != "" })
	restored := server.input()
	end()
	if restored != "yes 3" {
		t.Errorf("another stream begins with %s, want it restored", restored)
	}
	audiotest.Eventually(t, "the other stream is gone", func() bool { return server.pactl("list", "short", "sink-inputs") == "" })
	if state := once(); state != "no 100" {
		t.Errorf("the stream begins muted, volume: %s", state)
	}
}

// With flat volumes, a stream of 100 % would raise the volume of the sink to 100 %.
func TestPulseFlatVolumesLeaveTheSink(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startPulseaudio(t)
	server.kill()
	t.Setenv("PULSE_CONFIG", writeText(t, t.TempDir()+"/daemon.conf", "flat-volumes = yes\n"))
	server.start()
	server.pactl("set-sink-volume", "mat", "30%")
	p := play(t, openOutput(t, "pulse:mat", 0), audiotest.NewNoise(60*audio.Rate))
	p.waitHeard(t, audio.Rate/10)
	if volume := server.pactl("get-sink-volume", "mat"); !strings.Contains(volume, "30%") || strings.Contains(volume, "100%") {
		t.Errorf("the volume of the sink is %s", volume)
	}
	if state := server.input(); state != "no 30" {
		t.Errorf("with flat volumes, the stream has the volume of the sink, and not %s", state)
	}
}

// What silences the sound in the mixer is told once, over several Plays, and the mixer is left alone.
func TestPulseInaudibleIsToldOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		silence, unmute []string
		want            string
	}{
		"sink muted":       {[]string{"set-sink-mute", "mat", "1"}, []string{"set-sink-mute", "mat", "0"}, "the sink mat is muted"},
		"sink turned down": {[]string{"set-sink-volume", "mat", "0%"}, []string{"set-sink-volume", "mat", "40%"}, "the sink mat is turned down to 0"},
	} {
		t.Run(name, func(t *testing.T) {
			audiotest.NoLeaks(t)
			server := startPulseaudio(t)
			server.pactl(tt.silence...)
			before := server.pactl("list", "sinks")
			out := openOutput(t, "pulse:mat", 0)
			for range 3 {
				if err := play(t, out, audiotest.NewNoise(audio.Rate/5)).wait(t); err != nil {
					t.Fatal(err)
				}
			}
			if log := out.log.String(); strings.Count(log, "cannot be heard") != 1 || !strings.Contains(log, tt.want) {
				t.Errorf("the log is %s, want %q once", log, tt.want)
			}
			withoutState := regexp.MustCompile(`(State|Latency):.*`)
			if after := server.pactl("list", "sinks"); withoutState.ReplaceAllString(after, "") != withoutState.ReplaceAllString(before, "") {
				t.Errorf("the sink was changed: %s", after)
			}
			server.pactl(tt.unmute...)
			if err := play(t, out, audiotest.NewNoise(audio.Rate/5)).wait(t); err != nil || !strings.Contains(out.log.String(), "can be heard again") {
				t.Errorf("after that, error %v, log %s", err, out.log.String())
			}
		})
	}
}

// A mute in the middle of the sound is told too, whoever makes it.
func TestPulseSilencedMeanwhile(t *testing.T) {
	t.Run("by the user", func(t *testing.T) {
		audiotest.NoLeaks(t)
		server := startPulseaudio(t)
		checkSilenced(t, "stream of guided is muted in the mixer", func() func() {
			server.pactl("set-sink-input-mute", server.inputIndex(), "1")
			return func() {}
		})
	})
	t.Run("by a call", func(t *testing.T) {
		audiotest.NoLeaks(t)
		server := startPulseaudio(t)
		server.pactl("load-module", "module-role-cork")
		checkSilenced(t, "silences music for a call", func() func() {
			call := exec.Command("pacat", "--property=media.role=phone", "--device=mat", "--raw", "/dev/zero")
			call.Stderr = t.Output()
			if err := call.Start(); err != nil {
				t.Fatal(err)
			}
			return func() {
				_ = call.Process.Kill()
				_ = call.Wait()
			}
		})
	})
}

// checkSilenced plays until the log has a warning after something has silenced the sound.
func checkSilenced(t *testing.T, want string, silence func() (undo func())) {
	t.Helper()
	var log lockedBuffer
	out, err := Open("pulse:mat", 0, log.logger())
	if err != nil {
		t.Fatal(err)
	}
	p := play(t, out, audiotest.NewNoise(120*audio.Rate))
	p.waitHeard(t, audio.Rate/10)
	undo := silence()
	defer undo()
	audiotest.Eventually(t, "the log says "+want, func() bool { return strings.Contains(log.String(), want) })
	p.waitHeard(t, p.heard()+audio.Rate/10) // and it plays on
	p.cancel()
	<-p.ended
}
