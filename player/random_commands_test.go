package player_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"guided/audio"
	"guided/audio/mix"
	"guided/audio/voice"
	"guided/player"
	"guided/routines"
)

var (
	randomFor  = flag.Duration("random", 6*time.Second, "how long TestPlayerRandomCommands goes on")
	randomSeed = flag.Uint64("randomseed", 1, "where TestPlayerRandomCommands begins; every player has the next seed")
)

// answerLimit is how long a command of a tiny routine may take, in which nothing waits for anything slow for long. What the
// machine itself was late comes on top.
const answerLimit = time.Second

// TestPlayerRandomCommands gives random commands to players of tiny routines, several remotes at once, in real time: on
// an output that is fast, rewinds, fails and hangs, and with a speech engine that is slow and fails, while a schedule
// starts routines and the clock is set. Its laws:
//
//   - every command is answered once and within a second, and carried out once for each transaction;
//   - no player stays in preparing, or keeps a goroutine; what a stop leaves is a fade; both sides of a step are heard;
//   - records and starts are as the ledger says;
//   - a place that was observed is one to go on from, as tryPlace says.
func TestPlayerRandomCommands(t *testing.T) {
	late := watchLateness(t)
	end := time.Now().Add(*randomFor)
	commands, players, seed := 0, 0, *randomSeed
	for ; time.Now().Before(end) && !t.Failed(); seed++ {
		leaks := goleak.IgnoreCurrent()
		w := newRandomWorld(t, seed, late)
		commands += w.play()
		players++
		if err := goleak.Find(leaks); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
	t.Logf("seeds %d to %d: %d commands", *randomSeed, seed-1, commands)
}

// randomWorld is one player and what surrounds it.
type randomWorld struct {
	*testing.T
	seed     uint64
	late     *lateness
	cfg      player.Config
	p        *player.Player
	out      *randomOutput
	engine   *randomEngine
	ledger   *ledger
	names    []string
	answers  sync.WaitGroup
	jumped   atomic.Bool   // since the start: a skip, or what may act like one
	jumps    atomic.Int64  // as in ledger
	given    atomic.Int64  // commands
	ahead    atomic.Int64  // how far the clock of the player is ahead of the machine's, as a time.Duration
	followed chan struct{} // closed when the observer has received schedule_due

	mu       sync.Mutex
	accepted map[string]bool // who gave a command that was carried out
	places   []player.Place  // that were observed
	asked    map[string]bool // the transactions that the schedule was asked for
}

func newRandomWorld(t *testing.T, seed uint64, late *lateness) *randomWorld {
	w := &randomWorld{T: t, seed: seed, late: late, followed: make(chan struct{}), accepted: map[string]bool{}, asked: map[string]bool{}}
	r := rand.New(rand.NewPCG(seed, 1))
	files := map[string]string{"broken": "title = \"Broken\"\n[[step]]\nsay = 5\n", "volume-3": titled("Volume 3")}
	for i := range 4 {
		name := fmt.Sprintf("random-%d", i)
		files[name] = randomRoutine(r, i)
		w.names = append(w.names, name, fmt.Sprintf("Random routine %d", i))
	}
	w.names = append(w.names, "broken", "Volume 3", "nothing", "")
	library := routines.Library{routineFiles(files)}
	log := slog.New(slog.DiscardHandler)
	w.out = &randomOutput{t: t, seed: seed, r: rand.New(rand.NewPCG(seed, 2))}
	w.engine = &randomEngine{sound: seed%3 == 1, r: rand.New(rand.NewPCG(seed, 3))}
	waits := seed%3 != 0
	w.ledger = &ledger{out: w.out, waits: waits, jumps: &w.jumps}
	w.cfg = player.Config{
		Library: library, Bank: mix.NewBank([]voice.Voice{partialVoice{word: "slow", err: voice.ErrNoRecording}, w.engine}, namedVoices, audio.InFolders(library...), log),
		Voice: "hum", Voices: []string{"hum", "anna"}, Output: w.out, Outputs: []string{"random"}, Volume: 100, Version: "test", PhaseLead: 100 * time.Millisecond,
		Now:          func() time.Time { return time.Now().Round(0).Add(time.Duration(w.ahead.Load())) },
		ClockTrusted: func() bool { return seed%2 == 0 }, Waits: waits, Record: w.ledger.record, Log: slog.New(w.ledger),
	}
	w.p = player.New(w.cfg)
	w.p.HandleSchedule(w.schedule)
	return w
}

// give gives a command and checks its answer.
func (w *randomWorld) give(r *rand.Rand) {
	payload := randomCommand(r, w.names)
	for _, word := range []string{"next", "back", "repeat", "extend", "slower", "faster", "duck", "say"} {
		if strings.Contains(payload, word) {
			w.jumped.Store(true)
			w.jumps.Add(1)
		}
	}
	from := fmt.Sprintf("remote %d", w.given.Add(1))
	began, late, count := time.Now(), w.late.total.Load(), new(atomic.Int32)
	w.answers.Add(1)
	answer := func(a player.Response) {
		defer w.answers.Done()
		if a.Status == "ok" {
			w.accept(from)
		}
		if count.Add(1) > 1 {
			w.Errorf("seed %d: %q is answered twice", w.seed, payload)
		}
		if a.Status != "ok" && (a.Status != "error" || a.Error == "") {
			w.Errorf("seed %d: %q: %+v", w.seed, payload, a)
		}
		if took := time.Since(began); took > answerLimit+w.late.allowance(late) {
			w.Errorf("seed %d: %q is answered after %v: %+v", w.seed, payload, took, a)
		}
	}
	c, err := player.Parse([]byte(payload))
	c.From = from
	switch {
	case r.IntN(2) == 0:
		answer(w.p.DoParsed(c, err))
	case err != nil:
		w.p.SubmitPayload([]byte(payload), answer)
	default:
		w.p.Submit(c, answer)
	}
	if problem := inconsistency(w.p.State()); problem != "" {
		w.Errorf("seed %d: after %q: %s: %+v", w.seed, payload, problem, w.p.State())
	}
}

// play gives random commands from three remotes, then stops and ends the player, and returns how many commands it gave.
func (w *randomWorld) play() int {
	ctx, cancel := context.WithCancel(context.Background())
	watching, leave := context.WithCancel(context.Background())
	feed := w.p.Watch(watching)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.p.Run(ctx)
	}()
	var observer, remotes sync.WaitGroup
	observer.Go(func() { w.observe(feed) })
	const each = 60
	for n := range uint64(3) {
		r := rand.New(rand.NewPCG(w.seed, 10+n))
		remotes.Go(func() {
			for range each {
				w.give(r)
				w.disturb(r)
				switch r.IntN(4) {
				case 0:
					time.Sleep(time.Duration(r.IntN(30)) * time.Millisecond)
				case 1:
					time.Sleep(time.Duration(r.IntN(2000)) * time.Microsecond)
				}
				if r.IntN(40) == 0 {
					w.p.Rescan()
				}
			}
		})
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		remotes.Wait()
		w.answers.Wait()
	}()
	select {
	case <-answered:
	case <-time.After(time.Minute):
		w.Fatalf("seed %d: some commands are never answered", w.seed)
	}
	w.settle(rand.New(rand.NewPCG(w.seed, 4)))
	cancel()
	select {
	case <-ended:
	case <-time.After(drainLimit):
		w.Fatalf("seed %d: Run does not end", w.seed)
	}
	if s := w.p.State(); s.State != player.Idle {
		w.Errorf("seed %d: at the end %+v", w.seed, s)
	}
	leave()
	observer.Wait()
	w.checkLedger()
	w.tryPlaces(rand.New(rand.NewPCG(w.seed, 5)))
	return int(w.given.Load())
}

// drainLimit is more than the player lets a device play out.
const drainLimit = 20 * time.Second

// settle lets the player be undisturbed: it leaves preparing, is heard to its end where it plays, and a stop ends it.
func (w *randomWorld) settle(r *rand.Rand) {
	w.out.calm.Store(true)
	w.await("leaves preparing", func(s player.State) bool {
		return s.State != player.Preparing && s.State != player.Problem || s.Routine == ""
	})
	if r.IntN(2) == 0 {
		if a := w.p.DoPayload([]byte("stop")); a.Status != "ok" {
			w.Errorf("seed %d: stop: %+v", w.seed, a)
		}
		w.await("is idle", func(s player.State) bool { return s.State == player.Idle })
		w.p.ScheduleDue("", "")
		<-w.followed // the observer knows all that was before
		w.jumped.Store(false)
		if a := w.p.Do(player.Command{Verb: "start", Routine: "random-0", Parameters: player.Parameters{Bed: "none"}, From: "the end"}); a.Status != "ok" {
			w.Errorf("seed %d: start: %+v", w.seed, a)
		}
		w.accept("the end")
		w.await("plays to its end, or waits", func(s player.State) bool { return s.State == player.Idle || s.State == player.Waiting })
	}
	pulled := w.out.stopping()
	if a := w.p.DoPayload([]byte("stop")); a.Status != "ok" {
		w.Errorf("seed %d: stop: %+v", w.seed, a)
	}
	w.await("is idle", func(s player.State) bool { return s.State == player.Idle })
	if most := 3*fadeLen + w.out.block(); w.out.pulledSince(pulled) > most+audio.Block {
		w.Errorf("seed %d: %d frames are pulled after the stop", w.seed, w.out.pulledSince(pulled))
	}
}

// await waits for a state.
func (w *randomWorld) await(what string, reached func(s player.State) bool) {
	w.Helper()
	for limit := time.Now().Add(15 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		s := w.p.State()
		if reached(s) {
			return
		}
		if time.Now().After(limit) {
			w.Fatalf("seed %d: never %s: %+v", w.seed, what, s)
		}
	}
}

// unattendedFrom is who starts what starts by itself.
const unattendedFrom = "the schedule"

// accept notes that a command was carried out.
func (w *randomWorld) accept(from string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.accepted[from] = true
}

// disturb does at times what no remote does: a run of the schedule begins, the clock is set, a session that was lost is
// offered.
func (w *randomWorld) disturb(r *rand.Rand) {
	switch r.IntN(12) {
	case 0:
		w.startUnattended(r.IntN(2) == 0, w.names[r.IntN(len(w.names))])
	case 1, 2:
		steps := []time.Duration{0, time.Second, time.Minute, time.Hour, 50 * time.Hour}
		w.ahead.Store(int64(steps[r.IntN(len(steps))]) * int64(r.IntN(3)-1))
	case 3, 4:
		if place := w.p.Standing().Session; place != nil {
			w.mu.Lock()
			w.places = append(w.places, *place)
			w.mu.Unlock()
		}
	case 5:
		w.offer(r)
	case 6:
		w.p.EndOffer("the time is over")
	}
}

// startUnattended starts a routine as the schedule does. It is answered once.
func (w *randomWorld) startUnattended(softly bool, name string) {
	w.answers.Add(1)
	var count atomic.Int32
	w.p.StartUnattended(player.Command{Verb: "start", Routine: name, From: unattendedFrom}, softly, func(error) {
		defer w.answers.Done()
		if count.Add(1) > 1 {
			w.Errorf("seed %d: an unattended start is answered twice", w.seed)
		}
	})
}

// schedule carries out what the player passes on to the schedule: once for each transaction, and a snooze starts something
// in the end.
func (w *randomWorld) schedule(_ context.Context, c player.Command) (note string, changed bool, err error) {
	if c.Transaction != "" {
		w.mu.Lock()
		again := w.asked[c.Verb+c.Transaction]
		w.asked[c.Verb+c.Transaction] = true
		w.mu.Unlock()
		if again {
			w.Errorf("seed %d: the transaction %s of %s is carried out twice", w.seed, c.Transaction, c.Verb)
		}
	}
	if c.Verb == "snooze" {
		w.startUnattended(true, w.names[0])
	}
	return "it is noted", true, nil
}

// offer offers a place that was observed.
func (w *randomWorld) offer(r *rand.Rand) {
	w.mu.Lock()
	places := w.places
	w.mu.Unlock()
	if len(places) == 0 {
		return
	}
	w.jumps.Add(1) // what goes on there begins in silence
	w.jumped.Store(true)
	place := places[r.IntN(len(places))]
	// The process in which it was heard goes on, and records that itself; what is heard from here on is its resume's.
	place.SoFar, place.From = player.SoFar{}, ""
	_ = w.p.Offer(w.Context(), place, w.cfg.Now().Add(time.Minute)) // refused where something is to play
}

// checkLedger reports what the player told of its sessions against the laws.
func (w *randomWorld) checkLedger() {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	for _, problem := range w.ledger.problems {
		w.Errorf("seed %d: %s", w.seed, problem)
	}
	if w.ledger.open {
		w.Errorf("seed %d: the last session has not ended", w.seed)
	}
	started := map[string]bool{}
	for _, from := range w.ledger.from {
		if from == unattendedFrom {
			continue
		}
		if !w.accepted[from] {
			w.Errorf("seed %d: %s is heard, and gave no command that was carried out", w.seed, from)
		}
		if started[from] {
			w.Errorf("seed %d: the command of %s started two sessions", w.seed, from)
		}
		started[from] = true
	}
}
