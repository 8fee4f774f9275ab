package mqtt

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"guided/player"
)

// isUrgent tells whether a verb is carried out beside the queue: the listener means it now, and the player does it in
// microseconds.
func isUrgent(verb string) bool {
	switch verb {
	case "stop", "pause", "duck", "unduck", "volume":
		return true
	}
	return false
}

// silences tells whether a verb ends sound: what would begin sound and waits from before it is then no longer wanted.
func silences(verb string) bool { return verb == "stop" || verb == "pause" }

// beginsSound tells whether a verb may begin sound.
func beginsSound(verb string) bool {
	switch verb {
	case "start", "resume", "toggle", "say":
		return true
	}
	return false
}

// Bounds of the urgent commands that wait. They are carried out within moments, so that only a flood reaches them.
const (
	maxUrgent       = 64  // commands that wait
	maxTransactions = 256 // answers to commands that were carried out as one
)

// An urgentCommand is one or more of the same that wait to be carried out as one.
type urgentCommand struct {
	command
	bare         string   // the same without transaction and time
	transactions []string // of those that are answered with it
	count        int64    // of commands that it stands for
	first, last  int64    // how many commands of the queue came before the first of them, and the last
	mergeable    bool     // another of the same verb may be carried out with it
}

// lanes keep the two workers in order: a command waits for the urgent ones before it; an urgent one waits for those
// before it for limits.orderGrace at most, and overtakes them then.
type lanes struct {
	wake chan struct{} // one token: there may be urgent commands

	mu             sync.Mutex
	changed        chan struct{} // closed and made anew when a command has been carried out
	urgent         []urgentCommand
	urgentReceived int64
	urgentDone     int64
	queued         int64       // commands that came into the queue
	done           int64       // of them, those that were carried out or refused
	silencedUpTo   int64       // commands up to this number that begin sound are overtaken
	silencedBy     string      // by this verb
	overtook       []overtaken // urgent commands that overtook some that are not done yet, the newest of each verb
}

// overtaken is an urgent command that came after the commands up to last and was carried out before them.
type overtaken struct {
	verb, bare string
	last       int64
}

// receiveUrgent never refuses a stop or a pause: those that wait are carried out as one.
func (in *inbox) receiveUrgent(c command, parsed player.Command) {
	l := &in.lanes
	l.mu.Lock()
	l.urgentReceived++
	u := urgentCommand{
		command: c, bare: bare(parsed), transactions: []string{parsed.Transaction}, count: 1, first: l.queued, last: l.queued,
		mergeable: parsed.Verb != "volume" && parsed.SentAt.IsZero(),
	}
	var dropped *urgentCommand
	if end := len(l.urgent) - 1; end >= 0 && l.urgent[end].verb == u.verb && l.urgent[end].mergeable && u.mergeable {
		last := &l.urgent[end]
		last.count++
		last.last = u.last
		if len(last.transactions) < maxTransactions {
			last.transactions = append(last.transactions, parsed.Transaction)
		}
	} else {
		if len(l.urgent) >= maxUrgent {
			dropped = l.dropUrgent()
		}
		l.urgent = append(l.urgent, u)
	}
	l.mu.Unlock()
	signal(l.wake)
	if dropped != nil {
		in.overflow.Add(dropped.count)
		in.outbox.refuse(in.topics.response(errorResponse(dropped.payload, "too many commands at once: a later one took its place")))
	}
}

// bare is an urgent command as words.
func bare(c player.Command) string {
	if c.Verb == "volume" && c.Volume != nil {
		return fmt.Sprintf("volume %d", *c.Volume)
	}
	return c.Verb
}

// dropUrgent makes room: a stop goes last, and only where there is another one. The caller holds the lock.
func (l *lanes) dropUrgent() *urgentCommand {
	oldest := func(is func(verb string) bool) int {
		return slices.IndexFunc(l.urgent, func(u urgentCommand) bool { return is(u.verb) })
	}
	i := oldest(func(verb string) bool { return !silences(verb) })
	if i < 0 {
		i = max(0, oldest(func(verb string) bool { return verb == "pause" }))
	}
	dropped := l.urgent[i]
	l.urgent = slices.Delete(l.urgent, i, i+1)
	l.urgentDone += dropped.count
	return &dropped
}

// runUrgent carries out urgent commands until ctx ends.
func (in *inbox) runUrgent(ctx context.Context) {
	l := &in.lanes
	for {
		select {
		case <-ctx.Done():
			return
		case answer := <-in.checks:
			close(answer)
			continue
		case <-l.wake:
		}
		grace, end := context.WithTimeout(ctx, in.limits.orderGrace)
		for ctx.Err() == nil {
			l.await(grace, func() bool { return len(l.urgent) == 0 || l.done >= l.urgent[0].first })
			if !in.executeUrgent() {
				break
			}
		}
		end()
	}
}

// executeUrgent carries out the first of the urgent commands; false when there is none.
func (in *inbox) executeUrgent() bool {
	u, ok := in.lanes.takeUrgent()
	if !ok {
		return false
	}
	in.outbox.beginUrgent()
	var r player.Response
	if waited := elapsed(u.received, time.Now()); waited > in.limits.maxQueueAge && !silences(u.verb) {
		r = errorResponse(u.payload, fmt.Sprintf("the command waited %.0f s and is too old now; send it again", waited.Seconds()))
	} else {
		r = in.do(u.payload, u.from())
	}
	var answers []message
	for _, t := range u.transactions {
		r.Transaction = t
		answers = append(answers, in.topics.response(r))
	}
	in.outbox.endUrgent(answers)
	in.lanes.finishUrgent(u)
	return true
}

// takeUrgent takes out the first urgent command, and remembers what it overtakes.
func (l *lanes) takeUrgent() (u urgentCommand, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.urgent) == 0 {
		return u, false
	}
	u = l.urgent[0]
	l.urgent = slices.Delete(l.urgent, 0, 1)
	if l.done < u.last {
		if silences(u.verb) {
			l.silencedUpTo, l.silencedBy = u.last, u.verb
		}
		l.overtook = slices.DeleteFunc(l.overtook, func(o overtaken) bool { return o.verb == u.verb })
		l.overtook = append(l.overtook, overtaken{u.verb, u.bare, u.last})
	}
	return u, true
}

func (l *lanes) finishUrgent(u urgentCommand) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.urgentDone += u.count
	l.hasChanged()
}

// awaitUrgent waits until so many urgent commands have been carried out; false when ctx ended.
func (l *lanes) awaitUrgent(ctx context.Context, count int64) bool {
	return l.await(ctx, func() bool { return l.urgentDone >= count })
}

// await waits until is, which is called with the lock held; false when ctx ended.
func (l *lanes) await(ctx context.Context, is func() bool) bool {
	for {
		l.mu.Lock()
		now, changed := is(), l.changed
		l.mu.Unlock()
		if now {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// hasChanged wakes those that wait. The caller holds the lock.
func (l *lanes) hasChanged() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// begin says whether a stop or pause has overtaken a command of the queue that would begin sound, and which.
func (l *lanes) begin(c command) (by string, is bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.silencedBy, beginsSound(c.verb) && c.number <= l.silencedUpTo
}

// end takes note that a command of the queue is done. The urgent ones that overtook it while it was carried out are
// returned, to be carried out once more: it may have undone them.
func (l *lanes) end(c command, carriedOut bool) (again []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done = c.number
	if carriedOut && beginsSound(c.verb) {
		for _, o := range l.overtook {
			if o.last >= c.number {
				again = append(again, o.bare)
			}
		}
	}
	l.overtook = slices.DeleteFunc(l.overtook, func(o overtaken) bool { return o.last <= l.done })
	l.hasChanged()
	return again
}
