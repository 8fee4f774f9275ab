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

	"go.uber.org/goleak"

	"guided/audio"
	"guided/audio/mix"
	"guided/audio/voice"
	"guided/player"
	"guided/routines"
)

// mixed has every kind of step, and is short enough to be played whole.
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

// harness is a player with a fake output and an observer, in virtual time.
type harness struct {
	*testing.T
	p         *player.Player
	out       *fakeOutput
	cancelRun context.CancelFunc
	ended     chan struct{}

	mu     sync.Mutex
	events []player.Event
	states []player.State
	phases []announcedPhase
	infos  []player.Info

	records []player.Record // of the sessions that have ended; read after synctest.Wait
}

// announcedPhase is a phase and when it was published.
type announcedPhase struct {
	player.Phase
	received time.Time
}

// setup is how a harness is made; the zero value has the routines mixed and other, humVoice, and an output without depth.
type setup struct {
	files        fs.FS
	voice        voice.Voice
	engine       voice.Voice // speaks what the voice lacks
	depth        int
	volume       int              // 0: 100
	now          func() time.Time // the wall clock; nil: time.Now
	clockTrusted func() bool
	noObserver   bool         // do not call Watch
	log          slog.Handler // nil: nothing is logged
}

func routineFiles(texts map[string]string) fstest.MapFS {
	files := fstest.MapFS{}
	for name, text := range texts {
		files[name+".toml"] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

// runPlayer runs a player and f. Whenever a method of the harness returns, all other goroutines are blocked.
func runPlayer(t *testing.T, x setup, f func(st *harness)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if x.files == nil {
			x.files = routineFiles(map[string]string{"mixed": mixed, "other": other})
		}
		if x.voice == nil {
			x.voice = humVoice{}
		}
		if v, is := x.voice.(*gatedVoice); is {
			v.gate = make(chan struct{}) // made in this synctest bubble
		}
		if x.volume == 0 {
			x.volume = 100
		}
		if x.clockTrusted == nil {
			x.clockTrusted = func() bool { return true }
		}
		if x.log == nil {
			x.log = slog.DiscardHandler
		}
		library := routines.Library{x.files}
		st := &harness{T: t, out: newFakeOutput(x.depth), ended: make(chan struct{})}
		st.p = player.New(player.Config{
			Library: library, Bank: mix.NewBank(x.voices(), namedVoices, audio.InFolders(library...), slog.New(slog.DiscardHandler)),
			Voice: "hum", Voices: []string{"hum", "anna"},
			Output: st.out, Outputs: []string{"fake"}, Volume: x.volume, Version: "test", PhaseLead: time.Second,
			Record: func(r player.Record) { st.records = append(st.records, r) },
			Now:    x.now, ClockTrusted: x.clockTrusted, Waits: true, Log: slog.New(x.log),
		})
		ctx, cancel := context.WithCancel(t.Context())
		watching, leave := context.WithCancel(context.Background())
		st.cancelRun = cancel
		var observer sync.WaitGroup
		if !x.noObserver {
			feed := st.p.Watch(watching)
			observer.Go(func() { st.collect(feed) })
			synctest.Wait() // the feed holds the newest info only: it is to have the empty one before Run publishes the library
		}
		go func() {
			defer close(st.ended)
			st.p.Run(ctx)
		}()
		defer func() {
			st.stop()
			leave()
			observer.Wait()
			st.out.releaseBuffers()
		}()
		synctest.Wait()
		f(st)
	})
}

func (st *harness) collect(feed player.Feed) {
	for feed.States != nil || feed.Infos != nil || feed.Events != nil || feed.Phases != nil {
		select {
		case s, open := <-feed.States:
			appendReceived(st, &st.states, s, open, &feed.States)
		case i, open := <-feed.Infos:
			appendReceived(st, &st.infos, i, open, &feed.Infos)
		case e, open := <-feed.Events:
			appendReceived(st, &st.events, e, open, &feed.Events)
		case p, open := <-feed.Phases:
			appendReceived(st, &st.phases, announcedPhase{p, time.Now()}, open, &feed.Phases)
		}
	}
}

func appendReceived[T, V any](st *harness, list *[]T, v T, open bool, from *<-chan V) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if !open {
		*from = nil
		return
	}
	*list = append(*list, v)
}

// stop cancels Run and plays on until it has returned.
func (st *harness) stop() {
	st.cancelRun()
	for {
		synctest.Wait()
		select {
		case <-st.ended:
			return
		default:
		}
		if st.out.openPlay() != nil {
			st.out.send(&deviceStep{frames: audio.Block})
		} else {
			time.Sleep(time.Millisecond)
		}
	}
}

// do carries out a command in words and waits until everything is blocked.
func (st *harness) do(words string) player.Response {
	st.Helper()
	r := st.p.DoPayload([]byte(words))
	synctest.Wait()
	return r
}

// mustDo is do for a command that must succeed.
func (st *harness) mustDo(words string) {
	st.Helper()
	if r := st.do(words); r.Status != "ok" {
		st.Fatalf("%s: %s", words, r.Error)
	}
}

// pull lets the device pull so many frames, fewer when it is closed.
func (st *harness) pull(frames int) {
	synctest.Wait()
	for frames > 0 && st.out.openPlay() != nil {
		o := &deviceStep{frames: frames}
		st.out.send(o)
		frames = o.frames
		synctest.Wait()
	}
}

// pullAll lets the device pull until it is closed.
func (st *harness) pullAll() {
	synctest.Wait()
	for h := st.out.openPlay(); h != nil && h == st.out.openPlay(); {
		st.out.send(&deviceStep{frames: audio.Block})
		synctest.Wait()
	}
}

// failDevice makes the device fail.
func (st *harness) failDevice(err error) {
	st.Helper()
	st.out.setUnavailable(err)
	if st.out.openPlay() == nil {
		st.Fatal("the device is closed")
	}
	st.out.send(&deviceStep{err: err})
	synctest.Wait()
}

// takeStatuses is the statuses since the last call, without repetitions.
func (st *harness) takeStatuses() string {
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

// wantEvents checks the events since the last call, in the form of takeEvents.
func (st *harness) wantEvents(want string) {
	st.Helper()
	if got := st.takeEvents(); got != want {
		st.Errorf("events: %s\nwant: %s", got, want)
	}
}

// takeEvents is the types of the events since the last call; step_started is the name and side of the step.
func (st *harness) takeEvents() string {
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

// wantState checks the status and returns the state.
func (st *harness) wantState(want player.Status) player.State {
	st.Helper()
	synctest.Wait()
	s := st.p.State()
	if s.State != want {
		st.Fatalf("state %q, want %q (%+v)", s.State, want, s)
	}
	return s
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
