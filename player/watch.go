package player

import "context"

// backlog is how many events an observer may fall behind before the oldest are dropped.
const backlog = 100

// Feed is what one observer receives. States and Infos hold the newest value only; Events and Phases keep the newest
// hundred and drop the oldest. The player never waits for an observer. All channels are closed when the context given to
// Watch ends.
type Feed struct {
	States <-chan State
	Infos  <-chan Info
	Events <-chan Event
	Phases <-chan Phase
}

// watcher is the sending side of a Feed.
type watcher struct {
	states chan State
	infos  chan Info
	events chan Event
	phases chan Phase
}

// Watch opens a feed, which begins with the current state and info and ends with ctx.
func (p *Player) Watch(ctx context.Context) Feed {
	w := &watcher{make(chan State, 1), make(chan Info, 1), make(chan Event, backlog), make(chan Phase, backlog)}
	p.mu.Lock()
	p.watchers[w] = true
	sendLatest(w.states, p.state())
	sendLatest(w.infos, p.info)
	p.mu.Unlock()
	context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.watchers, w)
		close(w.states)
		close(w.infos)
		close(w.events)
		close(w.phases)
	})
	return Feed{w.states, w.infos, w.events, w.phases}
}

// sendLatest never blocks: a full channel loses its oldest value. The player's lock makes the caller the only sender.
func sendLatest[T any](c chan T, v T) {
	for {
		select {
		case c <- v:
			return
		default:
		}
		select {
		case <-c:
		default:
		}
	}
}

// publishState sends the state to every observer. The caller holds the lock, as in the functions below.
func (p *Player) publishState() {
	s := p.state()
	for w := range p.watchers {
		sendLatest(w.states, s)
	}
}

// publishEvent sends an event to every observer.
func (p *Player) publishEvent(e Event) {
	for w := range p.watchers {
		sendLatest(w.events, e)
	}
}

// publishPhase sends a phase to every observer.
func (p *Player) publishPhase(ph Phase) {
	for w := range p.watchers {
		sendLatest(w.phases, ph)
	}
}

// publishInfo sends the info to every observer.
func (p *Player) publishInfo() {
	for w := range p.watchers {
		sendLatest(w.infos, p.info)
	}
}
