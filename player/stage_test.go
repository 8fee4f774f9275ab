package player_test

import (
	"context"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"guided/audio"
	"guided/audio/mix"
	"guided/audio/voice"
	"guided/player"
	"guided/routines"
)

// mixed has every kind of step, short enough to be heard whole.
const mixed = `
title = "A bit of all"

[[step]]
name = "Settle"
say  = "Sit tall and let your shoulders drop."

[[step]]
name    = "Breathe"
say     = "Breathe with me."
breathe = "1-0.5-1"
for     = "3 breaths"

[[step]]
name   = "Lean"
say    = "Lean to the {side}."
hold   = "2500ms"
sides  = true
switch = "2s"

[[step]]
name  = "Squat"
say   = "Now squat."
reps  = 3
tempo = "0.5-0-0.5"

[[step]]
name    = "Side breath"
breathe = "1-1"
for     = "2 breaths"
sides   = true
switch  = "1s"

[[step]]
name = "Finish"
say  = "Well done."
`

const other = `
title = "Another one"

[[step]]
name = "Rest"
say  = "Just rest now."

[[step]]
name = "Quiet"
rest = "5s"
`

// stage is a player with an ear, in virtual time.
type stage struct {
	*testing.T
	p     *player.Player
	ear   *ear
	end   context.CancelFunc
	ended chan struct{}

	mu     sync.Mutex
	events []player.Event
	states []player.State
	phases []announced
	infos  []player.Info
}

// announced is a phase and when it was told.
type announced struct {
	player.Phase
	told time.Time
}

// props is what a stage is made with; the zero value gives mixed and other, a hum and a shallow device.
type props struct {
	files   fs.FS
	voice   voice.Voice
	engine  voice.Voice // speaks what the voice lacks
	depth   int
	volume  int // 0: 100
	clock   func() bool
	silence bool // nobody watches
}

func shelf(texts map[string]string) fstest.MapFS {
	files := fstest.MapFS{}
	for name, text := range texts {
		files[name+".toml"] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

// perform runs a player while f plays with it. All goroutines are at rest whenever f is not waiting for one.
func perform(t *testing.T, x props, f func(st *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if x.files == nil {
			x.files = shelf(map[string]string{"mixed": mixed, "other": other})
		}
		if x.voice == nil {
			x.voice = hum{}
		}
		if v, is := x.voice.(*slow); is {
			v.gate = make(chan struct{}) // of this bubble
		}
		if x.volume == 0 {
			x.volume = 100
		}
		if x.clock == nil {
			x.clock = func() bool { return true }
		}
		library := routines.Library{x.files}
		st := &stage{T: t, ear: newEar(x.depth), ended: make(chan struct{})}
		st.p = player.New(player.Config{
			Library: library, Bank: mix.NewBank(x.voices(), nil, library.Open, slog.New(slog.DiscardHandler)),
			Output: st.ear, Outputs: []string{"ear"}, Volume: x.volume, Version: "test", PhaseLead: time.Second,
			ClockTrusted: x.clock, Waits: true, Log: slog.New(slog.DiscardHandler),
		})
		ctx, cancel := context.WithCancel(t.Context())
		watching, leave := context.WithCancel(context.Background())
		st.end = cancel
		var observer sync.WaitGroup
		if !x.silence {
			feed := st.p.Watch(watching)
			observer.Go(func() { st.collect(feed) })
		}
		go func() {
			defer close(st.ended)
			st.p.Run(ctx)
		}()
		defer func() {
			st.stopRun()
			leave()
			observer.Wait()
			st.ear.close()
		}()
		synctest.Wait()
		f(st)
	})
}

func (st *stage) collect(feed player.Feed) {
	for feed.States != nil || feed.Infos != nil || feed.Events != nil || feed.Phases != nil {
		select {
		case s, open := <-feed.States:
			keep(st, &st.states, s, open, &feed.States)
		case i, open := <-feed.Infos:
			keep(st, &st.infos, i, open, &feed.Infos)
		case e, open := <-feed.Events:
			keep(st, &st.events, e, open, &feed.Events)
		case p, open := <-feed.Phases:
			keep(st, &st.phases, announced{p, time.Now()}, open, &feed.Phases)
		}
	}
}

func keep[T, V any](st *stage, list *[]T, v T, open bool, from *<-chan V) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if !open {
		*from = nil
		return
	}
	*list = append(*list, v)
}

// stopRun ends the program and hears it out.
func (st *stage) stopRun() {
	st.end()
	for {
		synctest.Wait()
		select {
		case <-st.ended:
			return
		default:
		}
		if st.ear.open() != nil {
			st.ear.give(&order{frames: audio.Block})
		} else {
			time.Sleep(time.Millisecond)
		}
	}
}

// do carries out a command in words and lets everything come to rest.
func (st *stage) do(words string) player.Response {
	st.Helper()
	r := st.p.Order([]byte(words))
	synctest.Wait()
	return r
}

// ok is do for a command that has to work.
func (st *stage) ok(words string) {
	st.Helper()
	if r := st.do(words); r.Status != "ok" {
		st.Fatalf("%s: %s", words, r.Error)
	}
}

// hear lets the device pull so many frames; less when it is closed.
func (st *stage) hear(frames int) {
	synctest.Wait()
	for frames > 0 && st.ear.open() != nil {
		o := &order{frames: frames}
		st.ear.give(o)
		frames = o.frames
		synctest.Wait()
	}
}

// drain hears until the device is closed.
func (st *stage) drain() {
	synctest.Wait()
	for h := st.ear.open(); h != nil && h == st.ear.open(); {
		st.ear.give(&order{frames: audio.Block})
		synctest.Wait()
	}
}

// lose lets the device fail.
func (st *stage) lose(err error) {
	st.Helper()
	st.ear.unplug(err)
	if st.ear.open() == nil {
		st.Fatal("the device is closed")
	}
	st.ear.give(&order{err: err})
	synctest.Wait()
}

// statuses is the states since the last call, each change once.
func (st *stage) statuses() string {
	synctest.Wait()
	st.mu.Lock()
	defer st.mu.Unlock()
	var list []string
	for _, s := range st.states {
		if len(list) == 0 || list[len(list)-1] != string(s.State) {
			list = append(list, string(s.State))
		}
	}
	st.states = nil
	return strings.Join(list, ", ")
}

// tells demands the events since the last call.
func (st *stage) tells(want string) {
	st.Helper()
	if got := st.told(); got != want {
		st.Errorf("told: %s\nwant: %s", got, want)
	}
}

// told is the types of the events since the last call, with the step where one began.
func (st *stage) told() string {
	synctest.Wait()
	st.mu.Lock()
	defer st.mu.Unlock()
	var list []string
	for _, e := range st.events {
		name := e.Type
		if name == "step_started" {
			name = strings.TrimSpace(e.Step + " " + e.Side)
		}
		list = append(list, name)
	}
	st.events = nil
	return strings.Join(list, ", ")
}

// is demands a state.
func (st *stage) is(want player.Status) player.State {
	st.Helper()
	synctest.Wait()
	s := st.p.State()
	if s.State != want {
		st.Fatalf("state %q, want %q (%+v)", s.State, want, s)
	}
	return s
}
