package mqtt

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"guided/player"
)

// A daemon is Run with a function that records commands in place of the player.
type daemon struct {
	t       *testing.T
	options Options
	states  chan player.State
	infos   chan player.Info
	events  chan player.Event
	phases  chan player.Phase
	cancel  context.CancelFunc
	ended   chan error
	log     *logRecorder

	mu       sync.Mutex
	commands []string
	hook     func(payload string) // called with each command while it is executed
}

func testOptions(broker string) Options {
	return Options{Config: Config{Broker: broker, Prefix: "guided"}, Node: "mat", ID: "t" + fmt.Sprint(time.Now().UnixNano())}
}

func startDaemon(t *testing.T, options Options, p limits) *daemon {
	t.Helper()
	return startDaemonWith(t, options, p, nil)
}

// startDaemonWith executes commands with do; nil only records them.
func startDaemonWith(t *testing.T, options Options, p limits, do func(payload []byte, from string) player.Response) *daemon {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	d := &daemon{
		t:       t,
		options: options,
		states:  make(chan player.State),
		infos:   make(chan player.Info),
		events:  make(chan player.Event),
		phases:  make(chan player.Phase),
		cancel:  cancel,
		ended:   make(chan error, 1),
		log:     &logRecorder{},
	}
	feed := player.Feed{States: d.states, Infos: d.infos, Events: d.events, Phases: d.phases}
	if do == nil {
		do = d.execute
	}
	go func() { d.ended <- run(ctx, options, p, do, feed, slog.New(d.log)) }()
	t.Cleanup(d.stop)
	return d
}

func (d *daemon) execute(payload []byte, _ string) player.Response {
	d.mu.Lock()
	d.commands = append(d.commands, string(payload))
	next := d.hook
	d.mu.Unlock()
	if next != nil {
		next(string(payload))
	}
	verb, transaction := verbAndTransaction(payload)
	return player.Response{Status: "ok", Command: verb, Transaction: transaction}
}

func (d *daemon) onCommand(f func(payload string)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hook = f
}

func (d *daemon) executed() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.commands...)
}

// stop ends Run and checks that it takes less than two seconds, in whatever state the broker is.
func (d *daemon) stop() {
	d.t.Helper()
	d.cancel()
	began := time.Now()
	select {
	case err := <-d.ended:
		if err != nil {
			d.t.Errorf("Run: %v", err)
		}
		d.ended <- err
		if took := time.Since(began); took > 2*time.Second {
			d.t.Errorf("Run took %v to end", took)
		}
	case <-time.After(20 * time.Second):
		d.t.Fatal("Run does not end")
	}
}

// A logRecorder records what is logged above debug.
type logRecorder struct {
	mu    sync.Mutex
	lines []string
}

func (l *logRecorder) Enabled(_ context.Context, level slog.Level) bool {
	return level > slog.LevelDebug
}
func (l *logRecorder) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l *logRecorder) WithGroup(string) slog.Handler      { return l }

func (l *logRecorder) Handle(_ context.Context, r slog.Record) error {
	line := r.Message
	r.Attrs(func(a slog.Attr) bool { line += " " + a.String(); return true })
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	return nil
}

func (l *logRecorder) with(part string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var some []string
	for _, line := range l.lines {
		if strings.Contains(line, part) {
			some = append(some, line)
		}
	}
	return some
}

// eventually polls for a condition that no channel signals.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if cond() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}
