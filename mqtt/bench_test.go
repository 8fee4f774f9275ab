package mqtt

import (
	"testing"
	"time"

	"guided/player"
)

// BenchmarkPublish measures what each kind of news costs us between the player's channel and the connection: its JSON, and its
// way through the outbox.
func BenchmarkPublish(b *testing.B) {
	t := testOptions("").topics()
	now := time.Now()
	state := player.State{
		State: player.Playing, Routine: "4-4-6", Title: "Four, four, six", Step: "Breathe", StepNumber: 2, Steps: 3, NextStep: "Rest",
		StartedAt: &now, StepEndsAt: &now, EndsAt: &now, UpdatedAt: now, Volume: 60,
	}
	drain := func(b *testing.B, o *outbox) {
		m, _, ok := o.next(time.Now())
		if !ok {
			b.Fatal("nothing is to be published")
		}
		o.settle(m, true)
	}
	b.Run("state", func(b *testing.B) {
		b.ReportAllocs()
		o := newOutbox(defaultLimits())
		for b.Loop() {
			state.StepNumber++
			if err := o.setState(t, state); err != nil {
				b.Fatal(err)
			}
			drain(b, o)
		}
	})
	b.Run("state in which only its time is new", func(b *testing.B) {
		b.ReportAllocs()
		o := newOutbox(defaultLimits())
		for b.Loop() {
			state.UpdatedAt = state.UpdatedAt.Add(time.Millisecond)
			if err := o.setState(t, state); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("event", func(b *testing.B) {
		b.ReportAllocs()
		o := newOutbox(defaultLimits())
		for b.Loop() {
			m, err := t.event(player.Event{Type: "step_started", Routine: "4-4-6", Title: "Four, four, six", Step: "Breathe"})
			if err != nil {
				b.Fatal(err)
			}
			o.push(&o.events, m)
			drain(b, o)
		}
	})
	b.Run("phase", func(b *testing.B) {
		b.ReportAllocs()
		o := newOutbox(defaultLimits())
		for b.Loop() {
			m, err := t.phase(player.Phase{Phase: "in", Seconds: 4})
			if err != nil {
				b.Fatal(err)
			}
			o.push(&o.phases, m)
			drain(b, o)
		}
	})
}
