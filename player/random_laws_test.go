package player_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"guided/player"
	"guided/routines"
)

// lateness sums up how late the machine has been: whoever takes part in an answer may be as late at every turn.
type lateness struct{ total atomic.Int64 }

// watchLateness measures until the test ends how late a timer fires; a few milliseconds are usual.
func watchLateness(t *testing.T) *lateness {
	const tick, usual = 10 * time.Millisecond, 5 * time.Millisecond
	l := &lateness{}
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		for last := time.Now(); ctx.Err() == nil; {
			time.Sleep(tick)
			now := time.Now()
			l.total.Add(int64(max(0, now.Sub(last)-tick-usual)))
			last = now
		}
	})
	t.Cleanup(func() { cancel(); group.Wait() })
	return l
}

// allowance is what a chain of ten turns may have been late, since the machine was late so much in all.
func (l *lateness) allowance(since int64) time.Duration {
	return 10 * time.Duration(l.total.Load()-since)
}

// observe checks that both sides of every step were heard in a session in which nothing was skipped.
func (w *randomWorld) observe(feed player.Feed) {
	sides := map[string][2]int{}
	states, infos, phases := feed.States, feed.Infos, feed.Phases
	for {
		select {
		case e, open := <-feed.Events:
			if !open {
				return
			}
			n := sides[e.Step]
			switch e.Type {
			case "schedule_due":
				close(w.followed)
			case "routine_started":
				clear(sides)
			case "step_started":
				if e.Side == "left" {
					n[0]++
				} else if e.Side == "right" {
					n[1]++
				}
				sides[e.Step] = n
			case "routine_finished":
				for step, n := range sides {
					if n[0] != n[1] && !w.jumped.Load() {
						w.Errorf("seed %d: of %s %d left and %d right sides were heard", w.seed, step, n[0], n[1])
					}
				}
			}
		case s, open := <-states:
			if !open {
				states = nil
			} else if problem := inconsistency(s); problem != "" {
				w.Errorf("seed %d: %s: %+v", w.seed, problem, s)
			}
		case _, open := <-infos:
			if !open {
				infos = nil
			}
		case p, open := <-phases:
			if !open {
				phases = nil
			} else if p.Seconds <= 0 {
				w.Errorf("seed %d: %+v", w.seed, p)
			}
		}
	}
}

// ledger holds what the player told of its sessions, each call under the player's lock, and so in the order of what
// happened. The laws of records:
//
//   - a session has one record at most, and none when nothing of it was heard;
//   - a session of which something was heard has one: told exactly where no silence of a jump, a message or a wait can be
//     all that was heard;
//   - no more is recorded as heard than the output has played;
//   - nothing that starts by itself has replaced a session.
//
// And of starts: whatever was heard was asked for by a command that was carried out, and by no command twice.
type ledger struct {
	out   *randomOutput
	waits bool          // a hold until next waits
	jumps *atomic.Int64 // how many commands there were after which a session may begin in silence

	mu       sync.Mutex
	open     bool     // a session is heard
	from     []string // who started each of the sessions that were heard
	records  int      // of the open session
	played   int      // frames at the end of the session before
	jumped   int64    // jumps then
	problems []string
}

// heardIn is the log message of a session of which the first sound was heard, and endedIn that of one that has ended.
const heardIn, endedIn = "a routine is heard", "a routine has ended"

func (l *ledger) Enabled(context.Context, slog.Level) bool { return true }
func (l *ledger) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *ledger) WithGroup(string) slog.Handler            { return l }

// Handle takes the beginning and the end of a session from the log.
func (l *ledger) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch r.Message {
	case heardIn:
		if l.open {
			l.problem("a session is heard before the one before it has ended")
		}
		l.open = true
		r.Attrs(func(a slog.Attr) bool {
			if a.Key == "from" {
				l.from = append(l.from, a.Value.String())
			}
			return true
		})
	case endedIn:
		undisturbed := l.jumps.Load() == l.jumped && !l.waits
		if l.open && undisturbed && l.records == 0 {
			l.problem("a session that was heard has no record")
		}
		l.open, l.records, l.played, l.jumped = false, 0, l.out.heard(), l.jumps.Load()
	}
	return nil
}

// problem notes that a law is broken.
func (l *ledger) problem(what string, about ...any) {
	l.problems = append(l.problems, fmt.Sprintf("%s: %+v", what, about))
}

// record takes a record, as player.Config.Record.
func (l *ledger) record(r player.Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records++
	switch most := float64(l.out.heard()-l.played) / routines.Rate; {
	case !l.open:
		l.problem("a record of a session that was not heard", "record", r)
	case l.records > 1:
		l.problem("a second record of a session", "record", r)
	case r.Heard < 0 || r.Heard > most:
		l.problem("more is recorded than the output has played", "record", r, "played", most)
	case r.From != l.from[len(l.from)-1]:
		l.problem("the record names another start", "record", r, "started", l.from[len(l.from)-1])
	case strings.Contains(r.Reason, "replaced by") && strings.HasSuffix(r.Reason, " by "+unattendedFrom):
		l.problem("what starts by itself has replaced a session", "record", r)
	case r.Ended.Before(r.Started) || r.Number < 1 || r.Number > r.Steps:
		l.problem("an impossible record", "record", r)
	}
}
