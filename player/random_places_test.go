package player_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"guided/player"
)

// tryPlaces has other players, as they are after a restart, go on at places that were observed.
func (w *randomWorld) tryPlaces(r *rand.Rand) {
	for range min(2, len(w.places)) {
		w.tryPlace(r, w.places[r.IntN(len(w.places))])
	}
}

// tryPlace offers a place to another player. Its laws:
//
//   - the offer is taken, whatever was asked for until then, and says the routine, the step and the position;
//   - what goes on from it is at the same step and side, not after the place, and has the rest of the same score, unless a
//     phrase was a tone there that can be spoken now;
//   - the offer ends by any other session, by a stop and by its time, and a bare resume is refused then with the reason.
func (w *randomWorld) tryPlace(r *rand.Rand, observed player.Place) {
	text, err := json.Marshal(observed)
	var place player.Place
	if err == nil {
		err = json.Unmarshal(text, &place)
	}
	if err != nil {
		w.Fatalf("seed %d: %v", w.seed, err)
	}
	next := w.afterRestart()
	defer next.end()
	p := next.p
	if err := p.Offer(w.Context(), place, time.Now().Add(time.Minute)); err != nil {
		w.Errorf("seed %d: %+v is not taken: %v", w.seed, place, err)
		return
	}
	if o := p.State().ResumeOffer; o == nil || o.Routine != place.Routine || o.Step != place.Step || o.Position != place.Position {
		w.Errorf("seed %d: %+v is offered as %+v", w.seed, place, o)
	}
	switch r.IntN(8) {
	case 0:
		next.do("start random-0 bed none")
		next.await("plays", func(s player.State) bool { return s.StartedAt != nil })
		next.stop()
		next.wantRefusedResume(place, "Random routine 0 was started")
	case 1:
		p.StartUnattended(player.Command{Verb: "start", Routine: "random-1", From: unattendedFrom}, false, func(error) {})
		next.await("plays", func(s player.State) bool { return s.StartedAt != nil })
		next.stop()
		next.wantRefusedResume(place, "Random routine 1 was started by "+unattendedFrom)
	case 2:
		next.do("stop")
		next.wantRefusedResume(place, "it was stopped")
	case 3:
		p.EndOffer("the time is over")
		next.wantRefusedResume(place, "the time is over")
	default:
		next.do("resume")
		next.await("goes on", func(s player.State) bool { return s.StartedAt != nil })
		standing := p.Standing().Session
		if standing == nil {
			w.Errorf("seed %d: nothing stands after %+v", w.seed, place)
			return
		}
		if standing.Routine != place.Routine || standing.StepNumber != place.StepNumber || standing.Step != place.Step || standing.Side != place.Side {
			w.Errorf("seed %d: it goes on at\n%+v, was\n%+v", w.seed, *standing, place)
		}
		if same := standing.Score == place.Score; !same && w.engine.sound || same && standing.At > place.At {
			w.Errorf("seed %d: it goes on in another score, or later, at\n%+v, was\n%+v", w.seed, *standing, place)
		}
		next.stop()
	}
}

// restarted is a player after a restart, whose output stands still after its first block.
type restarted struct {
	*randomWorld
	cancel context.CancelFunc
	ended  chan struct{}
}

// afterRestart runs a player as that of the world, in which nothing fails.
func (w *randomWorld) afterRestart() *restarted {
	calm := &randomWorld{T: w.T, seed: w.seed, late: w.late, cfg: w.cfg, engine: w.engine}
	calm.out = &randomOutput{t: w.T, seed: w.seed, r: rand.New(rand.NewPCG(w.seed, 6)), hold: make(chan struct{})}
	calm.out.calm.Store(true)
	calm.cfg.Output, calm.cfg.Record, calm.cfg.Log = calm.out, nil, slog.New(slog.DiscardHandler)
	calm.p = player.New(calm.cfg)
	next := &restarted{randomWorld: calm, ended: make(chan struct{})}
	var ctx context.Context
	ctx, next.cancel = context.WithCancel(context.Background())
	go func() {
		defer close(next.ended)
		next.p.Run(ctx)
	}()
	return next
}

// stop stops what plays and waits until it has left.
func (n *restarted) stop() {
	n.Helper()
	n.do("stop")
	close(n.out.hold)
	n.await("is idle", func(s player.State) bool { return s.State == player.Idle })
}

// end ends the player.
func (n *restarted) end() {
	n.cancel()
	select {
	case <-n.ended:
	case <-time.After(drainLimit):
		n.Fatalf("seed %d: Run does not end after a restart", n.seed)
	}
}

// do carries out a command that must succeed.
func (n *restarted) do(words string) {
	n.Helper()
	if a := n.p.DoPayload([]byte(words)); a.Status != "ok" {
		n.Errorf("seed %d: %s after a restart: %+v", n.seed, words, a)
	}
}

// wantRefusedResume checks that a resume is refused because the offer of a place has ended, and why it has.
func (n *restarted) wantRefusedResume(place player.Place, why string) {
	n.Helper()
	if s := n.p.State(); s.ResumeOffer != nil {
		n.Errorf("seed %d: it is offered still: %+v", n.seed, s)
	}
	if a := n.p.DoPayload([]byte("resume")); a.Status != "error" || !strings.Contains(a.Error, place.Title+" is no longer offered: "+why) {
		n.Errorf("seed %d: resume after the offer has ended, because %s: %+v", n.seed, why, a)
	}
}
