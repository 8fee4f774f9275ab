package web

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// A handler's panic ends the process with its trace; the test runs itself again to see it.
func TestCrashOnPanic(t *testing.T) {
	const variable = "GUIDED_TEST_PANIC"
	if os.Getenv(variable) != "" {
		server := httptest.NewServer(crashOnPanic(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/abort" {
				panic(http.ErrAbortHandler)
			}
			w.WriteHeader(http.StatusOK)
			panicsHere()
		})))
		if _, err := http.Get(server.URL + "/abort"); err == nil {
			t.Log("a cut connection looks like a whole response")
			os.Exit(0)
		}
		_, _ = http.Get(server.URL + "/panic") // the process ends meanwhile
		time.Sleep(time.Minute)
		os.Exit(0)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestCrashOnPanic$")
	cmd.Env = append(os.Environ(), variable+"=1")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), "panic: out of order") || !strings.Contains(string(out), "panicsHere") || !strings.Contains(string(out), "/panic") {
		t.Errorf("%v: %s", err, out)
	}
}

func panicsHere() { panic("out of order") }
