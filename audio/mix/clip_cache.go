package mix

import (
	"container/list"
	"sync"

	"guided/routines"
)

// clipCacheBytes is how much speech a bank keeps after it was played: three quarters of a minute. The words of a count
// come back with every breath.
const clipCacheBytes = 4 << 20

// clipCache is a least-recently-used cache of clips in memory, limited by their bytes. It is safe for concurrent use.
type clipCache struct {
	limit int // bytes

	mu    sync.Mutex
	clips map[clipKey]*list.Element
	lru   list.List // of *cachedClip, the most recently used in front
	bytes int
}

// clipKey names a clip in a voice at a length in samples.
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

func (c *clipCache) get(key clipKey) ([]int16, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, has := c.clips[key]
	if !has {
		return nil, false
	}
	c.lru.MoveToFront(e)
	return e.Value.(*cachedClip).pcm, true
}

func (c *clipCache) has(key clipKey) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, has := c.clips[key]
	return has
}

// put adds a clip and evicts the least recently used ones beyond the limit. A clip larger than the limit is not kept.
func (c *clipCache) put(key clipKey, pcm []int16) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, has := c.clips[key]; has || 2*len(pcm) > c.limit {
		return
	}
	c.clips[key] = c.lru.PushFront(&cachedClip{key, pcm})
	for c.bytes += 2 * len(pcm); c.bytes > c.limit; {
		oldest := c.lru.Remove(c.lru.Back()).(*cachedClip)
		delete(c.clips, oldest.clipKey)
		c.bytes -= 2 * len(oldest.pcm)
	}
}
