package mix

import (
	"context"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"guided/audio"
)

// A phrase takes a slow Raspberry Pi a twentieth of a second to decode, and the first 20 ms of it are wanted at once. So a
// start waits for its first moment; the rest is decoded while the output opens its device, ahead of what it pulls.
const (
	firstMoment = audio.Rate / 10 // samples
	// awaitLimit is how long streaming waits for a speech that makes no progress. After it, what is missing is silent.
	awaitLimit = 250 * time.Millisecond
)

// Begin loads what the first moment after a sample needs, and all that Preload loads but recorded speech, of which it reads
// the files: the loader decodes it while it is streamed, and who streams is to call Await. It fails only when ctx ends.
func (l *LiveRenderer) Begin(ctx context.Context, at int) error {
	l.mu.Lock()
	l.targets.add(at)
	l.owed = [2]int{at, at + seekWindow}
	refs := l.sounds.between(nil, at, at+seekWindow)
	l.mu.Unlock()
	work, limited := errgroup.WithContext(ctx)
	work.SetLimit(runtime.NumCPU())
	for _, ref := range refs {
		if ref.whole() {
			continue
		}
		work.Go(func() error {
			if speech, err := l.sounds.openSpeech(limited, ref.clip); speech || err != nil {
				return err
			}
			return l.loadWhole(limited, ref)
		})
	}
	if err := work.Wait(); err != nil {
		return err
	}
	for {
		ref, until, is := l.sounds.missing(at, at+firstMoment)
		if !is {
			l.wake()
			return nil
		}
		if err := l.loadBlock(ctx, ref, until); err != nil && err != errBehind {
			return err
		}
	}
}

// Await waits until what Begin has left to the loader can be heard in the next samples.
func (l *LiveRenderer) Await(samples int) {
	l.mu.Lock()
	from, to := max(l.at, l.owed[0]), min(l.at+samples, l.owed[1])
	l.mu.Unlock()
	if from >= to {
		return
	}
	var patience *time.Timer
	for {
		if _, _, is := l.sounds.missing(from, to); !is {
			return
		}
		if patience == nil {
			patience = time.NewTimer(awaitLimit)
			defer patience.Stop()
		}
		select {
		case <-l.progress:
			patience.Reset(awaitLimit)
			continue
		case <-l.ended:
		case <-patience.C:
		}
		l.mu.Lock()
		l.owed = [2]int{}
		l.mu.Unlock()
		return
	}
}

// tellProgress lets Await look again. It never blocks.
func (l *LiveRenderer) tellProgress() {
	select {
	case l.progress <- struct{}{}:
	default:
	}
}
