package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"guided/player"
)

// often is how many times something is done in ./test-long.
func often(t *testing.T, n int) int {
	t.Helper()
	if os.Getenv(longTests) == "" {
		t.Skip("./test-long often runs it")
	}
	return n
}

// countedDaemon is a daemon on a sound server, of which everything that could pile up is counted.
type countedDaemon struct {
	*machine
	t      *testing.T
	cmd    *exec.Cmd
	log    *syncBuffer
	seen   *observer
	heard  *sink
	rested int // goroutines of such a daemon that has done nothing
	meter  *processMeter
	before processSample
}

// startCountedDaemon starts one that plays noise when it is told to.
func startCountedDaemon(t *testing.T) *countedDaemon {
	t.Helper()
	program := buildProgram(t)
	d := &countedDaemon{t: t, heard: startSink(t)}
	d.machine = newMachine(t, "[audio]\noutput = \"pulse\"\nlead_in = \"0s\"\nvolume = 100\n")
	writeRoutine(t, d.machine, "noise", "title = \"Noise\"\nbed = \"brown\"\n[[step]]\nhold = \"3h\"\n")
	d.seen = d.observe()
	begin := func() {
		d.seen.forgetStates()
		d.cmd = exec.Command(program, "--config", d.config, "serve")
		d.log, _ = startProcess(t, d.cmd)
		waitFor(t, "the first state", func() bool { return d.seen.lastState().State == player.Idle })
	}
	begin()
	d.startAndStop(0)
	d.rested = goroutinesAtRest(t, d.cmd)
	begin()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the daemon's log ends with\n%s", d.log.String()[max(0, len(d.log.String())-10_000):])
		}
	})
	return d
}

// send gives a command.
func (d *countedDaemon) send(words string) {
	d.t.Helper()
	if code, out := d.run(append([]string{"send"}, strings.Fields(words)...)...); code != 0 {
		d.t.Fatalf("%s: %s", words, out)
	}
}

// startAndStop starts the noise until it is heard, and for a while longer, and stops it until nothing is heard.
func (d *countedDaemon) startAndStop(longer time.Duration) {
	d.t.Helper()
	d.heard.forgetGaps()
	d.send("start noise")
	waitFor(d.t, "the noise", func() bool { return !d.heard.firstLoud().IsZero() })
	<-time.After(longer)
	d.send("stop")
	waitFor(d.t, "silence", d.heard.isSilent)
}

// remember takes the sample with which check compares.
func (d *countedDaemon) remember() {
	d.t.Helper()
	untilAsleep(d.t, d.cmd.Process.Pid)
	d.meter = newProcessMeter(d.t, d.cmd.Process.Pid)
	d.before = d.meter.sample(d.t)
}

// check ends the daemon, and fails the test where more is there than at remember.
func (d *countedDaemon) check() {
	d.t.Helper()
	untilAsleep(d.t, d.cmd.Process.Pid)
	after := d.meter.sample(d.t)
	d.t.Logf("before: %v", d.before)
	d.t.Logf("after:  %v", after)
	if most := float64(d.before.anonymous)*memoryTolerance + memoryAllowance; float64(after.anonymous) > most {
		d.t.Errorf("%d bytes of memory, and %d before", after.anonymous, d.before.anonymous)
	}
	if after.threads > d.before.threads+countAllowance {
		d.t.Errorf("%d threads, and %d before", after.threads, d.before.threads)
	}
	if after.descriptors > d.before.descriptors {
		d.t.Errorf("%d open files, and %d before", after.descriptors, d.before.descriptors)
	}
	n := goroutinesAtRest(d.t, d.cmd)
	d.t.Logf("%d goroutines, %d of a daemon that has done nothing else", n, d.rested)
	if n > d.rested {
		d.t.Errorf("%d goroutines, and %d of a daemon that has done nothing else", n, d.rested)
	}
}

// A thousand starts: each is heard, each stop is silent, and nothing piles up.
func TestStartAndStopAThousandTimes(t *testing.T) {
	times := often(t, 1000)
	d := startCountedDaemon(t)
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	for range times / 20 {
		d.startAndStop(0)
	}
	d.remember()
	for range times - times/20 {
		d.startAndStop(time.Duration(r.IntN(100)) * time.Millisecond)
	}
	waitFor(t, "idle", func() bool { return d.seen.lastState().State == player.Idle })
	if n := d.seen.countEvents("problem"); n > 0 {
		t.Errorf("%d problems", n)
	}
	d.check()
}

// The broker is killed two hundred times, at any moment, while a routine plays: the routine is heard without a gap, and each
// broker learns what plays and takes commands.
func TestBrokerKilledTwoHundredTimes(t *testing.T) {
	times := often(t, 200)
	d := startCountedDaemon(t)
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	d.startAndStop(0)
	d.remember()
	d.heard.forgetGaps()
	d.send("start noise")
	waitFor(t, "the noise", func() bool { return !d.heard.firstLoud().IsZero() })
	volume := 100
	for round := range times {
		<-time.After(time.Duration(r.IntN(12_000)) * time.Millisecond)
		d.stopBroker()
		d.seen.forgetStates()
		d.startBroker()
		waitFor(t, "the state", func() bool { return d.seen.lastState().State == player.Playing })
		if s := d.seen.lastState(); s.Routine != "noise" || s.Volume != volume {
			t.Errorf("seed %d, round %d: the state is %+v", seed, round, s)
		}
		volume = 50 + r.IntN(50)
		d.send(fmt.Sprintf("volume %d", volume))
		waitFor(t, "the volume", func() bool { return d.seen.lastState().Volume == volume })
	}
	if n, longest := d.heard.gaps(); n > 0 {
		t.Errorf("seed %d: %d gaps, the longest of %v", seed, n, longest)
	}
	d.send("stop")
	waitFor(t, "silence", d.heard.isSilent)
	d.check()
}
