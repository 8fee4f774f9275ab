package mix

import (
	"slices"
	"testing"
)

func TestClipCacheEvictsLeastRecentlyUsed(t *testing.T) {
	r := newClipCache(600)
	name := func(text string) clipKey { return clipKey{clip: speech(text), length: 100} }
	for _, text := range []string{"one", "two", "three"} {
		r.put(name(text), make([]int16, 100))
	}
	r.get(name("one"))
	r.put(name("four"), make([]int16, 100))
	r.put(name("four"), make([]int16, 100))
	r.put(name("longer than all of it"), make([]int16, 301))
	var kept []string
	for _, text := range []string{"one", "two", "three", "four", "longer than all of it"} {
		if _, has := r.get(name(text)); has {
			kept = append(kept, text)
		}
	}
	if want := []string{"one", "three", "four"}; !slices.Equal(kept, want) || r.bytes != 600 {
		t.Errorf("kept %q in %d bytes, want %q", kept, r.bytes, want)
	}
}
