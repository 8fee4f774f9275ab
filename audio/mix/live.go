package mix

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"guided/audio"
	"guided/routines"
)

// How much of a score is in memory, in samples. A slow Raspberry Pi loads clips fifty times faster than they play.
const (
	seekWindow    = audio.RewindDepth * 5 / 4 // around every position of interest: what an output pulls at once or takes back, and a margin
	lookahead     = 20 * audio.Rate           // after the position that is pulled
	lookaheadStep = 5 * audio.Rate            // how far the position advances before more is loaded

	// maxLoaded is how many samples of clips may be loaded together: eleven minutes, 64 MiB. Only long sounds that overlap
	// come to that.
	maxLoaded = 32 << 20
)

var errTooMuch = fmt.Errorf("more than %d minutes of sound would play within %d s; use fewer long sounds at a time", maxLoaded/audio.Rate/60, lookahead/audio.Rate)

// LiveRenderer is a Renderer whose clips are loaded ahead of need and dropped behind it. Streaming wakes the loader; there is
// no timer. Stream and Seek belong to one goroutine at a time and never wait for a clip: a clip that is not loaded in
// time is silent. Before a Seek, call Ready, and where that is false, Preload.
type LiveRenderer struct {
	*Renderer
	bank   *Bank
	clips  []*liveClip   // of each cue of the score
	wakeup chan struct{} // capacity 1: the position has changed

	mu         sync.Mutex // never held across I/O
	at         int        // the position that is pulled
	loadAt     int        // the position at which more is to be loaded
	targets    positions  // announced seeks
	departures positions  // left by a seek: an output may take back what it pulled, to before the seek
	loaded     map[*liveClip]bool
	samples    int // of the clips that are loaded, or being loaded
}

// liveClip is a distinct clip of the score, shared by all of its cues. pcm is nil while it is not loaded.
type liveClip struct {
	clipKey
	pcm atomic.Pointer[[]int16]
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

// RenderLive returns a score that can be streamed at once: the clips of its first moments are loaded, the others are loaded
// ahead of need by a function handed to background, which returns when ctx ends. It fails only when ctx ends.
func (b *Bank) RenderLive(ctx context.Context, score *routines.Score, background func(func())) (*LiveRenderer, error) {
	l := newLive(ctx, b, score)
	if err := l.Preload(ctx, 0); err != nil {
		return nil, fmt.Errorf("loading the sounds of %s: %w", score.Name, err)
	}
	background(func() { l.loadAhead(ctx) })
	return l, nil
}

// newLive returns a renderer without clips. Where the score's bed is a file, that is decoded; ctx may end it, and the bed
// is silent then.
func newLive(ctx context.Context, b *Bank, score *routines.Score) *LiveRenderer {
	l := &LiveRenderer{
		Renderer: newRenderer(score, b.bedLoop(ctx, score)), bank: b, wakeup: make(chan struct{}, 1), loaded: map[*liveClip]bool{},
	}
	distinct := map[routines.Clip]*liveClip{}
	for _, cue := range score.Cues {
		c, has := distinct[cue.Clip]
		if !has {
			c = &liveClip{clipKey: clipKey{b.voice, cue.Clip, cue.Len}}
			distinct[cue.Clip] = c
		}
		l.clips = append(l.clips, c)
		l.add(scheduledClip{cue.At, cue.Len, &c.pcm})
	}
	return l
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
	for _, c := range l.clipsBetween(at, at+seekWindow) {
		if c.pcm.Load() == nil {
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
	clips := l.clipsBetween(at, at+seekWindow)
	l.mu.Unlock()
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.NumCPU())
	for _, c := range clips {
		if c.pcm.Load() == nil {
			work.Go(func() error { return l.loadClip(ctx, c) })
		}
	}
	return work.Wait()
}

// loadAhead is the loader: it loads and drops clips as the position advances, until ctx ends.
func (l *LiveRenderer) loadAhead(ctx context.Context) {
	for ctx.Err() == nil {
		l.loadNeeded(ctx)
		select {
		case <-ctx.Done():
		case <-l.wakeup:
		}
	}
}

// loadNeeded loads, one by one, what the positions of interest need; these may change after each clip.
func (l *LiveRenderer) loadNeeded(ctx context.Context) {
	for c := l.evictAndNext(); c != nil && l.loadClip(ctx, c) == nil; c = l.evictAndNext() {
	}
}

// evictAndNext drops the clips that no position of interest needs any more and returns the most urgent one that is not
// loaded, nil if there is none.
func (l *LiveRenderer) evictAndNext() *liveClip {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.loadAt = l.at + lookaheadStep
	needed := l.clipsBetween(l.at, l.at+lookahead)
	needed = append(needed, l.clipsBetween(l.at-seekWindow, l.at)...)
	for _, at := range slices.Concat(l.targets[:], l.departures[:]) {
		needed = append(needed, l.clipsBetween(at-seekWindow, at+seekWindow)...)
	}
	keep := make(map[*liveClip]bool, len(needed))
	for _, c := range needed {
		keep[c] = true
	}
	for c := range l.loaded {
		if !keep[c] {
			c.pcm.Store(nil)
			l.samples -= c.length
			delete(l.loaded, c)
		}
	}
	if i := slices.IndexFunc(needed, func(c *liveClip) bool { return c.pcm.Load() == nil }); i >= 0 {
		return needed[i]
	}
	return nil
}

// loadClip loads a clip from the bank's cache or its source. A clip that is not available is stored as an empty one,
// which is never dropped, so that it is logged once and not tried again. It fails only when ctx ends.
func (l *LiveRenderer) loadClip(ctx context.Context, c *liveClip) error {
	l.mu.Lock()
	fits := l.samples == 0 || l.samples+c.length <= maxLoaded
	if fits {
		l.samples += c.length
	}
	l.mu.Unlock()
	if !fits {
		l.bank.sounds.tellClip(c.clip, errTooMuch)
		c.pcm.CompareAndSwap(nil, &[]int16{})
		return nil
	}
	pcm, has := l.bank.clips.get(c.clipKey)
	if !has {
		r, err := l.bank.loadExact(ctx, c.clip, c.length)
		if err != nil {
			l.mu.Lock()
			l.samples -= c.length
			l.mu.Unlock()
			return err
		}
		pcm = r.PCM
		if c.clip.Say != "" && pcm != nil { // speech only: the content of a sound file may change
			l.bank.clips.put(c.clipKey, pcm)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c.pcm.Store(&pcm)
	if pcm != nil && !l.loaded[c] {
		l.loaded[c] = true
	} else { // it is loaded twice, or silent
		l.samples -= c.length
	}
	return nil
}

// clipsBetween returns the clips that sound between two samples of the score, in the order of their cues.
func (l *LiveRenderer) clipsBetween(from, to int) []*liveClip {
	var list []*liveClip
	first := sort.Search(len(l.cues), func(i int) bool { return l.cues[i].at > from-l.longest })
	for i, c := range l.cues[first:] {
		if c.at >= to {
			break
		}
		if c.at+c.length > from {
			list = append(list, l.clips[first+i])
		}
	}
	return list
}
