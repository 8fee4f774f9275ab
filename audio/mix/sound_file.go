package mix

import (
	"sync"
	"weak"
)

// soundFile is one version of a sound file.
type soundFile struct {
	version fileVersion
	busy    chan struct{} // capacity 1: held by who measures it, so that it is measured once

	mu     sync.Mutex // never held across I/O
	facts  soundFacts
	dirty  bool    // the facts are not in the index
	kept   [2]bool // by kind: the samples are being decoded for the store
	blocks map[sharedBlock]weak.Pointer[[]int16]
	head   weak.Pointer[[]int16] // the beginning of its loop, while somebody decodes that
}

// learnt returns what is known of the file.
func (k *soundFile) learnt() soundFacts {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.facts
}

// loopHead returns the beginning of the loop, nil where nobody decodes it.
func (k *soundFile) loopHead() *[]int16 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.head.Value()
}

// learn changes what is known of the file.
func (k *soundFile) learn(change func(*soundFacts)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change(&k.facts)
	k.dirty = true
}

// fail notes that the file cannot be played.
func (k *soundFile) fail(err error) {
	k.learn(func(f *soundFacts) { f.err = err })
}

// beginKeeping reports whether nobody else decodes the samples for the store, until endKeeping.
func (k *soundFile) beginKeeping(kind soundKind) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	begun := !k.kept[kind]
	k.kept[kind] = true
	return begun
}

func (k *soundFile) endKeeping(kind soundKind) {
	k.mu.Lock()
	k.kept[kind] = false
	k.mu.Unlock()
}

// sharedBlock names a block of a version.
type sharedBlock struct {
	kind soundKind
	k    int
}

// shared returns a block that somebody plays, nil where nobody does.
func (k *soundFile) shared(b sharedBlock) *[]int16 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.blocks[b].Value()
}

// maxSharedBlocks is where the blocks that nobody plays any more are forgotten.
const maxSharedBlocks = 256

// share lets others play a block too.
func (k *soundFile) share(b sharedBlock, pcm *[]int16) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.blocks == nil {
		k.blocks = map[sharedBlock]weak.Pointer[[]int16]{}
	}
	if len(k.blocks) >= maxSharedBlocks {
		for b, p := range k.blocks {
			if p.Value() == nil {
				delete(k.blocks, b)
			}
		}
	}
	k.blocks[b] = weak.Make(pcm)
}
