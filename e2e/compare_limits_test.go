package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"guided/audio/voice"
)

// quota measures a daemon that may use a tenth of one core: 1 ms in each 10 ms.
func (c *comparison) quota(l *lab) {
	group, version := newControlGroup(l.t, "cpu")
	if version == 1 {
		group.set(l.t, "cpu.cfs_period_us", "10000")
		group.set(l.t, "cpu.cfs_quota_us", "1000")
	} else {
		group.set(l.t, "cpu.max", "1000 10000")
	}
	l.addRoutines(c.inputs)
	settings := l.settings("pulse", noPage)
	records := startCapture(l)
	const what = "a tenth of a core: "
	p := l.startCommand(group.command(c.program, "--config", settings, "serve"))
	online := l.await("status", "online", p.began).Sub(p.began)
	atOnce := l.command("start tone60")
	c.add(figure{what: what + "trigger to sound, in the moment of online", unit: "ms", digits: 1, mpd: none, limit: 300,
		guided: records.onset(atOnce).Sub(atOnce).Seconds() * 1000})
	stopped := l.command("stop")
	l.await("state", `"state":"idle"`, stopped)
	l.settle(p)
	c.add(figure{what: what + "online after the start", unit: "ms", guided: online.Seconds() * 1000, mpd: none, limit: 1000})
	c.add(figure{what: what + "trigger to sound, a sound of 60 s", unit: "ms", digits: 1, mpd: none, limit: 300,
		guided: median(l.t, *compareTrials, func() time.Duration { return l.timeToSound(records, "start tone60") })})
	c.add(figure{what: what + "stop to silence", unit: "ms", digits: 1, mpd: none, limit: 200, guided: median(l.t, *compareTrials, func() time.Duration {
		at := l.command("start tone60")
		l.await("state", `"state":"playing"`, at)
		records.onset(at)
		pause(l.t)
		at = l.command("stop")
		l.await("state", `"state":"idle"`, at)
		if last := records.silence(at); !last.IsZero() {
			return last.Sub(at)
		}
		return 0
	})})
	for _, bed := range []string{"start noise", "start 4-4-6 for 20m bed rain"} {
		since := l.command(bed)
		l.await("state", `"state":"playing"`, since)
		wait(l.t, 5*time.Second) // the bed has faded in
		began := time.Now()
		m := l.measure(p, *compareWindow)
		n, longest := gaps(records.since(records.frameAt(began)))
		l.t.Logf("%s: %d gaps, the longest of %v", bed, n, longest)
		c.add(figure{what: what + "gaps, " + bed, guided: float64(n), mpd: none, limit: 0})
		c.add(figure{what: what + "CPU, " + bed, unit: "s/min", digits: 2, guided: m.cpu, mpd: none, limit: none})
		stopped := l.command("stop")
		l.await("state", `"state":"idle"`, stopped)
	}
	if stat, err := os.ReadFile(filepath.Join(group.dir, "cpu.stat")); err == nil {
		l.t.Logf("the group's cpu.stat:\n%s", stat)
		if strings.Contains(string(stat), "nr_throttled 0\n") {
			l.t.Error("the group has never been throttled: is the quota in force?")
		}
	}
}

// owned is what a person may own without hearing it.
type owned struct {
	what     string
	prepare  func(l *lab) (sections string)
	routine  string  // what is started for the time to sound
	idle     load    // results
	plays    load    //
	toSound  float64 // ms
	online   float64 // ms
	startCPU float64 // seconds until it has nothing to do
}

// scale measures a daemon with a large library, a large voice and a long routine, beside one that owns little. What is heard
// costs the same, and comes as soon.
func (c *comparison) scale(all *lab) {
	unknown := load{none, none, none, none} // where measuring fails
	small := owned{what: "the built-in library", prepare: func(*lab) string { return "" }, routine: "tone", idle: unknown, plays: unknown, toSound: none}
	for _, o := range []*owned{
		&small,
		{what: "2,000 routines", prepare: func(l *lab) string { l.addManyRoutines(2000); return "" }, routine: "tone"},
		{what: "10,000 recordings", prepare: func(l *lab) string { return l.addManyRecordings(10_000) }, routine: "tone"},
		{what: "a routine of 1,000 steps", prepare: func(l *lab) string { l.addManySteps(1000); return "" }, routine: "steps"},
	} {
		c.run(all.t, o.what, func(l *lab) {
			c.measureOwned(l, o)
			limit := func(of, resolution float64) float64 {
				if o == &small {
					return none
				}
				return 1.25*of + resolution
			}
			c.add(figure{what: o.what + ": online after the start", unit: "ms", guided: o.online, mpd: none, limit: none})
			c.add(figure{what: o.what + ": CPU from the start to rest", unit: "s", digits: 2, guided: o.startCPU, mpd: none, limit: none})
			c.add(figure{what: o.what + ": idle CPU", unit: "s/min", digits: 3, guided: o.idle.cpu, mpd: none, limit: limit(small.idle.cpu, cpuResolution)})
			c.add(figure{what: o.what + ": idle wakes", unit: "/s", digits: 2, guided: o.idle.wakes, mpd: none, limit: limit(small.idle.wakes, 0.1)})
			c.add(figure{what: o.what + ": trigger to sound", unit: "ms", digits: 1, guided: o.toSound, mpd: none, limit: limit(small.toSound, soundTolerance)})
			c.add(figure{what: o.what + ": CPU while it plays", unit: "s/min", digits: 2, guided: o.plays.cpu, mpd: none, limit: limit(small.plays.cpu, cpuResolution)})
			c.add(figure{what: o.what + ": peak memory", unit: "MB", digits: 1, guided: o.plays.peak, mpd: none, limit: none})
		})
	}
}

func (c *comparison) measureOwned(l *lab, o *owned) {
	l.addRoutines(c.inputs)
	settings := l.settings("pulse", noPage+o.prepare(l))
	p := l.serve(c.program, settings)
	o.online = l.await("status", "online", p.began).Sub(p.began).Seconds() * 1000
	o.startCPU = processCPU(l.t, p.Process.Pid).Seconds()
	wait(l.t, *compareWindow) // until Go has given back most of the memory of the start, for which it wakes often
	o.idle = l.measure(p, *compareWindow)
	records := startCapture(l)
	o.toSound = median(l.t, *compareTrials, func() time.Duration { return l.timeToSound(records, "start "+o.routine) })
	play := "start 4-4-6 for 20m"
	if o.routine != "tone" {
		play = "start " + o.routine
	}
	o.plays = c.playFor(l, p, play, nil)
}

func (l *lab) addManyRoutines(n int) {
	l.t.Helper()
	for i := range n {
		writeFile(l.t, filepath.Join(l.path("routines"), fmt.Sprintf("own-%04d.toml", i)),
			fmt.Sprintf("title = \"My own %d\"\n[[step]]\nsay = \"Well done.\"\n[[step]]\nbreathe = \"4-4-6\"\nfor = \"3m\"\n", i))
	}
}

// addManyRecordings makes a voice of the embedded one and of more files, and returns the section of the settings.
func (l *lab) addManyRecordings(n int) string {
	l.t.Helper()
	from, to := "../audio/voice/voices/heart", l.path("voice")
	data, err := os.ReadFile(filepath.Join(from, "index.json"))
	if err != nil {
		l.t.Fatal(err)
	}
	var index voice.Index
	if err := json.Unmarshal(data, &index); err != nil {
		l.t.Fatal(err)
	}
	if err := os.Mkdir(to, 0o755); err != nil {
		l.t.Fatal(err)
	}
	for _, clip := range index.Clips {
		l.link(filepath.Join(from, clip.File), filepath.Join(to, clip.File))
	}
	for i, known := len(index.Clips), len(index.Clips); i < n; i++ {
		clip := index.Clips[i%known]
		file := fmt.Sprintf("more-%05d%s", i, filepath.Ext(clip.File))
		l.link(filepath.Join(from, clip.File), filepath.Join(to, file))
		clip.Text, clip.File = fmt.Sprintf("Recorded phrase number %d.", i), file
		index.Clips = append(index.Clips, clip)
	}
	if data, err = json.Marshal(index); err != nil {
		l.t.Fatal(err)
	}
	writeFile(l.t, filepath.Join(to, "index.json"), string(data))
	return fmt.Sprintf("[voice]\nname = %q\n", to)
}

func (l *lab) addManySteps(n int) {
	l.t.Helper()
	writeFile(l.t, filepath.Join(l.path("routines"), "steps.toml"), "title = \"Steps\"\n[[step]]\nsound = \"tone.wav\"\n"+
		strings.Repeat("[[step]]\nsay = \"Well done.\"\nhold = \"8s\"\n", n-1))
}

// What the broken budgets are told by.
func TestFigureKeepsItsBudget(t *testing.T) {
	for name, tt := range map[string]struct {
		figure figure
		want   bool
	}{
		"under the most":                 {figure{guided: 39, mpd: none, limit: 40}, false},
		"over the most":                  {figure{guided: 41, mpd: none, limit: 40}, true},
		"under the least":                {figure{guided: 999, mpd: none, limit: 1000, atLeast: true}, true},
		"not measured":                   {figure{guided: none, mpd: none, limit: 40}, true},
		"no limit":                       {figure{guided: 41, mpd: 1, limit: none}, false},
		"as mpd within what can be seen": {figure{guided: 12.4, mpd: 12, limit: none, asMPD: true, resolution: 0.5}, false},
		"slower than mpd":                {figure{guided: 12.6, mpd: 12, limit: none, asMPD: true, resolution: 0.5}, true},
		"as mpd, which is not installed": {figure{guided: 12.6, mpd: none, limit: none, asMPD: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tt.figure.broken(); got != tt.want {
				t.Errorf("broken: %v", got)
			}
		})
	}
}
