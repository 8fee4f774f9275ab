package player_test

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopxl/beep/v2"

	"guided/audio"
	"guided/audio/mix"
	"guided/audio/voice"
	"guided/player"
	"guided/routines"
)

// Whenever ctx ends, the sound leaves in a fade-out, Run returns, and the last state published is idle.
func TestRunCancelled(t *testing.T) {
	for _, c := range []struct {
		situation string
		before    func(st *harness)
		events    string
	}{
		{"idle", func(st *harness) {}, ""},
		{"start requested", func(st *harness) { st.p.DoPayload([]byte("start mixed")) }, ""},
		{"not pulled yet", func(st *harness) { st.mustDo("start mixed") }, ""},
		{"playing", func(st *harness) { st.mustDo("start mixed"); st.pull(second) }, "routine_stopped"},
		{"in the silence after resume", func(st *harness) {
			st.mustDo("start mixed")
			st.pull(second)
			st.mustDo("pause")
			st.pullAll()
			st.mustDo("resume")
			st.pull(second / 4)
		}, "routine_stopped"},
		{"jumping", func(st *harness) { st.mustDo("start mixed"); st.pull(second); st.mustDo("next"); st.pull(100) }, "routine_stopped"},
		{"pausing", func(st *harness) { st.mustDo("start mixed"); st.pull(second); st.mustDo("pause") }, "routine_stopped"},
		{"paused", func(st *harness) { st.mustDo("start mixed"); st.pull(second); st.mustDo("pause"); st.pullAll() }, "routine_stopped"},
		{"stopping", func(st *harness) { st.mustDo("start mixed"); st.pull(second); st.mustDo("stop") }, "routine_stopped"},
		{"replaced by another start", func(st *harness) { st.mustDo("start mixed"); st.pull(second); st.mustDo("start other") }, "routine_stopped"},
		{"device unavailable", func(st *harness) { st.mustDo("start mixed"); st.pull(second); st.failDevice(errUnplugged) }, "routine_stopped"},
	} {
		t.Run(c.situation, func(t *testing.T) {
			runPlayer(t, setup{depth: audio.Depth}, func(st *harness) {
				c.before(st)
				synctest.Wait()
				st.takeEvents()
				st.stop()
				if c.events == "" {
					st.wantEvents("")
				} else if got := st.takeEvents(); got != c.events && got != "paused, "+c.events {
					t.Errorf("events %s, want %s", got, c.events)
				}
				if s := st.wantState(player.Idle); !reflect.DeepEqual(s, st.states[len(st.states)-1]) && c.events != "" {
					t.Errorf("the last state published is %+v", st.states[len(st.states)-1])
				}
				for _, h := range st.out.plays {
					if n := len(h.samples); n > 0 && !h.failed && (h.heard < n || math.Abs(h.samples[n-1]) > 1e-4) {
						t.Errorf("of %d samples %d were heard, the last is %g", n, h.heard, h.samples[n-1])
					}
				}
				if r := st.p.Do(player.Command{Verb: "status"}); r.Status != "ok" {
					t.Errorf("afterwards: %+v", r)
				}
			})
		})
	}
}

// Run does not wait for a device that hangs.
func TestRunCancelledWithDeviceHanging(t *testing.T) {
	runPlayer(t, setup{}, func(st *harness) {
		st.mustDo("start mixed")
		st.pull(second)
		st.cancelRun()
		time.Sleep(3 * time.Second)
		select {
		case <-st.ended:
		default:
			t.Error("Run waits for the device")
		}
	})
}

// panicVariable is set in the process that is to panic, to where it does.
const panicVariable = "GUIDED_TEST_PANIC"

// panicking is an output and a voice that panic.
type panicking struct{ humVoice }

func (panicking) Play(context.Context, beep.Streamer, func(int) int) error { panic("in the output") }

func (panicking) Speak(context.Context, string) (voice.Recording, error) { panic("in the voice") }

// panicMeasure is a voice whose measuring panics.
type panicMeasure struct{ humVoice }

func (panicMeasure) Measure(string) (routines.Extent, bool) { panic("in a start") }

// A panic ends the process at once with its trace, in whichever goroutine of the player it happens.
func TestRunPanicEndsProcess(t *testing.T) {
	switch os.Getenv(panicVariable) {
	case "in the output":
		runUntilPanic(humVoice{}, "start mixed")
	case "in the voice":
		runUntilPanic(panicking{}, "say "+shortMessage)
	case "in a start":
		runUntilPanic(panicMeasure{}, "start mixed")
	}
	for where, function := range map[string]string{"in the output": "player.(*Player).work(", "in the voice": "panicking.Speak(", "in a start": "player.(*Player).start("} {
		t.Run(where, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			process := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestRunPanicEndsProcess$")
			process.Env = append(os.Environ(), panicVariable+"="+where)
			output, err := process.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 2 {
				t.Fatalf("the process ended with %v:\n%s", err, output)
			}
			if trace := string(output); !strings.Contains(trace, "panic: "+where) || !strings.Contains(trace, function) {
				t.Errorf("not the trace of the panic:\n%s", trace)
			}
		})
	}
}

// runUntilPanic runs a player that panics after a command, and does not return.
func runUntilPanic(v voice.Voice, words string) {
	log := slog.New(slog.DiscardHandler)
	library := routines.Library{routineFiles(map[string]string{"mixed": mixed})}
	p := player.New(player.Config{
		Library: library, Bank: mix.NewBank([]voice.Voice{v}, nil, audio.InFolders(library...), log), Output: panicking{}, Volume: 60, Log: log,
	})
	if where := os.Getenv(panicVariable); where != "in a start" { // the library is measured by Run too
		go p.Run(context.Background())
	}
	defer func() { _ = recover() }() // as a remote might: the start does not panic in its goroutine
	p.DoPayload([]byte(words))
	select {}
}
