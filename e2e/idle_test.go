package e2e

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"guided/player"
)

// wakesOf is how often the threads of a process have waited and gone on, all together, since it began: its voluntary context
// switches (proc_pid_status(5)). Unlike times they do not grow with what else the machine does.
func wakesOf(t *testing.T, pid int) (n int) {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil || len(threads) == 0 {
		t.Fatalf("process %d has ended: %v", pid, err)
	}
	for _, file := range threads {
		status, _ := os.ReadFile(file) // a thread may have ended
		_, after, _ := strings.Cut(string(status), "\nvoluntary_ctxt_switches:")
		count, _, _ := strings.Cut(strings.TrimSpace(after), "\n")
		wakes, _ := strconv.Atoi(count)
		n += wakes
	}
	return n
}

// untilAsleep waits until a process has slept for a while, longer than until it gives memory back.
func untilAsleep(t *testing.T, pid int) {
	t.Helper()
	before, since := wakesOf(t, pid), time.Now()
	waitFor(t, "the daemon to sleep", func() bool {
		if now := wakesOf(t, pid); now != before {
			before, since = now, time.Now()
		}
		return time.Since(since) > 3*time.Second
	})
}

// TestIdleDaemonSleeps counts what wakes a daemon that plays nothing: the connection to its broker, its watch of the routines'
// folder, and pages that are open.
func TestIdleDaemonSleeps(t *testing.T) {
	const window = 8 * time.Second
	program := buildProgram(t)
	m := newMachine(t, silentSettings)
	page := m.servePage()
	writeRoutine(t, m, "long", longRoutine)
	seen := m.observe()
	daemon := exec.Command(program, "--config", m.config, "serve")
	startProcess(t, daemon)
	waitFor(t, "the first state", func() bool { return seen.lastState().State == player.Idle })
	waitForListener(t, "the page", "tcp", strings.TrimPrefix(page, "http://"))
	count := func(t *testing.T, most int) {
		t.Helper()
		untilAsleep(t, daemon.Process.Pid)
		before := wakesOf(t, daemon.Process.Pid)
		time.Sleep(window)
		if n := wakesOf(t, daemon.Process.Pid) - before; n > most {
			t.Errorf("%d wakes in %v, and not %d at most", n, window, most)
		} else {
			t.Logf("%d wakes in %v", n, window)
		}
	}
	t.Run("connected", func(t *testing.T) { count(t, 4) })
	t.Run("something writes beside the settings and the folder of routines", func(t *testing.T) {
		neighbour := m.config + ".log"
		writeFile(t, neighbour, "")
		untilAsleep(t, daemon.Process.Pid)
		before := wakesOf(t, daemon.Process.Pid)
		for i := range 1000 {
			if err := os.WriteFile(neighbour, []byte(strconv.Itoa(i)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if n := wakesOf(t, daemon.Process.Pid) - before; n > 20 {
			t.Errorf("%d wakes", n)
		}
	})
	t.Run("20 pages are open", func(t *testing.T) {
		for range 20 {
			answer, err := http.Get(page + "/api/events")
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if line, err := bufio.NewReader(answer.Body).ReadString('\n'); err != nil || !strings.HasPrefix(line, "retry:") {
				t.Fatalf("a page is answered %d: %q, %v", answer.StatusCode, line, err)
			}
		}
		count(t, 120) // one heartbeat of each at most
	})
}
