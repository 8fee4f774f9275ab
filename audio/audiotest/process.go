package audiotest

import (
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// Eventually polls until a condition holds.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("waited 10 s in vain: %s", what)
}

// NoLeaks fails a test that leaves goroutines or files behind, of those begun after this call.
func NoLeaks(t testing.TB) {
	t.Helper()
	before := goleak.IgnoreCurrent()
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

func Logger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}
