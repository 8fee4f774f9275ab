package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// load is what a program and the sound server cost in a window of time.
type load struct {
	cpu    float64 // seconds a minute, user and system, of all threads
	server float64 // the same of the sound server
	wakes  float64 // voluntary context switches a second, of all threads
	peak   float64 // the largest resident memory since the start, in MB
}

// measure measures a process during a window.
func (l *lab) measure(p *labProcess, window time.Duration) load {
	l.t.Helper()
	pid, server := p.Process.Pid, l.pulse.Process.Pid
	began, cpu, serverCPU, wakes := time.Now(), processCPU(l.t, pid), processCPU(l.t, server), voluntarySwitches(pid)
	wait(l.t, window)
	seconds := time.Since(began).Seconds()
	m := load{
		cpu:    (processCPU(l.t, pid) - cpu).Minutes() * 60 * 60 / seconds,
		server: (processCPU(l.t, server) - serverCPU).Minutes() * 60 * 60 / seconds,
		peak:   float64(peakMemory(pid)) / 1e6,
	}
	total := 0
	for thread, n := range voluntarySwitches(pid) {
		total += n - wakes[thread] // 0 for a thread that is new
	}
	m.wakes = float64(total) / seconds
	select {
	case <-p.ended:
		l.t.Fatalf("the program has ended: %v\n%s", p.ProcessState, p.log)
	default:
	}
	return m
}

// processCPU is what a process has used, with its threads that have ended, in nanoseconds: the clock of another process, as
// clock_getcpuclockid(3) makes it.
func processCPU(t *testing.T, pid int) time.Duration {
	t.Helper()
	const ofProcess = 2
	var now unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|ofProcess), &now); err != nil {
		t.Fatalf("the CPU clock of the process %d: %v", pid, err)
	}
	return time.Duration(now.Nano())
}

// voluntarySwitches counts by thread how often it has slept (proc(5), voluntary_ctxt_switches).
func voluntarySwitches(pid int) map[string]int {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid)) // the pattern is valid
	counts := map[string]int{}
	for _, file := range files {
		status, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		for line := range strings.Lines(string(status)) {
			if rest, is := strings.CutPrefix(line, "voluntary_ctxt_switches:"); is {
				counts[file], _ = strconv.Atoi(strings.TrimSpace(rest)) // the kernel writes a number
			}
		}
	}
	return counts
}

// checkMeter lets the meter measure what is known: a process that does nothing but read, in a buffer of 64 MiB, against what
// the kernel says of it at its end; and one that sleeps 50 times.
func checkMeter(l *lab) {
	l.t.Helper()
	burner := l.start("dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "status=none")
	waitFor(l.t, "the buffer to be filled", func() bool { return peakMemory(burner.Process.Pid) > 64<<20 })
	m := l.measure(burner, time.Second)
	used := processCPU(l.t, burner.Process.Pid)
	burner.end()
	told := burner.ProcessState.UserTime() + burner.ProcessState.SystemTime()
	if d := told - used; d < -20*time.Millisecond || d > 100*time.Millisecond {
		l.t.Fatalf("the meter reads %v of CPU, the kernel says %v", used, told)
	}
	if m.peak < 67 || m.peak > 80 || m.cpu <= 0 {
		l.t.Fatalf("of a program with a buffer of 67 MB the meter reads %+v", m)
	}
	sleeper := l.start("sh", "-c", "for n in 0 1 2 3 4; do for m in 0 1 2 3 4 5 6 7 8 9; do sleep 0.02; done; done; sleep 5")
	waitFor(l.t, "the shell", func() bool { return len(voluntarySwitches(sleeper.Process.Pid)) == 1 })
	if m := l.measure(sleeper, 3*time.Second); m.wakes*3 < 45 || m.wakes*3 > 110 {
		l.t.Fatalf("of 50 sleeps the meter counts %.0f", m.wakes*3)
	}
	sleeper.end()
}
