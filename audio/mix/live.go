package mix

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"guided/audio"
	"guided/routines"
)

// How much of a score is in memory, in samples. A slow Raspberry Pi loads clips fifty times faster than they play.
const (
	seekWindow    = audio.RewindDepth * 5 / 4 // around every position of interest: what an output pulls at once or takes back, and a margin
	lookahead     = 20 * audio.Rate           // after the position that is pulled
	lookaheadStep = 5 * audio.Rate            // how far the position advances before more is loaded

	// maxLoaded is how many samples of clips may be loaded together: eleven minutes, 64 MiB. Only hundreds of sounds that
	// overlap come to that.
	maxLoaded = 32 << 20
	// bedPatience is how long a start waits for a bed that was never heard before. After it the bed comes in when it can.
	bedPatience = 250 * time.Millisecond
)

var errTooMuch = fmt.Errorf("more than %d minutes of sound would play within %d s; use fewer long sounds at a time", maxLoaded/audio.Rate/60, lookahead/audio.Rate)

// LiveRenderer is a Renderer whose clips are loaded ahead of need and dropped behind it. Streaming wakes the loader; there is
// no timer. Stream and Seek belong to one goroutine at a time and never wait for a clip: what is not loaded in time is
// silent. Before a Seek, call Ready, and where that is false, Preload.
type LiveRenderer struct {
	*Renderer
	sounds     *scoreClips
	background func(func())
	wakeup     chan struct{}   // capacity 1: the position has changed
	progress   chan struct{}   // capacity 1: more of a speech is decoded
	ended      <-chan struct{} // nothing more is loaded

	mu         sync.Mutex // never held across I/O
	at         int        // the position that is pulled
	loadAt     int        // the position at which more is to be loaded
	targets    positions  // announced seeks
	departures positions  // left by a seek: an output may take back what it pulled, to before the seek
	owed       [2]int     // what of the score Begin has left to the loader, and Await waits for
	resident   map[blockRef]bool
	samples    int // of the blocks that are in memory, or being loaded
}

// positions are the last few distinct ones, the latest first. Within one audio.RewindDepth no more seeks than these can
// happen, since silence is played after each.
type positions [4]int

func (p *positions) add(at int) {
	i := slices.Index(p[:], at)
	if i < 0 {
		i = len(p) - 1
	}
	copy(p[1:i+1], p[:i])
	p[0] = at
}

// RenderLive returns a score that can be streamed at once, as Begin says; the clips are loaded ahead of need by functions handed to background, which return when ctx ends. It fails only when ctx ends.
func (b *Bank) RenderLive(ctx context.Context, score *routines.Score, background func(func())) (*LiveRenderer, error) {
	clips := newScoreClips(b, score)
	l := &LiveRenderer{
		Renderer: clips.renderer(), sounds: clips, background: background, wakeup: make(chan struct{}, 1), progress: make(chan struct{}, 1),
		ended: ctx.Done(), resident: map[blockRef]bool{},
	}
	patient, cancel := context.WithTimeout(ctx, bedPatience)
	bed, err := l.sounds.openBed(patient)
	cancel()
	if bed != nil {
		l.sounds.setBed(bed, 0)
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("loading the sounds of %s: %w", score.Name, ctx.Err())
	}
	if err := l.Begin(ctx, 0); err != nil {
		return nil, fmt.Errorf("loading the sounds of %s: %w", score.Name, err)
	}
	if err != nil {
		background(func() { l.bringInBed(ctx) })
	}
	background(func() { l.loadAhead(ctx) })
	return l, nil
}

// bringInBed opens a bed that took longer than the start could wait, and has it come in softly.
func (l *LiveRenderer) bringInBed(ctx context.Context) {
	bed, err := l.sounds.openBed(ctx)
	if bed == nil || err != nil {
		return
	}
	l.mu.Lock()
	from := l.at + 2*lookaheadStep // by then the loader has its first blocks
	l.sounds.setBed(bed, from)
	l.mu.Unlock()
	l.wake()
}

// Stream fills samples like Renderer.Stream, from the clips that are loaded.
func (l *LiveRenderer) Stream(samples [][2]float64) (int, bool) {
	n, more := l.Renderer.Stream(samples)
	l.mu.Lock()
	l.at = l.Position()
	due := l.at >= l.loadAt
	l.mu.Unlock()
	if due {
		l.wake()
	}
	return n, more
}

// Seek goes to a sample from 0 to Len.
func (l *LiveRenderer) Seek(to int) error {
	if err := l.Renderer.Seek(to); err != nil {
		return err
	}
	l.mu.Lock()
	if to < l.at-seekWindow || to > l.at+seekWindow {
		l.departures.add(l.at)
		if l.sounds.loop != nil { // a late bed is here by now, and the sound after a seek comes in softly
			l.sounds.loop.from.Store(0)
		}
	}
	l.at = to
	l.mu.Unlock()
	l.wake()
	return nil
}

// wake makes the loader look at the position. It never blocks.
func (l *LiveRenderer) wake() {
	select {
	case l.wakeup <- struct{}{}:
	default: // a wake-up is pending
	}
}

// Ready reports whether the clips needed to go on at a sample are loaded, and keeps those that are from being dropped.
func (l *LiveRenderer) Ready(at int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.targets.add(at)
	for _, ref := range l.sounds.between(nil, at, at+seekWindow) {
		if !ref.whole() {
			return false
		}
	}
	return true
}

// Preload loads the clips needed to go on at a sample, several at a time, and keeps them from being dropped. It fails only
// when ctx ends.
func (l *LiveRenderer) Preload(ctx context.Context, at int) error {
	l.mu.Lock()
	l.targets.add(at)
	l.mu.Unlock()
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.NumCPU())
	for _, ref := range l.sounds.between(nil, at, at+seekWindow) {
		if !ref.whole() {
			work.Go(func() error { return l.loadWhole(ctx, ref) })
		}
	}
	return work.Wait()
}

// loadWhole loads a block, however long its decoding takes.
func (l *LiveRenderer) loadWhole(ctx context.Context, ref blockRef) error {
	for {
		if err := l.loadBlock(ctx, ref, ref.samples()); err != errBehind {
			return err
		}
	}
}

// loadAhead is the loader: it loads and drops clips as the position advances, until ctx ends.
func (l *LiveRenderer) loadAhead(ctx context.Context) {
	defer l.dropAll()
	for ctx.Err() == nil {
		l.loadNeeded(ctx)
		l.keepDecoded(ctx)
		select {
		case <-ctx.Done():
		case <-l.wakeup:
		}
	}
}

// keepDecoded has the files that must be decoded to be played decoded ahead and kept on disk, beside the loader.
func (l *LiveRenderer) keepDecoded(ctx context.Context) {
	list := l.sounds.takeUndecoded()
	if len(list) == 0 || l.sounds.bank.sounds.store == nil {
		return
	}
	l.background(func() {
		for _, c := range list {
			_ = l.sounds.bank.sounds.keep(ctx, c.fileName(), c.kind) // the loader tells what is wrong with a file
		}
	})
}

// dropAll closes the files of all clips.
func (l *LiveRenderer) dropAll() {
	for _, c := range l.sounds.clips {
		c.drop()
	}
	if bed := l.sounds.bed.Load(); bed != nil {
		bed.drop()
	}
}

// loadNeeded loads, one by one, what the positions of interest need; these may change after each block. A file that must be
// decoded up to its block has its turn when all else is there, and gives way after each of its turns.
func (l *LiveRenderer) loadNeeded(ctx context.Context) {
	behind := map[*scoreClip]bool{}
	for {
		ref, is, unused := l.evictAndNext(behind)
		for _, c := range unused {
			c.drop()
		}
		if !is {
			return
		}
		switch err := l.loadBlock(ctx, ref, ref.samples()); {
		case err == errBehind:
			behind[ref.clip] = true
		case err != nil:
			return
		default:
			delete(behind, ref.clip)
		}
	}
}

// evictAndNext drops the blocks that no position of interest needs any more and returns the most urgent one that is not
// loaded, whether there is one, and the clips that have no block left. The blocks of clips that are behind come last.
func (l *LiveRenderer) evictAndNext(behind map[*scoreClip]bool) (next blockRef, is bool, unused []*scoreClip) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.loadAt = l.at + lookaheadStep
	needed := l.sounds.between(nil, l.at, l.at+lookahead)
	needed = l.sounds.between(needed, l.at-seekWindow, l.at)
	for _, at := range slices.Concat(l.targets[:], l.departures[:]) {
		needed = l.sounds.between(needed, at-seekWindow, at+seekWindow)
	}
	keep := make(map[blockRef]bool, len(needed))
	for _, ref := range needed {
		keep[ref] = true
	}
	for ref := range l.resident {
		if !keep[ref] {
			ref.clip.loaded[ref.k].Store(nil)
			l.samples -= ref.samples()
			delete(l.resident, ref)
			if ref.clip.users--; ref.clip.users == 0 {
				unused = append(unused, ref.clip)
			}
		}
	}
	for _, ref := range needed {
		switch {
		case ref.whole():
		case !behind[ref.clip]:
			return ref, true, unused
		case !is:
			next, is = ref, true
		}
	}
	return next, is, unused
}

// loadBlock loads a block, or so much of a speech that Begin has opened. What is not available is stored as an empty block; that
// of a speech is never dropped, so that it is logged once and not tried again. It fails when ctx ends, and with errBehind
// where a file must be decoded for longer.
func (l *LiveRenderer) loadBlock(ctx context.Context, ref blockRef, until int) error {
	n := ref.samples()
	l.mu.Lock()
	fits := l.samples == 0 || l.samples+n <= maxLoaded || l.resident[ref]
	if fits {
		l.samples += n
	}
	l.mu.Unlock()
	if !fits {
		l.sounds.bank.sounds.problems.tellClip(ref.clip.key.clip, errTooMuch)
		ref.clip.loaded[ref.k].CompareAndSwap(nil, &[]int16{})
		return nil
	}
	err := l.sounds.loadUntil(ctx, ref, until, l.tellProgress)
	l.mu.Lock()
	defer l.mu.Unlock()
	if pcm := ref.pcm(); pcm != nil && *pcm != nil && !l.resident[ref] {
		l.resident[ref] = true
		ref.clip.users++
	} else { // it is loaded twice, or silent
		l.samples -= n
	}
	return err
}
