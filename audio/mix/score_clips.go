package mix

import (
	"context"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"guided/audio"
	"guided/audio/voice"
	"guided/routines"
)

// scoreClips is what a score is made of, in blocks that are loaded as they are needed. Renderers on any number of goroutines
// may share it.
type scoreClips struct {
	bank    *Bank
	score   *routines.Score
	cues    []scheduledClip // in the order of their start
	clips   []*scoreClip    // of each cue
	longest int             // samples of the longest cue
	bedFile string          // the sound file that is the bed; empty: none is
	loop    *loopedSound    // of bedFile
	bed     atomic.Pointer[scoreClip]
	keeping bool // what is decoded is kept on disk at once

	mu        sync.Mutex
	undecoded []*scoreClip // those that were found to need decoding, since the last takeUndecoded
}

// scoreClip is a distinct clip of a score, shared by all of its cues, or the loop of its bed.
type scoreClip struct {
	key clipKey
	*blocks
	isFile bool
	kind   soundKind
	users  int // blocks in memory, guarded by who counts them

	busy   chan struct{} // capacity 1: held by who reads the file; guards reader and speech
	reader *soundReader  // nil while the file is not open
	speech *voice.Speech // nil while no speech is being decoded

	partial atomic.Bool // what is in memory is the beginning of a speech
}

// blockRef is one block of a clip.
type blockRef struct {
	clip *scoreClip
	k    int
}

func (r blockRef) samples() int { return r.clip.sizeOf(r.k) }

// pcm returns the block, nil where it is not in memory.
func (r blockRef) pcm() *[]int16 { return r.clip.loaded[r.k].Load() }

// whole reports whether all of the block is in memory.
func (r blockRef) whole() bool { return r.pcm() != nil && !r.clip.partial.Load() }

func newScoreClips(b *Bank, score *routines.Score) *scoreClips {
	s := &scoreClips{bank: b, score: score}
	if name := score.Bed.Sound; name != "" && !slices.Contains(routines.BedNames(), name) {
		s.bedFile, s.loop = name, &loopedSound{}
	}
	distinct := map[routines.Clip]*scoreClip{}
	for _, cue := range score.Cues {
		c, has := distinct[cue.Clip]
		if !has {
			c = newScoreClip(clipKey{b.voice, cue.Clip, cue.Len})
			distinct[cue.Clip] = c
		}
		s.clips = append(s.clips, c)
		s.cues = append(s.cues, scheduledClip{cue.At, cue.Len, c.blocks})
		s.longest = max(s.longest, cue.Len)
	}
	return s
}

func newScoreClip(key clipKey) *scoreClip {
	c := &scoreClip{key: key, isFile: isSoundFile(key.clip), busy: make(chan struct{}, 1)}
	size := max(1, key.length)
	if c.isFile {
		size = blockLen
	}
	c.blocks = newBlocks(key.length, size)
	return c
}

// isSoundFile reports whether a clip is a file of the user's.
func isSoundFile(c routines.Clip) bool {
	return c.Sound != "" && !slices.Contains(routines.SoundNames(), c.Sound) && !slices.Contains(routines.SwellNames(), c.Sound)
}

// renderer returns a renderer of the score with a position of its own.
func (s *scoreClips) renderer() *Renderer {
	r := newRenderer(s.score, s.loop)
	r.cues, r.longest = s.cues, s.longest
	return r
}

// openBed finds the loop of the bed; where there is none, it does nothing. from is the sample of the score at which the bed
// begins to be heard, 0 for its start. A file that cannot be used is logged, and the bed is silent. It fails only when ctx
// ends.
func (s *scoreClips) openBed(ctx context.Context) (*scoreClip, error) {
	if s.bedFile == "" {
		return nil, nil
	}
	reader := s.bank.openBed(ctx, s.bedFile, s.keeping)
	if reader == nil {
		return nil, ctx.Err()
	}
	bed := &scoreClip{
		key: clipKey{clip: bedClipKey(s.bedFile), length: reader.length}, blocks: newBlocks(reader.length, blockLen),
		isFile: true, kind: loopKind, busy: make(chan struct{}, 1), reader: reader,
	}
	s.noteUndecoded(bed)
	return bed, nil
}

// setBed makes the bed heard from a sample of the score on.
func (s *scoreClips) setBed(bed *scoreClip, from int) {
	s.loop.from.Store(int64(from))
	s.loop.loop.Store(bed.blocks)
	s.bed.Store(bed)
}

// between appends the blocks that sound between two samples of the score, in the order in which they are needed.
func (s *scoreClips) between(list []blockRef, from, to int) []blockRef {
	from, to = max(0, from), min(to, s.score.Len)
	if bed := s.bed.Load(); bed != nil {
		for at := from; at < to; {
			i := at % bed.length
			k := i / bed.size
			list = append(list, blockRef{bed, k})
			at += bed.sizeOf(k) - i%bed.size
		}
	}
	first := s.firstCue(from)
	for i, c := range s.cues[first:] {
		if c.at >= to {
			break
		}
		clip := s.clips[first+i]
		k, end := clip.between(from-c.at, to-c.at)
		for ; k < end; k++ {
			list = append(list, blockRef{clip, k})
		}
	}
	return list
}

// firstCue is the first cue that may sound at a sample of the score, or after it.
func (s *scoreClips) firstCue(from int) int {
	return sort.Search(len(s.cues), func(i int) bool { return s.cues[i].at > from-s.longest })
}

// load reads a block. What is not available is logged and silent. It fails when ctx ends, and with errBehind where the
// decoding takes long.
func (s *scoreClips) load(ctx context.Context, ref blockRef) (*[]int16, error) {
	if ref.clip.isFile {
		return s.loadFileBlock(ctx, ref)
	}
	pcm, has := s.bank.clips.get(ref.clip.key)
	if !has {
		r, err := s.bank.loadExact(ctx, ref.clip.key.clip, ref.clip.key.length)
		if err != nil {
			return nil, err
		}
		if pcm = r.PCM; pcm != nil {
			s.bank.clips.put(ref.clip.key, pcm)
		}
	}
	return &pcm, nil
}

// loadAll reads all of a sound file into memory, however long its decoding takes. It fails only when ctx ends.
func (s *scoreClips) loadAll(ctx context.Context, c *scoreClip) (voice.Recording, error) {
	pcm := make([]int16, c.length)
	for k := range c.loaded {
		block, err := s.load(ctx, blockRef{c, k})
		for err == errBehind {
			block, err = s.load(ctx, blockRef{c, k})
		}
		if err != nil {
			return voice.Recording{}, err
		}
		copy(pcm[k*c.size:], *block)
	}
	return voice.Recording{PCM: pcm}, nil
}

// loadFileBlock is load for a sound file, which is opened at the first block.
func (s *scoreClips) loadFileBlock(ctx context.Context, ref blockRef) (*[]int16, error) {
	c := ref.clip
	if err := c.hold(ctx); err != nil {
		return nil, err
	}
	defer c.letGo()
	if pcm := ref.pcm(); pcm != nil { // another goroutine has loaded it meanwhile
		return pcm, nil
	}
	err := error(nil)
	if c.reader == nil {
		if c.reader, err = s.bank.sounds.open(ctx, c.fileName(), c.kind, s.keeping); err == nil {
			s.noteUndecoded(c)
		}
	}
	var pcm *[]int16
	if err == nil {
		pcm, err = c.reader.block(ctx, ref.k)
	}
	switch {
	case err == nil:
		s.bank.sounds.problems.forget(clipName(c.key.clip))
		return c.fit(pcm, ref.k), nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err == errBehind:
		return nil, err
	}
	c.closeReader() // the next block is tried anew
	s.bank.sounds.problems.tellClip(c.key.clip, err)
	return &[]int16{}, nil
}

// noteUndecoded notes a clip whose file was just opened, where it must be decoded to be played.
func (s *scoreClips) noteUndecoded(c *scoreClip) {
	if _, is := c.reader.source.(*decodedSource); is && !s.keeping {
		s.mu.Lock()
		s.undecoded = append(s.undecoded, c)
		s.mu.Unlock()
	}
}

// takeUndecoded returns the clips that noteUndecoded has noted, and forgets them.
func (s *scoreClips) takeUndecoded() []*scoreClip {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.undecoded
	s.undecoded = nil
	return list
}

func (c *scoreClip) fileName() string { return c.key.clip.Sound }

// fit returns a block of a file at the length that the score has planned for the clip, like audio.FitLength: where the file
// is longer, it is cut after a fade.
func (c *scoreClip) fit(pcm *[]int16, k int) *[]int16 {
	n, begin := c.sizeOf(k), k*c.size
	fade := c.length - min(audio.RampLen, c.length) // the first sample of a fade out
	if c.reader.length <= c.length || begin+n <= fade {
		return pcm
	}
	out := slices.Clone((*pcm)[:min(n, len(*pcm))])
	for i := max(0, fade-begin); i < len(out); i++ {
		out[i] = int16(int(out[i]) * (c.length - 1 - begin - i) / audio.RampLen)
	}
	return &out
}

// hold waits until nobody else reads the clip; letGo is to follow. It fails when ctx ends.
func (c *scoreClip) hold(ctx context.Context) error {
	select {
	case c.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *scoreClip) letGo() { <-c.busy }

// drop closes the file of a clip, unless it is being read.
func (c *scoreClip) drop() {
	select {
	case c.busy <- struct{}{}:
		c.closeReader()
		c.closeSpeech()
		c.letGo()
	default:
	}
}

// closeSpeech ends the decoding of a speech: what is in memory then is whole, or dropped.
func (c *scoreClip) closeSpeech() {
	c.speech = nil
	c.partial.Store(false)
}

func (c *scoreClip) closeReader() {
	if c.reader != nil {
		c.reader.close()
		c.reader = nil
	}
}

// loadExact loads a clip of n samples that is no sound file. A clip that is not available is logged and returned without
// samples. It fails only when ctx ends.
func (b *Bank) loadExact(ctx context.Context, clip routines.Clip, n int) (voice.Recording, error) {
	r, err := b.loadClip(ctx, clip)
	switch {
	case ctx.Err() != nil:
		return voice.Recording{}, ctx.Err()
	case err != nil:
		b.sounds.problems.tellClip(clip, err)
		return voice.Recording{}, nil
	}
	b.sounds.problems.forget(clipName(clip))
	return voice.Recording{PCM: audio.FitLength(r.PCM, n), Beat: r.Beat}, nil
}
