package mix

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"guided/audio"
	"guided/routines"
)

// How much of a score is in memory, in samples. Clips load a hundred times faster than they sound, on a slow Pi fifty.
const (
	near   = audio.Reserve * 5 / 4 // around every place: what an output pulls at once or takes back, and a little more
	ahead  = 20 * audio.Rate       // after the place where the sound is pulled
	refill = 5 * audio.Rate        // how far the sound goes on before more is loaded
)

// A Live is a Renderer whose clips are loaded ahead of need and dropped behind it. Nothing ticks: the sound that is
// pulled wakes what loads. Stream and Seek belong to one goroutine at a time and never wait for a clip: one that is not
// there in time is silent. Whoever is about to Seek asks Reach, and where that is false calls Load before.
type Live struct {
	*Renderer
	bank  *Bank
	clips []*liveClip   // of each cue of the score
	bell  chan struct{} // the place has changed

	mu     sync.Mutex // for arithmetic only
	at     int        // where the sound is pulled
	due    int        // where more is to be loaded
	asked  places     // where it is about to be
	left   places     // where it was: an output may take back its way to here
	loaded map[*liveClip]bool
}

// liveClip is a clip of the score, however often it is heard.
type liveClip struct {
	utterance
	pcm atomic.Pointer[[]int16]
}

// places are the last few that differ. In one Reserve a sound can be in no more: a landing silence lies between them.
type places [4]int

func (p *places) add(at int) {
	i := slices.Index(p[:], at)
	if i < 0 {
		i = len(p) - 1
	}
	copy(p[1:i+1], p[:i])
	p[0] = at
}

func newLive(b *Bank, score *routines.Score) *Live {
	l := &Live{
		Renderer: newRenderer(score, b.bed(score)), bank: b, bell: make(chan struct{}, 1), loaded: map[*liveClip]bool{},
	}
	known := map[routines.Clip]*liveClip{}
	for _, cue := range score.Cues {
		c, has := known[cue.Clip]
		if !has {
			c = &liveClip{utterance: utterance{b.voice, cue.Clip, cue.Len}}
			known[cue.Clip] = c
		}
		l.clips = append(l.clips, c)
		l.add(heard{cue.At, cue.Len, &c.pcm})
	}
	return l
}

// Stream fills samples as Renderer.Stream does, with what is loaded.
func (l *Live) Stream(samples [][2]float64) (int, bool) {
	n, more := l.Renderer.Stream(samples)
	l.mu.Lock()
	l.at = l.Position()
	far := l.at >= l.due
	l.mu.Unlock()
	if far {
		l.ring()
	}
	return n, more
}

// Seek goes to a sample from 0 to Len.
func (l *Live) Seek(to int) error {
	if err := l.Renderer.Seek(to); err != nil {
		return err
	}
	l.mu.Lock()
	if to < l.at-near || to > l.at+near {
		l.left.add(l.at)
	}
	l.at = to
	l.mu.Unlock()
	l.ring()
	return nil
}

func (l *Live) ring() {
	select {
	case l.bell <- struct{}{}:
	default: // it rings already
	}
}

// Reach tells whether the sound can go on at a sample, and sees to it that this stays so.
func (l *Live) Reach(at int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked.add(at)
	for _, c := range l.between(at, at+near) {
		if c.pcm.Load() == nil {
			return false
		}
	}
	return true
}

// Load loads what the sound needs to go on at a sample. It fails only when ctx ends.
func (l *Live) Load(ctx context.Context, at int) error {
	l.mu.Lock()
	l.asked.add(at)
	clips := l.between(at, at+near)
	l.mu.Unlock()
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.NumCPU())
	for _, c := range clips {
		if c.pcm.Load() == nil {
			work.Go(func() error { return l.load(ctx, c) })
		}
	}
	return work.Wait()
}
