package mqtt

import "time"

// An announcer decides when, during one connection, our discovery announcement and our state are published, so that
// Home Assistant knows the device and has no entity that no longer exists. It has no clock and does no I/O: the
// publisher gives it what happened, and when, and publishes what is due.
type announcer struct {
	stageInterval time.Duration // between the stages of an announcement

	listening bool      // Home Assistant has started during this connection, and has not ended since
	stages    []message // of the announcement, still to be published
	stageAt   time.Time // when the first of them is due
	birthAt   time.Time // when a birth is answered; zero: none waits for an answer
	stateAt   time.Time // when the state is published again, for new entities that missed it; zero: never
}

// A task is what the publisher must publish.
type task int

const (
	dueNothing    task = iota
	dueEverything      // announcement, status, state and info
	dueState           // state and info
	dueStage           // the message of stage
)

// homeAssistant takes the payload of a birth or last will. A birth is answered after the delay.
func (a *announcer) homeAssistant(status string, now time.Time, delay time.Duration) {
	switch status {
	case "online":
		a.listening, a.birthAt = true, now.Add(delay)
	case "offline":
		a.listening, a.birthAt = false, time.Time{}
	}
}

// announce takes the stages of a new announcement, in place of those of an older one. The first is due at once; once
// Home Assistant has made its entities of them, the state must be published again.
func (a *announcer) announce(stages []message, now time.Time) {
	a.stages, a.stageAt = stages, now
	a.stateAt = now.Add(a.stageInterval)
}

// statePublished takes note that the state was published.
func (a *announcer) statePublished() { a.stateAt = time.Time{} }

// stagePublished takes note that the first stage was published. It is complete when that was the last one and a running
// Home Assistant has received them all: it then has none of the removed components.
func (a *announcer) stagePublished(now time.Time) (complete bool) {
	a.stages, a.stageAt = a.stages[1:], now.Add(a.stageInterval)
	return len(a.stages) == 0 && a.listening && a.birthAt.IsZero()
}

// stage is the message that is due with dueStage.
func (a *announcer) stage() message { return a.stages[0] }

// next takes what is due, or says in how long something will be; a wait of zero is for ever.
func (a *announcer) next(now time.Time) (due task, wait time.Duration) {
	isDue := func(at time.Time) bool {
		if at.IsZero() {
			return false
		}
		if now.Before(at) {
			wait = sooner(wait, at.Sub(now))
			return false
		}
		return true
	}
	switch {
	case isDue(a.birthAt):
		a.birthAt = time.Time{}
		return dueEverything, 0
	case isDue(a.stateAt):
		a.stateAt = time.Time{}
		return dueState, 0
	case len(a.stages) > 0 && isDue(a.stageAt):
		return dueStage, 0
	}
	return dueNothing, wait
}

// sooner is the shorter of two waits, of which zero is for ever.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}
