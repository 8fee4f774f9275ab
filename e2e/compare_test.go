package e2e

import (
	"flag"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"guided/audio"
)

var (
	compareFile    = flag.String("compare", "", "measure guided beside mpd, and write the table to this file")
	compareWindow  = flag.Duration("window", time.Minute, "with -compare: how long each measurement of CPU and wakes goes on")
	compareTrials  = flag.Int("trials", 20, "with -compare: how many times each time to sound is measured")
	compareProgram = flag.String("program", "", "with -compare: the guided that is measured, in place of this one")
)

// TestCompare measures what guided costs and how soon it is heard, beside mpd where that is installed, and writes a table in
// Markdown. A budget that is broken fails it. It takes a quiet machine and three quarters of an hour, and so runs only with -compare
// (./test-long compare). docs/performance.md says what is promised.
func TestCompare(t *testing.T) {
	if *compareFile == "" {
		t.Skip("it needs a quiet machine: ./test-long compare")
	}
	for _, program := range []string{"pulseaudio", "parec", "paplay", "mosquitto", "mosquitto_sub"} {
		requireProgram(t, program)
	}
	c := &comparison{program: *compareProgram, inputs: filepath.Join(t.TempDir(), "inputs")}
	if c.program == "" {
		c.program = buildProgram(t)
	}
	_, errServer := exec.LookPath("mpd")
	_, errClient := exec.LookPath("mpc")
	c.withMPD = errServer == nil && errClient == nil
	makeInputs(t, c.inputs)
	parts := []struct {
		name string
		do   func(l *lab)
	}{
		{"the meter reads what is known", checkMeter},
		{"the capture hears what is known", func(l *lab) { checkCapture(l, c.inputs) }},
		{"idle", c.idle},
		{"playing", c.playing},
		{"time to sound", c.timesToSound},
		{"render", c.renders},
		{"variants", c.variants},
		{"a tenth of a core", c.quota},
		{"scale", c.scale},
	}
	for i, part := range parts {
		if good := c.run(t, part.name, part.do); !good && i < 2 {
			t.Fatal("nothing that it measures can be trusted")
		}
		if err := os.WriteFile(*compareFile, []byte(c.markdown(t)), 0o644); err != nil { // after each part: a later one may fail
			t.Fatal(err)
		}
	}
	for _, f := range c.figures {
		if f.broken() {
			t.Errorf("%s: %s, and must be %s", f.what, f.format(f.guided), f.budget())
		}
	}
}

var none = math.NaN()

const (
	cpuResolution  = 0.01 // s/min
	wakeResolution = 1    // a second
	soundTolerance = 1    // ms: the capture's own error
)

// idle measures a daemon that waits, connected, with its page, a schedule that is due in twelve hours and systemd's watchdog.
func (c *comparison) idle(l *lab) {
	from := time.Now().Add(12 * time.Hour).Format("15:00")
	until := time.Now().Add(13 * time.Hour).Format("15:00")
	page := fmt.Sprintf("[web]\nlisten = \"127.0.0.1:%s\"\n", freePort(l.t))
	schedule := fmt.Sprintf("[[schedule]]\nroutine = \"4-4-6\"\nevery = \"1h\"\nbetween = \"%s-%s\"\n", from, until)
	settings, what := l.settings("pulse", page+schedule), "idle with page, schedule and watchdog"
	if exec.Command(c.program, "--config", settings, "list").Run() != nil {
		settings, what = l.settings("pulse", page), "idle with page and watchdog"
	}
	p := l.serve(c.program, settings, "NOTIFY_SOCKET="+l.listenAsSystemd(), "WATCHDOG_USEC=30000000")
	wait(l.t, 2**compareWindow) // until Go has given back the memory of the start, for which it wakes often
	m, besides := l.measure(p, *compareWindow), load{cpu: none, wakes: none, peak: none}
	if c.withMPD {
		p.end()
		mpd := l.mpd(c.inputs)
		l.run("mpc", "-q", "add", "tone60.wav")
		l.settle(mpd)
		besides = l.measure(mpd, *compareWindow)
	}
	c.add(figure{what: what + ": CPU", unit: "s/min", digits: 3, guided: m.cpu, mpd: besides.cpu, limit: 0.01})
	c.add(figure{what: what + ": wakes", unit: "/s", digits: 2, guided: m.wakes, mpd: besides.wakes, limit: 0.1})
	c.add(figure{what: what + ": peak memory", unit: "MB", digits: 1, guided: m.peak, mpd: besides.peak, limit: 40})
}

// listenAsSystemd reads what a service tells systemd (sd_notify(3)), and returns the socket.
func (l *lab) listenAsSystemd() string {
	l.t.Helper()
	socket := l.path("notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		l.t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for buf := make([]byte, 4096); ; {
			if _, err := conn.Read(buf); err != nil {
				return
			}
		}
	}()
	l.t.Cleanup(func() { conn.Close(); <-read })
	return socket
}

// playing measures 4-4-6, beside mpd with a file.
func (c *comparison) playing(l *lab) {
	l.addRoutines(c.inputs)
	p := l.serve(c.program, l.settings("pulse", noPage))
	m, besides := c.playFor(l, p, "start 4-4-6 for 20m", nil), load{cpu: none, server: none, wakes: none, peak: none}
	p.end()
	if c.withMPD {
		mpd := l.mpd(c.inputs)
		l.run("mpc", "-q", "add", "tone60.wav")
		l.run("mpc", "-q", "repeat", "on")
		l.run("mpc", "-q", "play")
		wait(l.t, 3*time.Second)
		besides = l.measure(mpd, *compareWindow)
	}
	c.add(figure{what: "4-4-6 plays: CPU", unit: "s/min", digits: 2, guided: m.cpu, mpd: besides.cpu, limit: none, asMPD: true, resolution: cpuResolution})
	c.add(figure{what: "4-4-6 plays: PulseAudio's CPU", unit: "s/min", digits: 2, guided: m.server, mpd: besides.server, limit: none, asMPD: true, resolution: cpuResolution})
	c.add(figure{what: "4-4-6 plays: wakes", unit: "/s", digits: 1, guided: m.wakes, mpd: besides.wakes, limit: none, asMPD: true, resolution: wakeResolution})
	c.add(figure{what: "4-4-6 plays: peak memory", unit: "MB", digits: 1, guided: m.peak, mpd: besides.peak, limit: 40})
}

// playFor starts a routine and measures it from its third second on. halfway, where it is not nil, is called in the middle.
func (c *comparison) playFor(l *lab, p *labProcess, command string, halfway func()) load {
	l.t.Helper()
	since := l.command(command)
	l.await("state", `"state":"playing"`, since)
	wait(l.t, 3*time.Second)
	if halfway == nil {
		return l.measure(p, *compareWindow)
	}
	a := l.measure(p, *compareWindow/2)
	halfway()
	b := l.measure(p, *compareWindow/2)
	return load{(a.cpu + b.cpu) / 2, (a.server + b.server) / 2, (a.wakes + b.wakes) / 2, b.peak}
}

// timesToSound measures from the PUBLISH of the command to the first loud frame. mpd plays the same sounds as files.
func (c *comparison) timesToSound(l *lab) {
	l.addRoutines(c.inputs)
	settings := l.settings("pulse", noPage)
	for _, name := range []string{"bell", "4-4-6"} {
		l.run(c.program, "--config", settings, "render", name, "-o", filepath.Join(c.inputs, name+".wav"))
	}
	records := startCapture(l)
	p := l.serve(c.program, settings)
	sounds := []string{"tone60", "tone", "bell", "4-4-6"}
	times, firsts, besides := map[string]float64{}, map[string]float64{}, map[string]float64{}
	for _, name := range sounds {
		times[name], besides[name] = median(l.t, *compareTrials, func() time.Duration { return l.timeToSound(records, "start "+name) }), none
		firsts[name] = median(l.t, max(3, *compareTrials/4), func() time.Duration { // nothing of it is in memory
			p.end()
			p = l.serve(c.program, settings)
			return l.timeToSound(records, "start "+name)
		})
	}
	p.end()
	if c.withMPD {
		l.mpd(c.inputs)
		for _, name := range sounds[:3] {
			l.run("mpc", "-q", "clear")
			l.run("mpc", "-q", "add", name+".wav")
			besides[name] = median(l.t, *compareTrials, func() time.Duration {
				l.run("mpc", "-q", "stop")
				records.silence(time.Now())
				pause(l.t)
				at := l.publish("trigger", "x")
				return records.onset(at).Sub(at)
			})
		}
	}
	names := map[string]string{"tone60": "a sound of 60 s", "tone": "a sound of 0.4 s", "bell": "the bell"}
	for _, name := range sounds[:3] {
		c.add(figure{what: "trigger to sound, " + names[name], unit: "ms", digits: 1, guided: times[name], mpd: besides[name], limit: none, asMPD: true, resolution: soundTolerance})
		c.add(figure{what: "the same, first since the daemon's start", unit: "ms", digits: 1, guided: firsts[name], mpd: none, limit: none})
	}
	own := c.ownOnset(l, filepath.Join(c.inputs, "4-4-6.wav"))
	c.add(figure{what: fmt.Sprintf("trigger to the first word of 4-4-6, less its own onset of %.1f ms", own), unit: "ms", digits: 1, guided: times["4-4-6"] - own, mpd: none, limit: 15})
	c.add(figure{what: "the same, first since the daemon's start", unit: "ms", digits: 1, guided: firsts["4-4-6"] - own, mpd: none, limit: none})
}

// timeToSound is the time from the PUBLISH of a start to its first loud frame; a stop follows.
func (l *lab) timeToSound(records *capture, start string) time.Duration {
	l.t.Helper()
	pause(l.t)
	at := l.command(start)
	l.await("state", `"state":"playing"`, at)
	heard := records.onset(at)
	stopped := l.command("stop")
	l.await("state", `"state":"idle"`, stopped)
	records.silence(stopped)
	return heard.Sub(at)
}

// ownOnset is where in a file its first loud frame is, in ms.
func (c *comparison) ownOnset(l *lab, file string) float64 {
	l.t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		l.t.Fatal(err)
	}
	for frame := 0; audio.WAVHeaderBytes+(frame+1)*audio.FrameBytes <= len(data); frame++ {
		if at := data[audio.WAVHeaderBytes+frame*audio.FrameBytes:]; max(magnitude(at), magnitude(at[2:])) >= loud {
			return durationOf(frame).Seconds() * 1000
		}
	}
	l.t.Fatal("nothing in it is loud: ", file)
	return 0
}

// median of so many trials, in ms. A time that is impossible is fatal.
func median(t *testing.T, trials int, trial func() time.Duration) float64 {
	t.Helper()
	var all []time.Duration
	for range trials {
		d := trial()
		if d < -2*time.Millisecond {
			t.Fatalf("a sound %v before its trigger", -d)
		}
		all = append(all, d)
	}
	slices.Sort(all)
	t.Logf("from %v to %v", all[0].Round(100*time.Microsecond), all[len(all)-1].Round(100*time.Microsecond))
	return (all[(len(all)-1)/2] + all[len(all)/2]).Seconds() * 1000 / 2
}

// pause lets some time pass, each time another, so that triggers fall anywhere in the sound server's period.
func pause(t *testing.T) {
	wait(t, 300*time.Millisecond+time.Duration(time.Now().Nanosecond()%97)*time.Millisecond)
}

// renders measures the routine of a quarter of an hour as a file: over a bed as long and without one, with an empty cache and
// again.
func (c *comparison) renders(l *lab) {
	l.addRoutines(c.inputs)
	settings := l.settings("null", noPage)
	for _, over := range []struct{ what, bed string }{{"over a bed of 15 min", "bed = \"bed.wav\"\n"}, {"without a bed", ""}} {
		l.addCues(c.inputs, over.bed)
		for _, run := range []string{"an empty cache", "a warm cache"} {
			what := "15 min from 400 files " + over.what + ", " + run
			out := l.path("out.wav")
			seconds, peak, problem := l.render(exec.Command(c.program, "--config", settings, "render", "long", "-o", out))
			if problem == "" && over.bed != "" && !l.hasBed(out) {
				problem = "the bed is missing"
			}
			if problem != "" {
				l.t.Logf("%s: %s", what, problem)
				what += " (" + lastLine(problem) + ")"
				seconds, peak = math.Inf(1), none
			}
			c.add(figure{what: what, unit: "× real time", guided: longSeconds / seconds, mpd: none, limit: 1000, atLeast: true})
			c.add(figure{what: what + ": peak memory", unit: "MB", digits: 1, guided: peak, mpd: none, limit: 60})
		}
		if err := os.RemoveAll(l.path("cache")); err != nil {
			l.t.Fatal(err)
		}
	}
}

// hasBed tells whether the pause behind the 200th sound of the long routine is more than dither.
func (l *lab) hasBed(file string) bool {
	l.t.Helper()
	f, err := os.Open(file)
	if err != nil {
		l.t.Fatal(err)
	}
	defer f.Close()
	pause := make([]byte, audio.Rate/10*audio.FrameBytes)
	at := samplesOf(200*cueSpacing*time.Millisecond) - audio.Rate/4
	if _, err := f.ReadAt(pause, audio.WAVHeaderBytes+int64(at)*audio.FrameBytes); err != nil {
		l.t.Fatal(err)
	}
	const dither = 4
	for i := 0; i < len(pause); i += 2 {
		if magnitude(pause[i:]) > dither {
			return true
		}
	}
	return false
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.ReplaceAll(lines[len(lines)-1], "|", "/")
}

// render runs a program that writes out.wav and returns its seconds and its peak memory in MB, or what it says when it fails.
// A file of another length is fatal. The peak is the kernel's for its memory alone: ru_maxrss would count the test's too.
func (l *lab) render(cmd *exec.Cmd) (seconds, peak float64, problem string) {
	l.t.Helper()
	p := l.startCommand(cmd)
	for most := int64(0); ; {
		select {
		case <-p.ended:
			if !p.ProcessState.Success() {
				return 0, 0, p.log.String()
			}
			info, err := os.Stat(l.path("out.wav"))
			if want := int64(audio.WAVHeaderBytes + longSeconds*audio.Rate*audio.FrameBytes); err != nil || (info.Size()-want) > want/100 || info.Size() < want {
				l.t.Fatalf("the file has not the length of the routine: %v", err)
			}
			return seconds, float64(most) / 1e6, ""
		case <-time.After(time.Millisecond):
			seconds = time.Since(p.began).Seconds()
			most = max(most, peakMemory(p.Process.Pid))
		}
	}
}
