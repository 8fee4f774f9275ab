package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// controlGroup is a control group (cgroups(7)), as systemd makes one for the limits of a service.
type controlGroup struct{ dir string }

// newMemoryGroup is a group with a limit of memory in bytes, as MemoryMax= sets it.
func newMemoryGroup(t *testing.T, limit int64) controlGroup {
	t.Helper()
	g, version := newControlGroup(t, "memory")
	file := map[int]string{1: "memory.limit_in_bytes", 2: "memory.max"}[version]
	g.set(t, file, strconv.FormatInt(limit, 10))
	return g
}

// newControlGroup makes a group of a controller below that of this process, and tells whether it is of version 1 or 2. Where
// none can be made the test is skipped, and says so loudly.
func newControlGroup(t *testing.T, controller string) (g controlGroup, version int) {
	t.Helper()
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Skip("NOT TESTED, there are no control groups: ", err)
	}
	var parent string
	for line := range strings.Lines(string(own)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(parts) != 3:
		case slices.Contains(strings.Split(parts[1], ","), controller):
			parent, version = "/sys/fs/cgroup/"+controller+parts[2], 1
		case parts[1] == "" && parent == "":
			parent, version = "/sys/fs/cgroup"+parts[2], 2
		}
	}
	g = controlGroup{filepath.Join(parent, fmt.Sprintf("guided-test-%d", os.Getpid()))}
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		t.Skip("NOT TESTED, no control group can be made: ", err)
	}
	t.Cleanup(func() {
		waitFor(t, "the control group to be empty", func() bool { return os.Remove(g.dir) == nil })
	})
	return g, version
}

// set writes a file of the group. Where it cannot be written the test is skipped, and says so loudly.
func (g controlGroup) set(t *testing.T, file, value string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(g.dir, file), []byte(value), 0o644); err != nil {
		t.Skip("NOT TESTED, the limit of a control group cannot be set: ", err)
	}
}

// command runs a program in the group.
func (g controlGroup) command(program string, args ...string) *exec.Cmd {
	const enter = `echo $$ > "$0/cgroup.procs" && exec "$@"`
	return exec.Command("sh", append([]string{"-c", enter, g.dir, program}, args...)...)
}

// peakMemory is the largest resident memory of a process since resetPeak, in bytes; 0 after its end.
func peakMemory(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, is := strings.CutPrefix(line, "VmHWM:"); is {
			kilobytes, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64) // 0 fails the test
			return kilobytes << 10
		}
	}
	return 0
}

func resetPeak(t *testing.T, pid int) {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0o200); err != nil {
		t.Fatal(err)
	}
}

// buildProgram builds guided without cgo, as it is packaged, and returns its file. It must be called before the test
// changes the home folder, in which Go has its cache.
func buildProgram(t testing.TB) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "guided")
	cmd := exec.Command("go", "build", "-o", program, "..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// startProcess starts a command and returns its log and a channel that is closed at its end. The command is killed at the
// end of the test.
func startProcess(t testing.TB, cmd *exec.Cmd) (log *syncBuffer, ended chan struct{}) {
	t.Helper()
	log, ended = &syncBuffer{}, make(chan struct{})
	cmd.Stdout, cmd.Stderr = log, log
	cmd.WaitDelay = time.Second // where a child of its own keeps the pipe
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = cmd.Wait(); close(ended) }() // its state says how it ended
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	return log, ended
}
