package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// processSample is what a process is at one moment.
type processSample struct {
	resident, anonymous, written int64 // bytes
	threads, descriptors         int
	wakes                        float64 // a second, since the sample before
	cpu                          time.Duration
}

func (s processSample) String() string {
	return fmt.Sprintf("%5.1f MB resident, %5.1f MB anonymous, %d threads, %d descriptors, %6.1f wakes/s, %v CPU, %d kB written",
		float64(s.resident)/1e6, float64(s.anonymous)/1e6, s.threads, s.descriptors, s.wakes, s.cpu.Round(time.Millisecond), s.written>>10)
}

// processMeter takes samples of a process.
type processMeter struct {
	pid   int
	at    time.Time
	cpu   time.Duration
	wakes map[string]int
}

func newProcessMeter(t *testing.T, pid int) *processMeter {
	return &processMeter{pid: pid, at: time.Now(), cpu: processCPU(t, pid), wakes: voluntarySwitches(pid)}
}

func (m *processMeter) sample(t *testing.T) (s processSample) {
	t.Helper()
	kilobytes := func(key string) int64 { return m.number(t, "status", key) << 10 }
	s.resident, s.anonymous = kilobytes("VmRSS:"), kilobytes("RssAnon:")
	s.threads, s.written = int(m.number(t, "status", "Threads:")), m.number(t, "io", "write_bytes:")
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", m.pid))
	if err != nil {
		t.Fatal(err)
	}
	s.descriptors = len(open)
	now, cpu, wakes, total := time.Now(), processCPU(t, m.pid), voluntarySwitches(m.pid), 0
	for thread, n := range wakes {
		total += n - m.wakes[thread] // 0 for a thread that is new
	}
	s.wakes, s.cpu = float64(total)/now.Sub(m.at).Seconds(), cpu-m.cpu
	m.at, m.cpu, m.wakes = now, cpu, wakes
	return s
}

// number reads one number of a file of /proc/PID.
func (m *processMeter) number(t *testing.T, file, key string) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", m.pid, file))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, is := strings.CutPrefix(line, key); is {
			n, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("%s of process %d has no %s", file, m.pid, key)
	return 0
}

// ofRuntime is what goroutines of Go's runtime wait for.
var ofRuntime = regexp.MustCompile("^(GC |force gc|finalizer wait|cleanup wait|idle)")

// goroutinesAtRest ends a daemon that plays nothing with SIGQUIT, at which Go tells of every goroutine, and counts them.
// startProcess must have started it.
func goroutinesAtRest(t *testing.T, daemon *exec.Cmd) (n int) {
	t.Helper()
	log, is := daemon.Stderr.(*syncBuffer)
	if !is {
		t.Fatal("the daemon has no log")
	}
	untilAsleep(t, daemon.Process.Pid)
	before := len(log.String())
	if err := daemon.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the end of the daemon", func() bool { return daemon.Process.Signal(syscall.Signal(0)) != nil })
	for _, found := range regexp.MustCompile(`(?m)^goroutine \d+ .*\[(.*)\]:$`).FindAllStringSubmatch(log.String()[before:], -1) {
		if !ofRuntime.MatchString(found[1]) {
			n++
		}
	}
	return n
}
