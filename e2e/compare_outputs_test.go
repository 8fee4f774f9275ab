package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"guided/audio"
)

// variants measures what else is played, and to what.
func (c *comparison) variants(all *lab) {
	const plays = "start 4-4-6 for 20m"
	for _, v := range []struct{ what, output, command, halfway string }{
		{"over rain", "pulse", plays + " bed rain", ""},
		{"swells over waves", "pulse", "start swells", ""},
		{"slower in the middle", "pulse", plays, "slower"},
		{"to ALSA (its pulse plug-in)", "alsa", plays, ""},
		{"to ALSA's null device", "alsa:void", plays, ""},
		{"to ALSA's file device", "alsa:file", plays, ""},
		{"to PipeWire", "pipewire", plays, ""},
		{"to null", "null", plays, ""},
		{"to Snapcast", "snapcast", plays, ""},
		{"to PulseAudio, which Snapcast follows", "pulse+snapcast", plays, ""},
		{"to Snapcast, which PulseAudio follows", "snapcast+pulse", plays, ""},
	} {
		c.run(all.t, v.what, func(l *lab) {
			l.addRoutines(c.inputs)
			output, follower, follows := strings.Cut(v.output, "+")
			for _, name := range []*string{&output, &follower} {
				switch *name {
				case "snapcast":
					*name = l.snapserver()
				case "pipewire":
					*name = l.pipewire()
				}
			}
			others := noPage
			if follows {
				others += fmt.Sprintf("[[audio.also]]\noutput = %q\n", follower)
			}
			p := l.serve(c.program, l.settings(output, others))
			var halfway func()
			if v.halfway != "" {
				halfway = func() { l.command(v.halfway) }
			}
			c.addLoad(v.what, c.playFor(l, p, v.command, halfway))
		})
	}
	c.run(all.t, "1 listener", func(l *lab) { c.listeners(l, 1) })
	c.run(all.t, "50 listeners", func(l *lab) { c.listeners(l, 50) })
}

func (c *comparison) addLoad(what string, m load) {
	c.add(figure{what: what + ": CPU", unit: "s/min", digits: 2, guided: m.cpu, mpd: none, limit: none})
	c.add(figure{what: what + ": PulseAudio's CPU", unit: "s/min", digits: 2, guided: m.server, mpd: none, limit: none})
	c.add(figure{what: what + ": wakes", unit: "/s", digits: 1, guided: m.wakes, mpd: none, limit: none})
	c.add(figure{what: what + ": peak memory", unit: "MB", digits: 1, guided: m.peak, mpd: none, limit: none})
}

// snapserver starts a Snapcast server and returns the output that plays to it.
func (l *lab) snapserver() string {
	l.t.Helper()
	requireProgram(l.t, "snapserver")
	source, stream, control := freePort(l.t), freePort(l.t), freePort(l.t)
	writeFile(l.t, l.path("snapserver.conf"), fmt.Sprintf("[server]\ndatadir = %s\n[http]\nenabled = false\n[tcp]\nenabled = true\nbind_to_address = 127.0.0.1\nport = %s\n"+
		"[stream]\nbind_to_address = 127.0.0.1\nport = %s\nsource = tcp://127.0.0.1:%s?mode=server&name=guided&sampleformat=48000:16:2&codec=pcm\n", l.dir, control, stream, source))
	l.start("snapserver", "-c", l.path("snapserver.conf"))
	waitForListener(l.t, "snapserver", "tcp", "127.0.0.1:"+source)
	return "snapcast:tcp://127.0.0.1:" + source
}

// pipewire starts PipeWire with its PulseAudio server, in a session of its own, and returns the output that plays to it. Its CPU is
// not measured.
func (l *lab) pipewire() string {
	l.t.Helper()
	for _, program := range []string{"pipewire", "pipewire-pulse", "wireplumber", "dbus-run-session", "pactl"} {
		requireProgram(l.t, program)
	}
	socket := filepath.Join(l.dir, "pulse", "native")
	l.start("dbus-run-session", "--", "sh", "-c", "pipewire & wireplumber & pipewire-pulse & wait")
	waitForListener(l.t, "PipeWire", "unix", socket)
	l.env = append(l.env, "PULSE_SERVER=unix:"+socket)
	waitFor(l.t, "a sink of PipeWire", func() bool {
		cmd := exec.Command("pactl", "load-module", "module-null-sink", "sink_name=mat", "rate=48000", "format=s16le")
		cmd.Env = l.env
		return cmd.Run() == nil
	})
	return "pulse:mat"
}

// listeners measures 4-4-6 while so many listen to the live sound, and checks that they are given it.
func (c *comparison) listeners(l *lab, n int) {
	address := "127.0.0.1:" + freePort(l.t)
	p := l.serve(c.program, l.settings("pulse", fmt.Sprintf("[web]\nlisten = %q\n", address)))
	since := l.command("start 4-4-6 for 20m")
	l.await("state", `"state":"playing"`, since)
	var running sync.WaitGroup
	heard := make([]int64, n)
	open := make(chan io.Closer, n)
	for i := range n {
		answer, err := http.Get("http://" + address + "/live.wav")
		if err != nil || answer.StatusCode != http.StatusOK {
			l.t.Fatalf("a listener is refused: %v, %v", answer, err)
		}
		open <- answer.Body
		running.Go(func() { heard[i], _ = io.Copy(io.Discard, answer.Body) }) // until it is closed
	}
	wait(l.t, 2*time.Second)
	m := l.measure(p, *compareWindow)
	close(open)
	for body := range open {
		body.Close()
	}
	running.Wait()
	least := int64(0.8 * compareWindow.Seconds() * audio.Rate * audio.FrameBytes)
	if got := slices.Min(heard); got < least {
		l.t.Fatalf("a listener was given %d bytes, not %d", got, least)
	}
	c.addLoad(fmt.Sprintf("listeners to the live sound: %d", n), m)
}
