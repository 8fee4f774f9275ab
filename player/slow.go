package player

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"
)

// Slow commands read files, compile, or load sound. They are carried out one after another in the order in which they
// were submitted, each in a goroutine of its own and without the lock, and take effect by commit at their end. One that
// is interrupted before (see interruptedBy) is answered at once, makes way for the next, and has no effect, whenever its
// goroutine notices. So neither a stop nor the newest start waits for anything.

// maxSlowCommands is how many slow commands may be in hand, those included whose goroutine has not noticed yet that they
// were interrupted.
const maxSlowCommands = 16

// How long a slow command may take. The longest routine, fitted to a length, takes a Raspberry Pi less than the first;
// a change that takes longer than the second is none that its listener still waits for.
const (
	startTimeout  = time.Minute
	changeTimeout = 10 * time.Second
)

var (
	errTooMany = errors.New("too many commands at once: send it again in a moment")
	errTooSlow = errors.New("it took too long and was given up: this machine is too busy, or the routine too large for it")
	errEnding  = errors.New("guided is ending")
)

// slowCommand is a slow command in hand. The player's lock guards its fields.
type slowCommand struct {
	verb        verb
	command     Command
	ctx         context.Context // ends when the command is interrupted, with the reason as its cause
	interrupt   context.CancelCauseFunc
	answers     []answer // of this command, and of the same start given again; nil once called
	note        string   // for its answer
	began       bool     // its goroutine runs
	committed   bool     // it takes effect and cannot be interrupted any more
	paused      bool     // start: a pause came after it
	otherVolume bool     // start: a volume came after it
}

// answer is called with what became of a command: whether something changed, what there is to say about it, and why it was
// refused.
type answer func(changed bool, note string, err error)

// slowCommands are the slow commands in hand.
type slowCommands struct {
	queue  []*slowCommand // those that were not answered, in their order; the first one runs
	inHand int            // and those that were interrupted and have not returned
	ended  bool           // no more are taken
}

// isStart reports whether a verb, where it is slow, starts a session.
func (v verb) isStart() bool { return v.name == "start" || v.name == "toggle" || v.name == "resume" }

// interruptedBy reports whether a later command makes this one pointless.
func (w *slowCommand) interruptedBy(c Command) bool {
	switch w.verb.name {
	case "start", "toggle", "resume":
		return c.Verb == "stop" || c.Verb == "start"
	case "select":
		return c.Verb == "start" && c.Routine != "" // that is selected then
	case "next", "back", "repeat", "unduck":
		return c.Verb == "stop" || c.Verb == "start" || c.Verb == "pause" || c.Verb == "toggle"
	}
	return c.Verb == "stop" || c.Verb == "start" // extend, slower, faster
}

// sameStart reports whether a start asks for the same in the same words.
func (w *slowCommand) sameStart(c Command) bool {
	a, b := w.command, c
	return (a.Verb == "resume") == (b.Verb == "resume") && a.Routine == b.Routine && a.unattended == b.unattended && reflect.DeepEqual(a.Parameters, b.Parameters) && reflect.DeepEqual(a.Volume, b.Volume) && slices.Equal(a.words, b.words)
}

// enqueue gives a slow command its place in the order. answer is called without the lock. The same start as the one in
// hand shares its answer.
func (p *Player) enqueue(v verb, c Command, answer answer) {
	if err := p.tryEnqueue(v, c, answer); err != nil {
		answer(false, "", err)
	}
}

// tryEnqueue is enqueue, and returns why the command is refused instead of answering that.
func (p *Player) tryEnqueue(v verb, c Command, answered answer) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.unattended && (p.current() != nil || p.startInHand() != nil) {
		return ErrBusy
	}
	if w := p.startInHand(); w != nil && v.isStart() && w.sameStart(c) && len(w.answers) < maxSlowCommands {
		w.paused = false
		w.answers = append(w.answers, func(_ bool, note string, err error) { answered(false, note, err) })
		return nil
	}
	if v.isStart() {
		p.interruptSlow(Command{Verb: "start", Routine: c.Routine})
	}
	switch {
	case p.slow.ended:
		return errEnding
	case p.slow.inHand >= maxSlowCommands:
		return errTooMany
	}
	w := &slowCommand{verb: v, command: c, answers: []answer{answered}}
	w.ctx, w.interrupt = context.WithCancelCause(context.Background())
	p.slow.queue = append(p.slow.queue, w)
	p.slow.inHand++
	p.background.Add(1) // until it is answered
	context.AfterFunc(w.ctx, func() { p.endInterrupted(w) })
	p.runSlow()
	return nil
}

// runSlow lets the first command run. The caller holds the lock.
func (p *Player) runSlow() {
	if len(p.slow.queue) == 0 || p.slow.queue[0].began {
		return
	}
	w := p.slow.queue[0]
	w.began = true
	limit := changeTimeout
	if w.verb.isStart() || w.verb.name == "select" {
		limit = startTimeout
	}
	p.background.Go(func() {
		timeout := time.AfterFunc(limit, func() { w.interrupt(errTooSlow) })
		defer timeout.Stop()
		changed, err := w.verb.slow(p, w.command, w)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.slow.inHand--
		if cause := context.Cause(w.ctx); cause != nil && !w.committed {
			err = cause
		}
		p.answerSlow(w, changed, err)
	})
}

// endInterrupted answers a command that was interrupted before it took effect.
func (p *Player) endInterrupted(w *slowCommand) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w.committed {
		return // it is answered when it returns
	}
	if !w.began {
		p.slow.inHand--
		w.began = true
	}
	p.answerSlow(w, false, context.Cause(w.ctx))
}

// answerSlow answers a command once, and lets the next one run. The caller holds the lock, which is released meanwhile.
func (p *Player) answerSlow(w *slowCommand, changed bool, err error) {
	answers := w.answers
	if answers == nil {
		return
	}
	note := w.note
	w.answers = nil
	p.slow.queue = slices.DeleteFunc(p.slow.queue, func(o *slowCommand) bool { return o == w })
	p.runSlow()
	p.mu.Unlock()
	for _, answer := range answers {
		answer(changed, note, err)
	}
	w.interrupt(nil) // it releases the context
	p.background.Done()
	p.mu.Lock()
}

// commit lets a command take effect, unless it was interrupted. The caller holds the lock until it has taken effect.
func (w *slowCommand) commit() error {
	if err := context.Cause(w.ctx); err != nil {
		return err
	}
	w.committed = true
	return nil
}

// interruptSlow interrupts the commands that a later one makes pointless, and reports whether there were any. The caller
// holds the lock.
func (p *Player) interruptSlow(by Command) bool {
	found := false
	for _, w := range p.slow.queue {
		if !w.committed && w.ctx.Err() == nil && w.interruptedBy(by) {
			w.interrupt(fmt.Errorf("overtaken by %s", by.Verb))
			found = true
		}
	}
	return found
}

// endSlow interrupts all slow commands and refuses later ones. The caller holds the lock.
func (p *Player) endSlow() {
	p.slow.ended = true
	for _, w := range p.slow.queue {
		w.interrupt(errEnding)
	}
}

// startInHand is the start that has not taken effect yet, nil for none. The caller holds the lock.
func (p *Player) startInHand() *slowCommand {
	for _, w := range slices.Backward(p.slow.queue) {
		if w.verb.isStart() && !w.committed && w.ctx.Err() == nil {
			return w
		}
	}
	return nil
}
