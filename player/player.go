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
	cfg     Config
	wake    chan struct{}  // there is something for Run to look at
	rescan  chan struct{}  // the library has changed
	mail    chan struct{}  // there is something to say
	loaders sync.WaitGroup // what loads sounds ahead of a session; Run waits for it

	mu       sync.Mutex
	session  *session           // what is playing or paused, nil when idle
	paused   bool               // what is running, or being prepared, is not to sound
	next     *request           // what is to be started when the running session's sound has left
	loading  *request           // what is being prepared
	abort    context.CancelFunc // gives up what is being prepared
	selected string
	volume   int
	trouble  string             // why there is no sound, or why the last start failed
	messages []message          // to be said
	mute     context.CancelFunc // gives up the message that is being made into sound, nil: none
	alone    []talk             // made into sound, to be said without a routine
	speech   *speech            // being said without a routine
	watchers map[*watcher]bool
	info     Info
	done     answered
	silenced time.Time // when the newest stop or pause that tells was sent
}

// New makes a player that is idle.
func New(cfg Config) *Player {
	return &Player{
		cfg: cfg, wake: make(chan struct{}, 1), rescan: make(chan struct{}, 1), mail: make(chan struct{}, 1), volume: cfg.Volume,
		watchers: map[*watcher]bool{}, done: newAnswered(),
		info: Info{Version: cfg.Version, Outputs: cfg.Outputs, Routines: []RoutineInfo{}, Verbs: verbNames()},
	}
}

// running is the request being played or about to be; one whose session is leaving for good does not count. The
// caller holds the lock.
func (p *Player) running() *request {
	switch {
	case p.next != nil:
		return p.next
	case p.loading != nil:
		return p.loading
	case p.session != nil && !(p.session.playing && p.session.then == finish):
		return &p.session.asked
	}
	return nil
}

// now is the wall clock in whole milliseconds, as observers are told it.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// ErrIdle is the error of a command that needs something to play.
var ErrIdle = errors.New("nothing is playing; start a routine first")
