package mix

import (
	"sync/atomic"

	"guided/audio"
)

// blockLen is how many samples of a sound file are loaded and dropped together.
const blockLen = audio.Rate

// blocks is the samples of a clip as far as they are in memory: loaders put blocks in and take them out while renderers on
// any number of goroutines read. A speech or a tone is one block; a sound file has one for each blockLen.
type blocks struct {
	length int                       // samples of the clip
	size   int                       // samples of each block but the last
	loaded []atomic.Pointer[[]int16] // a block is never written to; nil: it is not in memory; shorter than its part of the clip: the rest is silent
}

func newBlocks(length, size int) *blocks {
	return &blocks{length, size, make([]atomic.Pointer[[]int16], (length+size-1)/size)}
}

// wholeClip returns a clip that is in memory as one block.
func wholeClip(pcm []int16) *blocks {
	b := newBlocks(len(pcm), max(1, len(pcm)))
	if len(pcm) > 0 {
		b.loaded[0].Store(&pcm)
	}
	return b
}

// from returns what is in memory from sample i on to the end of its block, and how many samples that block goes on for:
// those that pcm lacks are silent. i lies within the clip.
func (b *blocks) from(i int) (pcm []int16, n int) {
	k := i / b.size
	n = b.sizeOf(k) - i%b.size
	if p := b.loaded[k].Load(); p != nil && i%b.size < len(*p) {
		pcm = (*p)[i%b.size:]
	}
	return pcm, n
}

// sizeOf returns how many samples of the clip belong to a block.
func (b *blocks) sizeOf(k int) int { return min(b.size, b.length-k*b.size) }

// between returns the first block that has one of the samples from one to before another of the clip, and the one after
// the last.
func (b *blocks) between(from, to int) (first, end int) {
	from, to = max(0, from), min(b.length, to)
	if from >= to {
		return 0, 0
	}
	return from / b.size, (to-1)/b.size + 1
}
