package mix

import (
	"context"
	"slices"
	"sort"
)

// keepAhead loads and drops clips as the sound goes on, until ctx ends.
func (l *Live) keepAhead(ctx context.Context) {
	own := ownPages()
	for ctx.Err() == nil {
		l.catchUp(ctx)
		own.shed()
		select {
		case <-ctx.Done():
		case <-l.bell:
		}
	}
}

// catchUp loads what the sound will need from where it is. It may go elsewhere at any moment.
func (l *Live) catchUp(ctx context.Context) {
	for c := l.turn(); c != nil && l.load(ctx, c) == nil; c = l.turn() {
	}
}

// turn drops what is not needed any more, and tells which clip to load next, nil for none.
func (l *Live) turn() *liveClip {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.due = l.at + refill
	needed := l.between(l.at, l.at+ahead)
	needed = append(needed, l.between(l.at-near, l.at)...)
	for _, at := range slices.Concat(l.asked[:], l.left[:]) {
		needed = append(needed, l.between(at-near, at+near)...)
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

// load loads a clip, from what was heard lately where it can. One that cannot be had stays silent, and was told once.
func (l *Live) load(ctx context.Context, c *liveClip) error {
	pcm, has := l.bank.recent.get(c.utterance)
	if !has {
		r, err := l.bank.exactly(ctx, c.clip, c.n)
		if err != nil {
			return err
		}
		pcm = r.PCM
		if c.clip.Say != "" && pcm != nil { // a sound file may be another one tomorrow
			l.bank.recent.put(c.utterance, pcm)
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

// between is the clips that sound in a stretch of the score, in the order of time.
func (l *Live) between(from, to int) []*liveClip {
	var list []*liveClip
	first := sort.Search(len(l.cues), func(i int) bool { return l.cues[i].at > from-l.longest })
	for i, c := range l.cues[first:] {
		if c.at >= to {
			break
		}
		if c.at+c.n > from {
			list = append(list, l.clips[first+i])
		}
	}
	return list
}
