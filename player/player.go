// Package player is the transport: it starts, pauses, skips and stops routines, knows the position that is being heard,
// and publishes it to observers.
//
// A [Player] takes commands from any remote through [Player.Do], plays one session at a time through an audio.Output,
// and publishes through [Player.Watch]. The output pulls, and so it is the clock: nothing here ticks.
//
// Locking: one mutex guards the session and the state. It is held for arithmetic only, never across a file, a device, a
// network connection or a channel operation that could block; so the audio path never waits for an observer.
//
// To follow a start, read [Player.Submit] in command.go, slow.go, start in start.go, [Player.Run] below, and the session that the
// output pulls in stream.go. How a sound leaves and comes back, for pause and all other interruptions, is transition.go.
package player

import (
	"cmp"
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
	Outputs      []string      // the names of the outputs, for observers
	Volume       int           // 0 to 100
	Defaults                   // of what a start may ask for
	LeadIn       time.Duration // how long a start takes to its first sound, as far as it is known before the first one
	Waits        bool          // whether there is a remote that can say next: a hold until next waits for it
	Voice        string        // the name of the bank's default voice
	Voices       []string      // the names that a start may ask for; nil: every one that the bank opens
	Version      string
	URLs         func(routine string) map[string]string // of a routine's files by their kind; nil: none
	PhaseLead    time.Duration                          // how long before its sound a phase is published
	Now          func() time.Time                       // the wall clock, which may be set at any time; nil: time.Now
	ClockTrusted func() bool                            // whether the wall clock is right
	Record       func(Record)                           // is told what was heard of each session at its end, with the lock held: it must not block, or call the player; nil: nobody is
	Log          *slog.Logger
}

// Player is the transport. Make it with New, and call Run.
type Player struct {
	cfg           Config
	index         *routines.Index // of the library
	wake          chan struct{}   // signals Run that there is work
	rescan        chan struct{}   // signals watchLibrary to read the library again
	messageQueued chan struct{}   // signals synthesizeMessages
	background    sync.WaitGroup  // goroutines that load sound ahead of a session or carry out slow commands

	mu              sync.Mutex
	session         *session           // what is playing or paused, nil when idle
	paused          bool               // the current request is not to sound
	pending         *request           // to be prepared when the sound of the session has left
	preparing       *request           // being prepared
	cancelPreparing context.CancelFunc // of preparing
	selected        string             // the routine that start and toggle begin without a name
	volume          int                // 0 to 100
	delay           time.Duration      // from the last start of an output to its first sound
	problem         string             // why there is no sound, or why the last start failed; empty: none
	messages        []message          // to be synthesized
	cancelSynthesis context.CancelFunc // of the message that is being synthesized or was last, nil: none
	announcements   []overlay          // messages to be spoken without a routine
	announcement    *announcement      // the one being spoken, nil: none
	watchers        map[*watcher]bool
	info            Info
	asked           map[string]bool // the names and titles of info.Routines, as foldName has them; nil: before the first scan
	transactions    transactions
	checks          []chan struct{} // to be closed by what works
	given           []GivenCommand  // the last ones, the newest last
	silenced        []silenced      // the last stops and pauses that said when they were sent
	slow            slowCommands
	offer           *offer // of a lost session, nil: none
	offerEnded      string // why the last one ended, as long as no later session has begun; empty: there was none
	ending          bool   // Run is about to end
	atEnd           *Place // where the session stood then, nil: nowhere
	schedule        Schedule
	scheduler       func(context.Context, Command) (note string, changed bool, err error) // nil: there is no schedule
}

// New makes a player that is idle.
func New(cfg Config) *Player {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Player{
		cfg: cfg, index: routines.NewIndex(cfg.Library), wake: make(chan struct{}, 1), rescan: make(chan struct{}, 1), messageQueued: make(chan struct{}, 1), volume: cfg.Volume, delay: cfg.LeadIn,
		watchers: map[*watcher]bool{}, transactions: newTransactions(),
		info: Info{Version: cfg.Version, Outputs: cfg.Outputs, Routines: []RoutineInfo{}, Verbs: Verbs()},
	}
}

// ErrIdle is the error of a command that needs something to play.
var ErrIdle = errors.New("nothing is playing; start a routine first")

// current is the newest request that is not ending: pending, being prepared, or that of the session; nil for none. The
// caller holds the lock.
func (p *Player) current() *request {
	switch {
	case p.pending != nil:
		return p.pending
	case p.preparing != nil:
		return p.preparing
	case p.session != nil && !(p.session.playing && p.session.transition.reason == finish):
		return &p.session.request
	}
	return nil
}

// playable is the session that a jump or a change can act on. The caller holds the lock.
func (p *Player) playable() (*session, error) {
	switch {
	case p.current() == nil:
		return nil, ErrIdle
	case p.pending != nil || p.preparing != nil:
		return nil, errors.New("the routine is being prepared; wait until it sounds")
	}
	return p.session, nil
}

// now is the wall clock in whole milliseconds, the precision of what is published. Its differences are no durations: the
// clock may have been set between.
func (p *Player) now() time.Time { return p.cfg.Now().UTC().Truncate(time.Millisecond) }

// The backoff between attempts to open a device that is unavailable.
const (
	minRetry = 500 * time.Millisecond
	maxRetry = 30 * time.Second
)

// healthyAfter is how much sound a device must have played for the backoff to begin anew.
const healthyAfter = 10 * routines.Rate

// maxDelay bounds how much of a start's delay counts: a device that was away for minutes is no rule.
const maxDelay = 10 * time.Second

// drainTimeout is how long a device may take to play out when the program ends.
const drainTimeout = 2 * time.Second

// Run plays what is asked for until ctx ends; then the sound leaves in a fade-out, and Run returns. It waits for its
// goroutines only when it returns: a panic must end the process with its trace, and they would not end after one.
func (p *Player) Run(ctx context.Context) {
	// Output.Play gets a context that outlives ctx, so that the session can fade out.
	playing, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var helpers sync.WaitGroup
	helpers.Go(func() { p.watchLibrary(ctx) })
	helpers.Go(func() { p.synthesizeMessages(ctx) })
	helpers.Go(func() { p.fadeOutAtExit(ctx, playing, cancel) })
	p.work(ctx, playing)
	cancel()
	p.background.Wait()
	helpers.Wait()
}

// fadeOutAtExit lets the sound leave when ctx ends. A device that does not play out within drainTimeout is cancelled.
func (p *Player) fadeOutAtExit(ctx, playing context.Context, cancel context.CancelFunc) {
	select {
	case <-playing.Done():
		return
	case <-ctx.Done():
	}
	p.mu.Lock()
	p.noteEnding()
	p.endSlow()
	p.cancelMessages()
	if p.session != nil && p.session.playing {
		p.session.requestLeave(finish)
	}
	p.mu.Unlock()
	timeout := time.NewTimer(drainTimeout)
	defer timeout.Stop()
	select {
	case <-playing.Done():
	case <-timeout.C:
		cancel()
	}
}

// work prepares and plays until ctx ends.
func (p *Player) work(ctx, playing context.Context) {
	retry := minRetry
	for ctx.Err() == nil {
		s, do := p.nextWork(ctx, playing)
		switch {
		case do != nil:
			do()
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
	p.noteEnding()
	p.endSlow()
	p.dropPending()
	p.endSession("routine_stopped")
	p.publishState()
}

// nextWork is a session to play, or something else to do; neither when there is nothing. A pending request comes before
// the session that it replaces, and messages to be spoken alone come last: they do not keep a routine waiting. The session is marked as playing under the same lock, so that no command is lost between.
func (p *Player) nextWork(ctx, playing context.Context) (*session, func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answerChecks()
	switch s := p.session; {
	case ctx.Err() != nil: // checked under the lock, so that fadeOutAtExit sees the session or comes before it
	case p.pending != nil:
		p.preparing, p.pending = p.pending, nil
		p.endSession("routine_stopped")
		var lifetime context.Context
		lifetime, p.cancelPreparing = context.WithCancel(ctx)
		r := *p.preparing
		return nil, func() { p.prepare(lifetime, r) }
	case s != nil && !p.paused:
		for _, o := range p.announcements { // a start or resume came before or during them
			s.overlays = append(s.overlays, overlay{pcm: o.pcm, inGap: true})
		}
		p.announcements = nil
		s.begin(context.WithCancel(playing))
		return s, nil
	case len(p.announcements) > 0:
		o := p.announcements[0]
		p.announcements = p.announcements[1:]
		a := p.newAnnouncement(playing, o)
		return nil, func() { p.playAnnouncement(a) }
	}
	return nil, nil
}

// waitForWork returns when wakeRun is called, or after a timeout that is not zero.
func (p *Player) waitForWork(ctx context.Context, timeout time.Duration) {
	var expired <-chan time.Time
	if timeout > 0 {
		t := time.NewTimer(timeout)
		defer t.Stop()
		expired = t.C
	}
	select {
	case <-ctx.Done():
	case <-p.wake:
	case <-expired:
	}
}

func (p *Player) wakeRun() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// play lets the output pull a session until its sound has left, and keeps the position where it comes back. It is false
// when the device failed.
func (p *Player) play(s *session) bool {
	p.loadStart(s)
	began := time.Now()
	err := p.cfg.Output.Play(s.playCtx, source{p, s}, func(frames int) int {
		p.mu.Lock()
		defer p.mu.Unlock()
		if s.heard == 0 && frames > 0 {
			p.delay = max(0, min(time.Since(began)-routines.Duration(frames), maxDelay))
		}
		p.advanceHeard(s, frames)
		s.nextReport = p.nextReport(s)
		return s.nextReport
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	s.cancelPlay()
	s.heardAt = time.Time{}
	if err == nil {
		p.advanceHeard(s, s.frames)
	}
	at := s.comeback()
	s.rest(at)
	switch reason := s.transition.reason; {
	case at == s.score.Len:
		p.endSession("routine_finished")
	case reason == finish:
		p.endSession("routine_stopped")
	case reason == pause:
		if p.paused {
			p.notifyPaused()
		}
	case reason == jump && err == nil: // asked for after the last frame was pulled
	default:
		p.deviceLost(s, err)
		return false
	}
	return true
}

// loadStart loads the sound of the position where a session begins or comes back, as far as it must be there now.
func (p *Player) loadStart(s *session) {
	p.mu.Lock()
	sound, at := s.sound, s.sound.Position()
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(s.playCtx, loadTimeout)
	defer cancel()
	_ = sound.Begin(ctx, at) // after the timeout it begins without it
}

// deviceLost publishes once that there is no sound, and why. The caller holds the lock.
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

// because is a reason with who is behind it.
func because(what, from string) string {
	if from == "" {
		return what
	}
	return what + " by " + from
}

// endsWithUs is why a session ends that nobody has ended.
const endsWithUs = "guided is ending"

// endsBecause notes why a session ends, and who is behind it. What was asked for first has ended it: what comes while its
// sound leaves has not.
func (s *session) endsBecause(what, from string) {
	s.endReason = cmp.Or(s.endReason, because(what, from))
}

// endSession drops the session, if there is one, and publishes how it ended. The caller holds the lock.
func (p *Player) endSession(event string) {
	s := p.session
	if s == nil {
		return
	}
	p.session = nil
	s.endLifetime()
	if p.pending == nil && p.preparing == nil {
		p.paused, p.problem = false, ""
	}
	why := cmp.Or(s.endReason, endsWithUs)
	switch {
	case s.reported != unreported || event == "routine_finished":
		p.emit(s, event)
		if event == "routine_finished" {
			why = "finished"
		}
		p.record(s, why, event == "routine_finished")
		p.cfg.Log.Info("a routine has ended", "routine", s.score.Name, "reason", why, "from", cmp.Or(s.from, "unknown"))
	case p.atEnd == nil: // the next process does not go on with it
		p.record(s, why, false)
	}
	p.publishState()
}
