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

// How much of a score is in memory, in samples. Clips load a hundred times faster than they sound, on a slow Pi fifty.
const (
	seekWindow    = audio.Reserve * 5 / 4 // around every place: what an output pulls at once or takes back, and a little more
	lookahead     = 20 * audio.Rate       // after the place where the sound is pulled
	lookaheadStep = 5 * audio.Rate        // how far the sound goes on before more is loaded
)

// A Live is a Renderer whose clips are loaded ahead of need and dropped behind it. Nothing ticks: the sound that is
// pulled wakes what loads. Stream and Seek belong to one goroutine at a time and never wait for a clip: one that is not
// there in time is silent. Whoever is about to Seek asks Reach, and where that is false calls Load before.
type Live struct {
	*Renderer
	bank   *Bank
	clips  []*liveClip   // of each cue of the score
	wakeup chan struct{} // the place has changed

	mu         sync.Mutex // for arithmetic only
	at         int        // where the sound is pulled
	loadAt     int        // where more is to be loaded
	targets    positions  // where it is about to be
	departures positions  // where it was: an output may take back its way to here
	loaded     map[*liveClip]bool
}

// liveClip is a clip of the score, however often it is heard.
type liveClip struct {
	clipKey
	pcm atomic.Pointer[[]int16]
}

// positions are the last few that differ. In one Reserve a sound can be in no more: a landing silence lies between them.
type positions [4]int

func (p *positions) add(at int) {
	i := slices.Index(p[:], at)
	if i < 0 {
		i = len(p) - 1
	}
	copy(p[1:i+1], p[:i])
	p[0] = at
}

func newLive(b *Bank, score *routines.Score) *Live {
	l := &Live{
		Renderer: newRenderer(score, b.bedLoop(score)), bank: b, wakeup: make(chan struct{}, 1), loaded: map[*liveClip]bool{},
	}
	known := map[routines.Clip]*liveClip{}
	for _, cue := range score.Cues {
		c, has := known[cue.Clip]
		if !has {
			c = &liveClip{clipKey: clipKey{b.voice, cue.Clip, cue.Len}}
			known[cue.Clip] = c
		}
		l.clips = append(l.clips, c)
		l.add(scheduledClip{cue.At, cue.Len, &c.pcm})
	}
	return l
}

// Stream fills samples as Renderer.Stream does, with what is loaded.
func (l *Live) Stream(samples [][2]float64) (int, bool) {
	n, more := l.Renderer.Stream(samples)
	l.mu.Lock()
	l.at = l.Position()
	far := l.at >= l.loadAt
	l.mu.Unlock()
	if far {
		l.wake()
	}
	return n, more
}

// Seek goes to a sample from 0 to Len.
func (l *Live) Seek(to int) error {
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

func (l *Live) wake() {
	select {
	case l.wakeup <- struct{}{}:
	default: // it rings already
	}
}

// Reach tells whether the sound can go on at a sample, and sees to it that this stays so.
func (l *Live) Reach(at int) bool {
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

// Load loads what the sound needs to go on at a sample. It fails only when ctx ends.
func (l *Live) Load(ctx context.Context, at int) error {
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

// Begin makes a score sound before all of it is loaded: the clips of its first moments now, the others ahead of their
// time by a function handed to background, which ends with ctx.
func (b *Bank) Begin(ctx context.Context, score *routines.Score, background func(func())) (*Live, error) {
	l := newLive(b, score)
	if err := l.Load(ctx, 0); err != nil {
		return nil, fmt.Errorf("loading the sounds of %s: %w", score.Name, err)
	}
	background(func() { l.loadAhead(ctx) })
	return l, nil
}

// loadAhead loads and drops clips as the sound goes on, until ctx ends.
func (l *Live) loadAhead(ctx context.Context) {
	own := findExePages()
	for ctx.Err() == nil {
		l.loadNeeded(ctx)
		own.release()
		select {
		case <-ctx.Done():
		case <-l.wakeup:
		}
	}
}

// loadNeeded loads what the sound will need from where it is. It may go elsewhere at any moment.
func (l *Live) loadNeeded(ctx context.Context) {
	for c := l.evictAndNext(); c != nil && l.loadClip(ctx, c) == nil; c = l.evictAndNext() {
	}
}

// evictAndNext drops what is not needed any more, and tells which clip to load next, nil for none.
func (l *Live) evictAndNext() *liveClip {
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
			delete(l.loaded, c)
		}
	}
	if i := slices.IndexFunc(needed, func(c *liveClip) bool { return c.pcm.Load() == nil }); i >= 0 {
		return needed[i]
	}
	return nil
}

// loadClip loads a clip, from what was heard lately where it can. One that cannot be had stays silent, and was told once.
func (l *Live) loadClip(ctx context.Context, c *liveClip) error {
	pcm, has := l.bank.clips.get(c.clipKey)
	if !has {
		r, err := l.bank.loadExact(ctx, c.clip, c.length)
		if err != nil {
			return err
		}
		pcm = r.PCM
		if c.clip.Say != "" && pcm != nil { // a sound file may be another one tomorrow
			l.bank.clips.put(c.clipKey, pcm)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c.pcm.Store(&pcm)
	if pcm != nil {
		l.loaded[c] = true
	}
	return nil
}

// clipsBetween is the clips that sound in a stretch of the score, in the order of time.
func (l *Live) clipsBetween(from, to int) []*liveClip {
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
