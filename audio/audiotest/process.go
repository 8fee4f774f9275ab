package audiotest

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// Eventually polls until a condition holds, and fails the test after 10 s.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("waited 10 s in vain: %s", what)
}

// NoLeaks fails a test that leaves behind goroutines or open files which were not there at this call.
func NoLeaks(t testing.TB) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	if r, w, err := os.Pipe(); err == nil { // the runtime opens files of its own with the first one that it can poll
		r.Close()
		w.Close()
	}
	files := openFiles(t)
	t.Cleanup(func() {
		goleak.VerifyNone(t, before)
		Eventually(t, fmt.Sprintf("no more than %d files are open", files), func() bool { return openFiles(t) <= files })
	})
}

func openFiles(t testing.TB) int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("this system does not list open files")
	}
	return len(list)
}

// Logger returns a logger to the test's output.
func Logger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

// RequireProgram skips a test where a program is not installed; in CI it fails, which installs them all.
func RequireProgram(t testing.TB, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%v; CI installs it", err)
		}
		t.Skip(err)
	}
}

// RunProgram runs a program over input, and fails the test where the program fails.
func RunProgram(t testing.TB, input []byte, name string, args ...string) (stdout, stderr []byte) {
	t.Helper()
	cmd := exec.Command(name, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, errs.Bytes())
	}
	return out.Bytes(), errs.Bytes()
}

// ReadFile reads a file, and fails the test where that fails.
func ReadFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
