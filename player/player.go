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
	"guided/routines"
)

// Config is what a player is made of.
type Config struct {
	Library      routines.Library
	Bank         *audio.Bank
	Output       audio.Output
	Outputs      []string // what observers are told of the outputs
	Volume       int      // 0 to 100
	Version      string
	PhaseLead    time.Duration // how long before its sound a phase is announced
	ClockTrusted func() bool   // whether the wall clock may be believed
	Log          *slog.Logger
}

// Player is the transport. Make it with New, and call Run.
type Player struct {
	cfg    Config
	wake   chan struct{} // there is something for Run to look at
	rescan chan struct{} // the library has changed
	done   answered      // what was carried out, by transaction; used by Do alone

	doing sync.Mutex // one command at a time, in their order; no sound waits for it

	mu       sync.Mutex
	session  *session // what is playing or paused, nil when idle
	paused   bool
	next     *request // what is to be started when the running session's sound has left
	loading  *request // what is being prepared
	selected string
	volume   int
	trouble  string // why there is no sound, or why the last start failed
	started  time.Time
	watchers map[*watcher]bool
	info     Info
}

// request is one start, checked.
type request struct {
	routine *routines.Routine
	length  time.Duration
	volume  *int
}

func (r request) same(o request) bool {
	return r.routine.Name == o.routine.Name && r.length == o.length
}

// New makes a player that is idle.
func New(cfg Config) *Player {
	p := &Player{
		cfg: cfg, wake: make(chan struct{}, 1), rescan: make(chan struct{}, 1), volume: cfg.Volume,
		watchers: map[*watcher]bool{}, done: newAnswered(),
		info: Info{Version: cfg.Version, Outputs: cfg.Outputs, Routines: []RoutineInfo{}, Verbs: verbNames()},
	}
	return p
}

// The waits between attempts to open a device that is away.
const (
	firstRetry = 500 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// lastWord is how long a device may take to play out when the program ends.
const lastWord = 2 * time.Second

// Run plays what is asked for until ctx ends; then the sound leaves in a fade, and Run returns.
func (p *Player) Run(ctx context.Context) {
	var librarian sync.WaitGroup
	librarian.Go(func() { p.keepLibrary(ctx) })
	defer librarian.Wait()
	// A device is not cut off when ctx ends: the session fades out first. Only one that hangs is given up.
	hard, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		p.silence()
		time.AfterFunc(lastWord, cancel)
	})
	defer stop()
	retry := firstRetry
	for {
		s, req := p.turn()
		switch {
		case ctx.Err() != nil:
			return
		case req != nil:
			p.prepare(ctx, *req)
			retry = firstRetry
		case s != nil:
			began := time.Now()
			if p.play(hard, s) {
				retry = firstRetry
				continue
			}
			if time.Since(began) > 2*lastRetry {
				retry = firstRetry
			}
			p.wait(ctx, retry)
			retry = min(2*retry, lastRetry)
		default:
			p.wait(ctx, 0)
		}
	}
}

// turn tells what there is to do: a request comes before the session that it replaces.
func (p *Player) turn() (*session, *request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next != nil {
		p.loading, p.next = p.next, nil
		p.end()
		return nil, p.loading
	}
	if p.session != nil && !p.paused {
		return p.session, nil
	}
	return nil, nil
}

// wait ends when there is something to do, or after a time that is not zero.
func (p *Player) wait(ctx context.Context, most time.Duration) {
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

func (p *Player) look() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// silence lets the sound leave when the program ends.
func (p *Player) silence() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.session != nil {
		p.session.leave(finish, 0)
	}
	p.look()
}

// prepare makes a session of a request: everything that takes time happens before its first sample.
func (p *Player) prepare(ctx context.Context, r request) {
	p.mu.Lock()
	p.trouble = ""
	p.changed()
	p.mu.Unlock()
	s, err := p.compile(ctx, r)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.loading == nil { // stopped meanwhile
		return
	}
	p.loading = nil
	if err != nil {
		if ctx.Err() == nil {
			p.cfg.Log.Error("a routine cannot be played", "routine", r.routine.Name, "err", err)
			p.fail(r, err)
		}
		return
	}
	p.session, p.paused, p.started = s, false, time.Time{}
	p.changed()
}

func (p *Player) compile(ctx context.Context, r request) (*session, error) {
	clips, err := routines.Clips(r.routine, routines.Options{})
	if err != nil {
		return nil, err
	}
	if err := p.cfg.Bank.Prepare(ctx, clips); err != nil {
		p.cfg.Log.Warn("some phrases cannot be spoken; tones sound in their place", "routine", r.routine.Name, "err", err)
	}
	score, err := routines.Compile(r.routine, p.cfg.Bank.Measure, routines.Options{For: r.length})
	if err != nil {
		return nil, err
	}
	sounds, err := p.cfg.Bank.Load(ctx, score)
	if err != nil {
		return nil, err
	}
	return newSession(score, audio.Render(score, sounds), r, gainOf(p.volumeFor(r))), nil
}

func (p *Player) volumeFor(r request) int {
	if r.volume != nil {
		return *r.volume
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.volume
}

// fail tells that a start came to nothing. The caller holds the lock.
func (p *Player) fail(r request, err error) {
	p.trouble = err.Error()
	p.happened(Event{Type: "problem", Routine: r.routine.Name, Title: r.routine.Title, Error: p.trouble, At: now()})
	p.changed()
}

// play lets the output pull a session until its sound has left. It is false when the device failed.
func (p *Player) play(ctx context.Context, s *session) bool {
	p.mu.Lock()
	s.begin()
	p.mu.Unlock()
	err := p.cfg.Output.Play(ctx, puller{p, s}, func(frames int) { p.hear(s, frames) })
	p.mu.Lock()
	defer p.mu.Unlock()
	s.playing = false
	if err != nil {
		return p.lost(s, err)
	}
	switch {
	case s.ended:
		p.tell(s, "routine_finished")
		p.end()
	case s.then == rest:
		if p.paused {
			p.tell(s, "paused")
		}
		p.changed()
	default:
		p.end()
	}
	return true
}

// lost keeps the place where the sound was last heard. A session that was leaving anyway has left. The caller holds
// the lock.
func (p *Player) lost(s *session, err error) bool {
	switch s.then {
	case finish:
		p.end()
		return true
	case rest:
		s.seek(s.score.Return(s.track.at(s.heard)))
		p.tell(s, "paused")
		p.changed()
		return true
	case jump:
		s.seek(s.landAt)
	default:
		s.seek(s.score.Return(s.track.at(s.heard)))
	}
	if text := err.Error(); p.trouble != text {
		p.cfg.Log.Error("no sound; the routine waits for the device", "err", err)
		p.trouble = text
		p.tell(s, "problem")
		p.changed()
	}
	return false
}

// end forgets the session. The caller holds the lock.
func (p *Player) end() {
	s := p.session
	if s == nil {
		return
	}
	p.session, p.paused = nil, false
	if !s.ended {
		p.tell(s, "routine_stopped")
	}
	if p.next == nil && p.loading == nil {
		p.trouble = ""
	}
	p.changed()
}

// now is the wall clock in whole milliseconds, as observers are told it.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// ErrIdle is the error of a command that needs something to play.
var ErrIdle = errors.New("nothing is playing; start a routine first")
