package mqtt

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"guided/player"
)

func text(s string) message { return message{payload: []byte(s)} }

// sayAll takes out what is to be said at a moment after now.
func sayAll(b *outbox, after time.Duration) []string {
	var all []string
	for {
		p, _, ok := b.next(time.Now().Add(after))
		if !ok {
			return all
		}
		b.settle(p, true)
		all = append(all, string(p.payload))
	}
}

func TestWhatIsSaidFirst(t *testing.T) {
	fill := func(b *outbox) {
		b.set(&b.state, text("state"), []byte("s"))
		b.set(&b.info, text("info"), []byte("i"))
		b.push(&b.events, text("event"))
		b.push(&b.phases, text("phase"))
	}
	for situation, c := range map[string]struct {
		prepare func(*outbox)
		after   time.Duration
		want    []string
	}{
		"all at once":                     {func(b *outbox) { fill(b); b.endCommand(text("response")) }, 0, []string{"response", "phase", "event", "info", "state"}},
		"while a command is carried out":  {func(b *outbox) { b.beginCommand(context.Background()); fill(b) }, 0, []string{"phase"}},
		"when it was":                     {func(b *outbox) { b.beginCommand(context.Background()); fill(b); b.endCommand(text("response")) }, 0, []string{"response", "phase", "event", "info", "state"}},
		"while it hangs":                  {func(b *outbox) { b.beginCommand(context.Background()); fill(b) }, 2 * time.Second, []string{"event", "info", "state"}},
		"after two seconds of a flood":    {func(b *outbox) { fill(b); b.endCommand(text("response")) }, 2 * time.Second, []string{"event", "info", "state", "response"}},
		"after a minute without a broker": {func(b *outbox) { fill(b); b.endCommand(text("response")) }, time.Minute, []string{"info", "state"}},
	} {
		t.Run(situation, func(t *testing.T) {
			b := newOutbox(defaultLimits())
			c.prepare(b)
			if got := sayAll(b, c.after); !slices.Equal(got, c.want) {
				t.Errorf("said %q, want %q", got, c.want)
			}
		})
	}
}

func TestTheNewestOfManyAreKept(t *testing.T) {
	b := newOutbox(defaultLimits())
	for i := range 1000 {
		b.push(&b.events, text(fmt.Sprint(i)))
		b.set(&b.state, text(fmt.Sprint("state ", i)), []byte(fmt.Sprint(i)))
	}
	got := sayAll(b, 0)
	if len(got) != 101 || got[0] != "900" || got[99] != "999" || got[100] != "state 999" {
		t.Errorf("said %q", got)
	}
}

func TestWhatTheBrokerDidNotTakeIsSaidAgain(t *testing.T) {
	b := newOutbox(defaultLimits())
	b.push(&b.events, text("1"))
	b.push(&b.events, text("2"))
	b.set(&b.state, text("state"), []byte("a"))
	p, _, _ := b.next(time.Now())
	b.settle(p, false)
	if got := sayAll(b, 0); !slices.Equal(got, []string{"1", "2", "state"}) {
		t.Errorf("said %q", got)
	}
	b.set(&b.state, text("the same state, later"), []byte("a"))
	if got := sayAll(b, 0); got != nil {
		t.Errorf("said %q, though nothing changed", got)
	}
	if all := b.again(&b.state, &b.info); len(all) != 1 || string(all[0].payload) != "the same state, later" {
		t.Errorf("a new broker hears %v", all)
	}
	// It changes while it is on its way: what it has become is said too.
	p, _, _ = b.next(time.Now())
	b.set(&b.state, text("newer"), []byte("b"))
	b.settle(p, true)
	if got := sayAll(b, 0); !slices.Equal(got, []string{"newer"}) {
		t.Errorf("said %q", got)
	}
}

func TestARefusalMakesNoAnswerGoMissing(t *testing.T) {
	b := newOutbox(defaultLimits())
	for i := range 60 {
		b.refuse(text("refused"))
		b.endCommand(text(fmt.Sprint(i)))
	}
	got := slices.DeleteFunc(sayAll(b, 0), func(s string) bool { return s == "refused" })
	if len(got) != 60 {
		t.Errorf("%d of 60 answers are left", len(got))
	}
}

func TestAStateThatDiffersInItsTimeOnlyIsTheSame(t *testing.T) {
	b, at := newOutbox(defaultLimits()), Config{Prefix: "guided", Node: "mat"}.topics()
	for i := range 3 {
		if err := b.setState(at, player.State{Routine: "yoga", UpdatedAt: time.Unix(int64(i), 0)}); err != nil {
			t.Fatal(err)
		}
		if got := sayAll(b, 0); (len(got) == 1) != (i == 0) {
			t.Errorf("time %d: said %q", i, got)
		}
	}
}

func TestRetriesGrowAndEnd(t *testing.T) {
	p := defaultLimits()
	for failures := range 100 {
		wait := p.retry(failures)
		low := min(p.lastRetry, p.firstRetry<<min(failures, 10)) * 4 / 5
		if wait < low || wait > p.lastRetry {
			t.Errorf("after %d failures: %v", failures, wait)
		}
	}
}
