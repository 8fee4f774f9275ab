package mix

import (
	"container/list"
	"sync"

	"guided/routines"
)

// clipCacheBytes is how much speech is kept that was heard lately, three quarters of a minute: the words of a count come
// back with every breath.
const clipCacheBytes = 4 << 20

// clipCache keeps the clips that were asked for last.
type clipCache struct {
	limit int // bytes

	mu    sync.Mutex
	clips map[clipKey]*list.Element
	lru   list.List // of *keptClip, the one asked for last in front
	bytes int       // bytes
}

// clipKey names a text in a voice at a length.
type clipKey struct {
	voice  string
	clip   routines.Clip
	length int
}

type cachedClip struct {
	clipKey
	pcm []int16
}

func newClipCache(limit int) *clipCache {
	return &clipCache{limit: limit, clips: map[clipKey]*list.Element{}}
}

func (r *clipCache) get(s clipKey) ([]int16, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, has := r.clips[s]
	if !has {
		return nil, false
	}
	r.lru.MoveToFront(e)
	return e.Value.(*cachedClip).pcm, true
}

// put keeps a clip, and forgets those that were not asked for the longest.
func (r *clipCache) put(s clipKey, pcm []int16) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, has := r.clips[s]; has || 2*len(pcm) > r.limit {
		return
	}
	r.clips[s] = r.lru.PushFront(&cachedClip{s, pcm})
	for r.bytes += 2 * len(pcm); r.bytes > r.limit; {
		last := r.lru.Remove(r.lru.Back()).(*cachedClip)
		delete(r.clips, last.clipKey)
		r.bytes -= 2 * len(last.pcm)
	}
}
