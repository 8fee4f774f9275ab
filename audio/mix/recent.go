package mix

import (
	"container/list"
	"sync"

	"guided/routines"
)

// recentBytes is how much speech is kept that was heard lately, three quarters of a minute: the words of a count come
// back with every breath.
const recentBytes = 4 << 20

// recent keeps the clips that were asked for last.
type recent struct {
	limit int // bytes

	mu    sync.Mutex
	clips map[utterance]*list.Element
	order list.List // of *keptClip, the one asked for last in front
	held  int       // bytes
}

// utterance names a text in a voice at a length.
type utterance struct {
	voice string
	clip  routines.Clip
	n     int
}

type keptClip struct {
	utterance
	pcm []int16
}

func newRecent(limit int) *recent { return &recent{limit: limit, clips: map[utterance]*list.Element{}} }

func (r *recent) get(s utterance) ([]int16, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, has := r.clips[s]
	if !has {
		return nil, false
	}
	r.order.MoveToFront(e)
	return e.Value.(*keptClip).pcm, true
}

// put keeps a clip, and forgets those that were not asked for the longest.
func (r *recent) put(s utterance, pcm []int16) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, has := r.clips[s]; has || 2*len(pcm) > r.limit {
		return
	}
	r.clips[s] = r.order.PushFront(&keptClip{s, pcm})
	for r.held += 2 * len(pcm); r.held > r.limit; {
		last := r.order.Remove(r.order.Back()).(*keptClip)
		delete(r.clips, last.utterance)
		r.held -= 2 * len(last.pcm)
	}
}
