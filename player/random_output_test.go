package player_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gopxl/beep/v2"

	"guided/audio"
	"guided/audio/voice"
	"guided/routines"
)

// randomOutput is a fast output that may take back sound, and at times fails, or takes its time to open.
type randomOutput struct {
	t    *testing.T
	seed uint64
	calm atomic.Bool   // nothing fails any more
	hold chan struct{} // each Play stands still after its first block until it is closed; nil: none does

	mu     sync.Mutex
	r      *rand.Rand
	pulled int // frames of all Plays, those taken back not counted
	played int // frames of all Plays that were heard
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

// playOn counts frames as heard. Messages that are spoken alone are among them.
func (o *randomOutput) playOn(frames int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.played += frames
}

// heard is how many frames were heard in all.
func (o *randomOutput) heard() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.played
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
		before := played
		played = min(pulled, played+len(block))
		o.playOn(played - before)
		heard(played)
		if o.hold != nil {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-o.hold:
			}
		}
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

// randomEngine speaks every text after a while, and fails at times where it is not sound.
type randomEngine struct {
	humVoice
	sound  bool // it never fails
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
	wait, fails := time.Duration(e.r.IntN(30))*time.Millisecond, e.r.IntN(5) == 0 && !e.sound
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
