package player_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gopxl/beep/v2"
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
// an output that is fast, rewinds, fails and hangs, and with a speech engine that is slow and fails. Whatever comes,
// every command is answered once and within a second, no player stays in preparing or keeps a goroutine, what a stop
// leaves is a fade, and both sides of a step are heard.
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

// lateness sums up how late the machine has been: whoever takes part in an answer may be as late at every turn.
type lateness struct{ total atomic.Int64 }

// watchLateness measures until the test ends how late a timer fires; a few milliseconds are usual.
func watchLateness(t *testing.T) *lateness {
	const tick, usual = 10 * time.Millisecond, 5 * time.Millisecond
	l := &lateness{}
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		for last := time.Now(); ctx.Err() == nil; {
			time.Sleep(tick)
			now := time.Now()
			l.total.Add(int64(max(0, now.Sub(last)-tick-usual)))
			last = now
		}
	})
	t.Cleanup(func() { cancel(); group.Wait() })
	return l
}

// allowance is what a chain of ten turns may have been late, since the machine was late so much in all.
func (l *lateness) allowance(since int64) time.Duration {
	return 10 * time.Duration(l.total.Load()-since)
}

// randomWorld is one player and what surrounds it.
type randomWorld struct {
	*testing.T
	seed    uint64
	late    *lateness
	p       *player.Player
	out     *randomOutput
	names   []string
	answers sync.WaitGroup
	jumped  atomic.Bool // since the start: a skip, or what may act like one
}

func newRandomWorld(t *testing.T, seed uint64, late *lateness) *randomWorld {
	w := &randomWorld{T: t, seed: seed, late: late}
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
	engine := &randomEngine{r: rand.New(rand.NewPCG(seed, 3))}
	w.p = player.New(player.Config{
		Library: library, Bank: mix.NewBank([]voice.Voice{partialVoice{word: "slow", err: voice.ErrNoRecording}, engine}, namedVoices, audio.InFolders(library...), log),
		Voice: "hum", Voices: []string{"hum", "anna"}, Output: w.out, Outputs: []string{"random"}, Volume: 100, Version: "test", PhaseLead: 100 * time.Millisecond,
		ClockTrusted: func() bool { return seed%2 == 0 }, Waits: seed%3 != 0, Log: log,
	})
	return w
}

// randomRoutine is a tiny routine with steps of every kind.
func randomRoutine(r *rand.Rand, n int) string {
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	var b strings.Builder
	fmt.Fprintf(&b, "title = \"Random routine %d\"\n", n)
	if bed := one("", "", "rain", "drone", "waves"); bed != "" {
		fmt.Fprintf(&b, "bed = %q\n", bed)
	}
	for i := range 1 + r.IntN(4) {
		fmt.Fprintf(&b, "[[step]]\nname = \"Step %d\"\n", i)
		if r.IntN(2) == 0 {
			fmt.Fprintf(&b, "say = %q\n", one("Go.", "Here, and stay a while.", "This one is slow."))
		}
		b.WriteString(one(
			"hold = \"2s\"\nsides = true\nswitch = \"1s\"\n", "breathe = \"0.5-0.5\"\nfor = \"3 breaths\"\nsides = true\nswitch = \"1s\"\n",
			"breathe = \"0.5-0.5-0.5\"\nfor = \"2 breaths\"\nfit = [\"1 breath\", \"20 breaths\"]\n", "rest = \"2s\"\nfit = [\"1s\", \"20s\"]\n", "reps = 2\ntempo = \"0.5-0.5\"\n",
			"hold = \"until next\"\n", "rest = \"2s\"\ncountdown = 1\n", "hold = \"2 breaths\"\n",
		))
	}
	return b.String()
}

// randomCommand is a payload: mostly a command with parameters that make sense, sometimes anything.
func (w *randomWorld) randomCommand(r *rand.Rand) string {
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	start := func() string {
		words := "start " + one(w.names...)
		for range r.IntN(3) {
			words += one(" for 10s", " for 3s", " volume 40", " volume 0", " voice anna", " voice hum", " voice /etc", " verbosity short", " verbosity minimal", " holds off", " holds on", " bed none", " bed waves", " bed jazz", " for ever", " fade_in 2s", " fade_out 3s", " fade_out 10m", " until 00:00:40", " until 23:00")
		}
		return words
	}
	words := one(start(), start(), start(), one("stop", "pause", "resume", "toggle", "next", "back", "repeat"), one("stop", "pause", "resume", "toggle", "next", "back", "repeat"),
		one("extend", "extend 1s", "extend 2 breaths", "slower", "faster", "slower", "faster"), one("volume 30", "volume 100", "duck", "unduck", "status"),
		one("say Hello.", "say This message is slow.", "say "+longMessage, `{"command":"say","text":"In a gap.","when":"gap"}`), "select "+one(w.names...),
		one("", "?", "{}", "[]", "stop.\x00", `"pause"`, `{"command":"stop"`, "\xff\xfes\x00t\x00o\x00p\x00", "xyzzy", "volume loud"))
	if r.IntN(4) == 0 && !strings.HasPrefix(words, "{") && !strings.HasPrefix(words, `"`) {
		stamp := ""
		if r.IntN(3) == 0 {
			stamp = fmt.Sprintf(`,"sent_at":%d`, time.Now().Add(time.Duration(r.IntN(120)-60)*time.Second).UnixMilli())
		}
		return fmt.Sprintf(`{"command":%q,"transaction":"%d"%s}`, strings.ToValidUTF8(words, ""), r.IntN(40), stamp)
	}
	return words
}

// give gives a command and checks its answer.
func (w *randomWorld) give(r *rand.Rand) {
	payload := w.randomCommand(r)
	for _, word := range []string{"next", "back", "repeat", "extend", "slower", "faster", "duck", "say", "lose"} {
		if strings.Contains(payload, word) {
			w.jumped.Store(true)
		}
	}
	began, late, count := time.Now(), w.late.total.Load(), new(atomic.Int32)
	w.answers.Add(1)
	answer := func(a player.Response) {
		defer w.answers.Done()
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
	if r.IntN(2) == 0 {
		answer(w.p.DoPayload([]byte(payload)))
	} else {
		w.p.SubmitPayload([]byte(payload), answer)
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
	return 3 * each
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
		w.jumped.Store(false)
		if a := w.p.DoPayload([]byte("stop")); a.Status != "ok" {
			w.Errorf("seed %d: stop: %+v", w.seed, a)
		}
		w.await("is idle", func(s player.State) bool { return s.State == player.Idle })
		if a := w.p.DoPayload([]byte("start random-0 bed none")); a.Status != "ok" {
			w.Errorf("seed %d: start: %+v", w.seed, a)
		}
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

// observe checks that both sides of every step were heard in a session in which nothing was skipped.
func (w *randomWorld) observe(feed player.Feed) {
	sides := map[string][2]int{}
	states, infos, phases := feed.States, feed.Infos, feed.Phases
	for {
		select {
		case e, open := <-feed.Events:
			if !open {
				return
			}
			n := sides[e.Step]
			switch e.Type {
			case "routine_started":
				clear(sides)
			case "step_started":
				if e.Side == "left" {
					n[0]++
				} else if e.Side == "right" {
					n[1]++
				}
				sides[e.Step] = n
			case "routine_finished":
				for step, n := range sides {
					if n[0] != n[1] && !w.jumped.Load() {
						w.Errorf("seed %d: of %s %d left and %d right sides were heard", w.seed, step, n[0], n[1])
					}
				}
			}
		case s, open := <-states:
			if !open {
				states = nil
			} else if problem := inconsistency(s); problem != "" {
				w.Errorf("seed %d: %s: %+v", w.seed, problem, s)
			}
		case _, open := <-infos:
			if !open {
				infos = nil
			}
		case p, open := <-phases:
			if !open {
				phases = nil
			} else if p.Seconds <= 0 {
				w.Errorf("seed %d: %+v", w.seed, p)
			}
		}
	}
}

// randomOutput is a fast output that may take back sound, and at times fails, or takes its time to open.
type randomOutput struct {
	t    *testing.T
	seed uint64
	calm atomic.Bool // nothing fails any more

	mu     sync.Mutex
	r      *rand.Rand
	pulled int // frames of all Plays, those taken back not counted
}

func (o *randomOutput) chance(n int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.r.IntN(n) == 0 && !o.calm.Load()
}

func (o *randomOutput) block() int { return 10 * audio.Block }

func (o *randomOutput) count(frames int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pulled += frames
}

func (o *randomOutput) stopping() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.pulled
}

func (o *randomOutput) pulledSince(before int) int { return o.stopping() - before }

var errRandom = errors.New("the device is gone")

func (o *randomOutput) Play(ctx context.Context, src beep.Streamer, heard func(frames int) (next int)) error {
	if o.chance(10) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	if o.chance(15) {
		return errRandom
	}
	rewinder, rewinds := src.(audio.Rewinder)
	rewinds = rewinds && o.seed%2 == 0
	reserve := 0
	if rewinds {
		reserve = audio.RewindDepth
	}
	var block [10 * audio.Block][2]float64
	pulled, played, drained := 0, 0, false
	for {
		if rewinds {
			select {
			case <-rewinder.Changed():
				if n := pulled - played; n > 0 {
					rewinder.Rewind(n)
					pulled, drained = played, false
					o.count(-n)
				}
			default:
			}
		}
		for !drained && pulled < played+reserve+len(block) {
			n, ok := src.Stream(block[:])
			drained = !ok
			pulled += n
			o.count(n)
			for _, f := range block[:n] {
				if math.IsNaN(f[0]) || math.Abs(f[0]) > 2 || math.IsNaN(f[1]) || math.Abs(f[1]) > 2 {
					o.t.Errorf("seed %d: a sample of %v", o.seed, f)
					break
				}
			}
		}
		played = min(pulled, played+len(block))
		heard(played)
		if drained && played == pulled {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Microsecond):
		}
		if o.chance(1000) {
			return errRandom
		}
	}
}

// randomEngine speaks every text after a while, and fails at times.
type randomEngine struct {
	humVoice
	mu     sync.Mutex
	r      *rand.Rand
	spoken map[string]bool
}

func (e *randomEngine) Measure(text string) (routines.Extent, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	extent, _ := e.humVoice.Measure(text)
	return extent, e.spoken[text]
}

func (e *randomEngine) Speak(ctx context.Context, text string) (voice.Recording, error) {
	e.mu.Lock()
	wait, fails := time.Duration(e.r.IntN(30))*time.Millisecond, e.r.IntN(5) == 0
	e.mu.Unlock()
	select {
	case <-ctx.Done():
		return voice.Recording{}, ctx.Err()
	case <-time.After(wait):
	}
	if fails {
		return voice.Recording{}, errors.New("the engine fails")
	}
	e.mu.Lock()
	if e.spoken == nil {
		e.spoken = map[string]bool{}
	}
	e.spoken[text] = true
	e.mu.Unlock()
	return e.humVoice.Speak(ctx, text)
}
