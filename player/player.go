// Package player is the one transport: what is playing, where it stands, and who is told.
//
// A [Player] takes commands from any remote through [Player.Do], plays one session at a time through an audio.Output,
// and tells observers through [Player.Watch]. The output pulls, and so it is the clock: nothing here ticks.
//
// The law of the lock: one mutex guards the session and the state. It is held for arithmetic only, never across a
// file, a device, a broker or a channel that could block; so the audio path never waits for an observer.
package player

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"guided/audio"
	"guided/audio/mix"
	"guided/routines"
)

// Config is what a player is made of.
type Config struct {
	Library      routines.Library
	Bank         *mix.Bank
	Output       audio.Output
	Outputs      []string // what observers are told of the outputs
	Volume       int      // 0 to 100
	Verbosity    routines.Verbosity
	NoHolds      bool        // breaths without holds, unless a start asks for them
	Waits        bool        // whether anybody can say next: a hold until next waits for it
	Quiet        func() bool // whether what starts now is played in the quiet profile; nil: never
	Version      string
	URLs         func(routine string) map[string]string // where a routine is to be had as a file, by its kind; nil: nowhere
	PhaseLead    time.Duration                          // how long before its sound a phase is announced
	ClockTrusted func() bool                            // whether the wall clock may be believed
	Log          *slog.Logger
}

// Player is the transport. Make it with New, and call Run.
type Player struct {
	cfg           Config
	wake          chan struct{}  // there is something for Run to look at
	rescan        chan struct{}  // the library has changed
	messageQueued chan struct{}  // there is something to say
	loaders       sync.WaitGroup // what loads sounds ahead of a session; Run waits for it

	mu              sync.Mutex
	session         *session           // what is playing or paused, nil when idle
	paused          bool               // what is running, or being prepared, is not to sound
	pending         *request           // what is to be started when the running session's sound has left
	preparing       *request           // what is being prepared
	cancelPreparing context.CancelFunc // gives up what is being prepared
	selected        string
	volume          int
	problem         string             // why there is no sound, or why the last start failed
	messages        []message          // to be said
	cancelSynthesis context.CancelFunc // gives up the message that is being made into sound, nil: none
	announcements   []overlay          // made into sound, to be said without a routine
	announcement    *announcement      // being said without a routine
	watchers        map[*watcher]bool
	info            Info
	transactions    transactions
	lastSilencedAt  time.Time // when the newest stop or pause that tells was sent
}

// New makes a player that is idle.
func New(cfg Config) *Player {
	return &Player{
		cfg: cfg, wake: make(chan struct{}, 1), rescan: make(chan struct{}, 1), messageQueued: make(chan struct{}, 1), volume: cfg.Volume,
		watchers: map[*watcher]bool{}, transactions: newTransactions(),
		info: Info{Version: cfg.Version, Outputs: cfg.Outputs, Routines: []RoutineInfo{}, Verbs: verbNames()},
	}
}

// current is the request being played or about to be; one whose session is leaving for good does not count. The
// caller holds the lock.
func (p *Player) current() *request {
	switch {
	case p.pending != nil:
		return p.pending
	case p.preparing != nil:
		return p.preparing
	case p.session != nil && !(p.session.playing && p.session.reason == finish):
		return &p.session.request
	}
	return nil
}

// now is the wall clock in whole milliseconds, as observers are told it.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// ErrIdle is the error of a command that needs something to play.
var ErrIdle = errors.New("nothing is playing; start a routine first")

// The waits between attempts to open a device that is away.
const (
	minRetry = 500 * time.Millisecond
	maxRetry = 30 * time.Second
)

// healthyAfter is how much sound a device must have played to count as well again.
const healthyAfter = 10 * routines.Rate

// drainTimeout is how long a device may take to play out when the program ends.
const drainTimeout = 2 * time.Second

// Run plays what is asked for until ctx ends; then the sound leaves in a fade, and Run returns.
func (p *Player) Run(ctx context.Context) {
	// A device is not cut off when ctx ends: the session fades out first. Only one that hangs is given up.
	hard, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var helpers sync.WaitGroup
	defer helpers.Wait()
	defer p.loaders.Wait()
	defer cancel()
	helpers.Go(func() { p.watchLibrary(ctx) })
	helpers.Go(func() { p.synthesizeMessages(ctx) })
	helpers.Go(func() {
		select {
		case <-hard.Done():
		case <-ctx.Done():
			p.fadeOutAtExit()
			last := time.NewTimer(drainTimeout)
			defer last.Stop()
			select {
			case <-hard.Done():
			case <-last.C:
				cancel()
			}
		}
	})
	retry := minRetry
	for ctx.Err() == nil {
		s, work := p.nextWork(ctx, hard)
		switch {
		case work != nil:
			work()
			retry = minRetry
		case s == nil:
			p.waitForWork(ctx, 0)
		case p.play(s):
			retry = minRetry
		default:
			if s.heard > healthyAfter {
				retry = minRetry
			}
			p.waitForWork(ctx, retry)
			retry = min(2*retry, maxRetry)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropPending()
	p.endSession("routine_stopped")
	p.publishState()
}

// nextWork tells what there is to do: to play a session, or to prepare one. A request comes before the session that it
// replaces. A session is marked as playing in the same breath, so that a command that comes now is not lost.
func (p *Player) nextWork(ctx, hard context.Context) (*session, func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch s := p.session; {
	case ctx.Err() != nil: // checked under the lock: silence comes later, or has been here
	case len(p.announcements) > 0:
		t := p.announcements[0]
		p.announcements = p.announcements[1:]
		return nil, func() { p.playAnnouncement(hard, t) }
	case p.pending != nil:
		p.preparing, p.pending = p.pending, nil
		p.endSession("routine_stopped")
		var preparing context.Context
		preparing, p.cancelPreparing = context.WithCancel(ctx)
		r := *p.preparing
		return nil, func() { p.prepare(preparing, r) }
	case s != nil && !p.paused:
		s.begin(context.WithCancel(hard))
		return s, nil
	}
	return nil, nil
}

// waitForWork ends when there is something to do, or after a time that is not zero.
func (p *Player) waitForWork(ctx context.Context, most time.Duration) {
	var late <-chan time.Time
	if most > 0 {
		t := time.NewTimer(most)
		defer t.Stop()
		late = t.C
	}
	select {
	case <-ctx.Done():
	case <-p.wake:
	case <-late:
	}
}

func (p *Player) wakeRun() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// fadeOutAtExit lets the sound leave when the program ends.
func (p *Player) fadeOutAtExit() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cancelMessages()
	if p.session != nil && p.session.playing {
		p.leaveSession(finish)
	}
}

// play lets the output pull a session until its sound has left, and keeps the place where it comes back. It is false
// when the device failed.
func (p *Player) play(s *session) bool {
	p.loadStart(s)
	err := p.cfg.Output.Play(s.playCtx, source{p, s}, func(frames int) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.advanceHeard(s, frames)
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	s.cancelPlay()
	if err == nil {
		p.advanceHeard(s, s.frames)
	}
	at := s.comeback()
	s.rest(at)
	switch {
	case at == s.score.Len:
		p.endSession("routine_finished")
	case s.reason == finish:
		p.endSession("routine_stopped")
	case s.reason == pause:
		if p.paused {
			p.notifyPaused()
		}
	case s.reason == jump && err == nil: // asked for when the last sound was on its way
	default:
		p.deviceLost(s, err)
		return false
	}
	return true
}

// loadStart loads the sound of the place where a session comes back.
func (p *Player) loadStart(s *session) {
	p.mu.Lock()
	sound, at := s.sound, s.sound.Position()
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(s.playCtx, loadTimeout)
	defer cancel()
	_ = sound.Load(ctx, at) // what takes too long is missed
}

// deviceLost tells once that there is no sound, and why. The caller holds the lock.
func (p *Player) deviceLost(s *session, err error) {
	if err == nil {
		err = errors.New("the output ended before the sound did")
	}
	fresh := p.problem == ""
	p.problem = err.Error()
	if fresh {
		p.cfg.Log.Error("no sound; the routine waits for the device", "err", err)
		s.reported = reportedProblem
		p.emit(s, "problem")
	}
	p.publishState()
}

// endSession forgets the session, if there is one, and tells how it ended. The caller holds the lock.
func (p *Player) endSession(kind string) {
	s := p.session
	if s == nil {
		return
	}
	p.session = nil
	s.endLifetime()
	if p.pending == nil && p.preparing == nil {
		p.paused, p.problem = false, ""
	}
	if s.reported != unreported || kind == "routine_finished" {
		p.emit(s, kind)
	}
	p.publishState()
}
