package mqtt

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"guided/player"
)

func textMessage(s string) message { return message{payload: []byte(s)} }

// publishAll takes out what is due after now, and settles it as published.
func publishAll(b *outbox, after time.Duration) []string {
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

func TestOutboxOrder(t *testing.T) {
	fill := func(b *outbox) {
		b.set(&b.state, textMessage("state"), []byte("s"))
		b.set(&b.info, textMessage("info"), []byte("i"))
		b.push(&b.events, textMessage("event"))
		b.push(&b.phases, textMessage("phase"))
	}
	for situation, c := range map[string]struct {
		prepare func(*outbox)
		after   time.Duration
		want    []string
	}{
		"all at once":                     {func(b *outbox) { fill(b); b.endCommand(textMessage("response")) }, 0, []string{"response", "phase", "event", "info", "state"}},
		"while a command is executed":     {func(b *outbox) { b.beginCommand(context.Background()); fill(b) }, 0, []string{"phase"}},
		"after the command":               {func(b *outbox) { b.beginCommand(context.Background()); fill(b); b.endCommand(textMessage("response")) }, 0, []string{"response", "phase", "event", "info", "state"}},
		"while a command hangs":           {func(b *outbox) { b.beginCommand(context.Background()); fill(b) }, 2 * time.Second, []string{"event", "info", "state"}},
		"after two seconds of a flood":    {func(b *outbox) { fill(b); b.endCommand(textMessage("response")) }, 2 * time.Second, []string{"event", "info", "state", "response"}},
		"after a minute without a broker": {func(b *outbox) { fill(b); b.endCommand(textMessage("response")) }, time.Minute, []string{"info", "state"}},
	} {
		t.Run(situation, func(t *testing.T) {
			b := newOutbox(defaultLimits())
			c.prepare(b)
			if got := publishAll(b, c.after); !slices.Equal(got, c.want) {
				t.Errorf("published %q, want %q", got, c.want)
			}
		})
	}
}

func TestOutboxKeepsTheNewest(t *testing.T) {
	b := newOutbox(defaultLimits())
	for i := range 1000 {
		b.push(&b.events, textMessage(fmt.Sprint(i)))
		b.set(&b.state, textMessage(fmt.Sprint("state ", i)), []byte(fmt.Sprint(i)))
	}
	got := publishAll(b, 0)
	if len(got) != 101 || got[0] != "900" || got[99] != "999" || got[100] != "state 999" {
		t.Errorf("published %q", got)
	}
}

func TestOutboxRepeatsWhatWasNotPublished(t *testing.T) {
	b := newOutbox(defaultLimits())
	b.push(&b.events, textMessage("1"))
	b.push(&b.events, textMessage("2"))
	b.set(&b.state, textMessage("state"), []byte("a"))
	p, _, _ := b.next(time.Now())
	b.settle(p, false)
	if got := publishAll(b, 0); !slices.Equal(got, []string{"1", "2", "state"}) {
		t.Errorf("published %q", got)
	}
	b.set(&b.state, textMessage("the same state, later"), []byte("a"))
	if got := publishAll(b, 0); got != nil {
		t.Errorf("published %q, though nothing changed", got)
	}
	if all := b.again(&b.state, &b.info); len(all) != 1 || string(all[0].payload) != "the same state, later" {
		t.Errorf("a new connection gets %v", all)
	}
	// A value that changes while it is being published is published again.
	p, _, _ = b.next(time.Now())
	b.set(&b.state, textMessage("newer"), []byte("b"))
	b.settle(p, true)
	if got := publishAll(b, 0); !slices.Equal(got, []string{"newer"}) {
		t.Errorf("published %q", got)
	}
}

// A connection begins with everything, and a command may be carried out by then: what it has caused comes after its response.
func TestOutboxRepeatsNothingBeforeAResponse(t *testing.T) {
	ctx := context.Background()
	for situation, c := range map[string]struct {
		begin func(b *outbox)
		end   func(b *outbox)
	}{
		"a command is carried out":           {func(b *outbox) { b.beginCommand(ctx) }, func(b *outbox) { b.endCommand(textMessage("response")) }},
		"an urgent one is carried out":       {func(b *outbox) { b.beginUrgent() }, func(b *outbox) { b.endUrgent([]message{textMessage("response")}) }},
		"its response waits":                 {func(b *outbox) { b.beginCommand(ctx); b.endCommand(textMessage("response")) }, func(*outbox) {}},
		"the response to an urgent one does": {func(b *outbox) { b.beginUrgent(); b.endUrgent([]message{textMessage("response")}) }, func(*outbox) {}},
	} {
		for _, before := range []string{"never", "with the last connection", "long ago, and not taken"} {
			t.Run(situation+", what it has changed was published "+before, func(t *testing.T) {
				b := newOutbox(defaultLimits())
				switch before {
				case "with the last connection":
					b.set(&b.state, textMessage("old"), []byte("old"))
					publishAll(b, 0)
				case "long ago, and not taken":
					b.state.set(textMessage("old"), []byte("old"), time.Now().Add(-time.Hour))
				}
				c.begin(b)
				b.set(&b.state, textMessage("state"), []byte("new"))
				if all := b.again(&b.state, &b.info, &b.history); len(all) > 0 {
					t.Errorf("%d messages before the response", len(all))
				}
				c.end(b)
				if got := publishAll(b, 0); !slices.Equal(got, []string{"response", "state"}) {
					t.Errorf("published %q", got)
				}
			})
		}
	}
}

func TestOutboxRefusalsDisplaceNoResponse(t *testing.T) {
	b := newOutbox(defaultLimits())
	for i := range 60 {
		b.refuse(textMessage("refused"))
		b.endCommand(textMessage(fmt.Sprint(i)))
	}
	got := slices.DeleteFunc(publishAll(b, 0), func(s string) bool { return s == "refused" })
	if len(got) != 60 {
		t.Errorf("%d of 60 responses are left", len(got))
	}
}

func TestOutboxIgnoresStateThatDiffersInTimeOnly(t *testing.T) {
	b, at := newOutbox(defaultLimits()), Options{Config: Config{Prefix: "guided"}, Node: "mat"}.topics()
	for i := range 3 {
		if err := b.setState(at, player.State{Routine: "yoga", UpdatedAt: time.Unix(int64(i), 0)}); err != nil {
			t.Fatal(err)
		}
		if got := publishAll(b, 0); (len(got) == 1) != (i == 0) {
			t.Errorf("time %d: published %q", i, got)
		}
	}
}
