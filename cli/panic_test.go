package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gopxl/beep/v2"

	"guided/audio"
	"guided/mqtt"
)

// panicWhere is the variable that makes this test program a daemon which panics somewhere.
const panicWhere = "GUIDED_TEST_PANIC"

func TestMain(m *testing.M) {
	if where := os.Getenv(panicWhere); where != "" {
		fmt.Fprintln(os.Stderr, "the daemon ended: ", serveWithPanic(where))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// brokenOutput is an output with a mistake in it.
type brokenOutput struct{ where string }

func (o brokenOutput) Play(ctx context.Context, src beep.Streamer, heard func(int) int) error {
	samples := make([][2]float64, 480)
	src.Stream(samples)
	switch o.where {
	case "device":
		panic("a mistake in the device")
	case "goroutine":
		go func() { panic("a mistake in its goroutine") }()
	case "index":
		heard(480)
		_ = samples[len(samples)+len(o.where)-5]
	}
	<-ctx.Done()
	return ctx.Err()
}

// serveWithPanic runs the daemon on a broker inside this process, and starts a routine.
func serveWithPanic(where string) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	p := &process{ctx: context.Background(), stdout: os.Stdout, stderr: os.Stderr, config: os.Getenv(panicWhere + "_CONFIG")}
	c, err := p.settings()
	if err != nil {
		return err
	}
	broker, err := mqtt.StartBroker("127.0.0.1:0", log)
	if err != nil {
		return err
	}
	defer broker.Close()
	c.MQTT.Broker = broker.Address()
	ctx, cancel := context.WithTimeout(p.ctx, time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, c, nil, nil, audio.Output(brokenOutput{where}), log, func() {}) }()
	for ctx.Err() == nil {
		try, stop := context.WithTimeout(ctx, 2*time.Second) // one that is sent before the daemon is connected is lost
		r, err := mqtt.Send(try, c.MQTTOptions(nil), "start 4-4-6")
		stop()
		if err == nil && r.Status == "ok" {
			break
		}
		log.Info("not started yet", "err", err, "response", r.Error)
	}
	return errors.Join(<-ended, ctx.Err())
}

// A mistake anywhere on the way of the sound ends the process with its trace, so that systemd starts it again: a daemon
// that lives on without sound would be the worst of all.
func TestPanicEndsTheDaemonWithItsTrace(t *testing.T) {
	isolate(t)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	writeText(t, "guided.toml", "[audio]\noutput = \"null\"\n[voice]\nengine = \"none\"\n[web]\nlisten = \"\"\n", 0o600)
	for where, says := range map[string]string{"device": "a mistake in the device", "goroutine": "a mistake in its goroutine", "index": "index out of range"} {
		t.Run(where, func(t *testing.T) {
			cmd := exec.Command(program)
			cmd.Env = append(os.Environ(), panicWhere+"="+where, panicWhere+"_CONFIG=guided.toml")
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Run(); errors.Is(err, syscall.ENOEXEC) {
				t.Skip("this program runs under an emulator, which the system does not know")
			} else if err == nil {
				t.Errorf("it ends with 0:\n%s", &stderr)
			}
			for _, want := range []string{says, "panic", "goroutine ", "panic_test.go"} {
				if !strings.Contains(stderr.String(), want) {
					t.Errorf("%q is missing in:\n%s", want, &stderr)
				}
			}
		})
	}
}
