package mix

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"guided/routines"
)

// loadWindow is how many samples an OfflineRenderer loads at a time.
const loadWindow = blockLen

// OfflineRenderer is a Renderer for a file: its blocks are loaded when they are streamed, and dropped behind the position.
// Stream waits for them, so that every sample is that of the score, whatever the disk. It ends early when its context
// does; Err says so then. A renderer belongs to one goroutine at a time; Clone makes one for another goroutine.
type OfflineRenderer struct {
	*Renderer
	shared *offlineBlocks
	held   []blockRef // in memory for this renderer
	from   int        // of the samples of the score for which held suffices
	to     int
	err    error
}

// offlineBlocks is what the clones of a renderer have in memory together.
type offlineBlocks struct {
	*scoreClips
	ctx context.Context

	usersMu sync.Mutex // never held across I/O
	users   map[blockRef]*blockUsers
}

// blockUsers counts the renderers that need a block.
type blockUsers struct {
	n      int
	loaded chan struct{} // closed when it is
	err    error         // set before
}

// RenderOffline returns a renderer of a score that loads its sounds as it comes to them. It fails only when ctx ends,
// which ends the rendering too. Close it and its clones.
func (b *Bank) RenderOffline(ctx context.Context, score *routines.Score) (*OfflineRenderer, error) {
	shared := &offlineBlocks{scoreClips: newScoreClips(b, score), ctx: ctx, users: map[blockRef]*blockUsers{}}
	shared.keeping = true
	ahead, cancel := context.WithCancel(ctx)
	var decoding sync.WaitGroup
	if runtime.NumCPU() > 1 && b.sounds.mustMeasureBed(ctx, shared.bedFile) {
		decoding.Go(func() { shared.decodeAhead(ahead) })
	}
	bed, err := shared.openBed(ctx)
	cancel()
	decoding.Wait()
	if err != nil {
		return nil, fmt.Errorf("loading the sounds of %s: %w", score.Name, err)
	}
	if bed != nil {
		shared.setBed(bed, 0)
	}
	return &OfflineRenderer{Renderer: shared.renderer(), shared: shared}, nil
}

// decodeAhead decodes the files of the cues for the cache, in their order, until ctx ends.
func (o *offlineBlocks) decodeAhead(ctx context.Context) {
	seen := map[*scoreClip]bool{}
	for _, c := range o.clips {
		if ctx.Err() != nil {
			return
		}
		if c.isFile && !seen[c] {
			seen[c] = true
			_ = o.bank.sounds.keep(ctx, c.fileName(), clipKind) // the rendering tells what is wrong with a file
		}
	}
}

// Clone returns a renderer of the same score at sample 0 for another goroutine. Blocks that both need are loaded once.
func (r *OfflineRenderer) Clone() *OfflineRenderer {
	return &OfflineRenderer{Renderer: r.shared.renderer(), shared: r.shared}
}

// Stream fills samples like Renderer.Stream, and waits for their sounds. It returns 0, false when its context ends.
func (r *OfflineRenderer) Stream(samples [][2]float64) (int, bool) {
	if end := min(r.at+len(samples), r.length); r.at < r.from || end > r.to {
		if r.err = r.Load(r.at, max(end, r.at+loadWindow)); r.err != nil {
			return 0, false
		}
	}
	return r.Renderer.Stream(samples)
}

// Err returns why Stream ended before the score did: its context ended.
func (r *OfflineRenderer) Err() error { return r.err }

// Load loads the sounds between two samples of the score, drops those that this renderer had before, and waits. It fails
// only when the context ends. Stream calls it; who wants to wait elsewhere calls it before.
func (r *OfflineRenderer) Load(from, to int) error {
	to = min(to, r.length)
	if from >= r.from && to <= r.to {
		return nil
	}
	if err := r.shared.ctx.Err(); err != nil { // also where others hold all that is needed
		return err
	}
	needed := r.shared.between(nil, from, to)
	err := r.shared.acquire(needed)
	r.shared.release(r.held)
	r.held, r.from, r.to = needed, from, to
	return err
}

// Close drops what the renderer has in memory.
func (r *OfflineRenderer) Close() {
	r.shared.release(r.held)
	r.held, r.from, r.to = nil, 0, 0
}

// acquire loads the blocks that are not in memory, and keeps all of them there until release.
func (o *offlineBlocks) acquire(list []blockRef) error {
	waiting := make([]*blockUsers, 0, len(list))
	var missing []blockRef
	o.usersMu.Lock()
	for _, ref := range list {
		u := o.users[ref]
		if u == nil {
			u = &blockUsers{loaded: make(chan struct{})}
			o.users[ref] = u
			ref.clip.users++
			missing = append(missing, ref)
		}
		u.n++
		waiting = append(waiting, u)
	}
	o.usersMu.Unlock()
	for _, ref := range missing {
		pcm, err := o.loadWhole(ref)
		o.usersMu.Lock()
		u := o.users[ref]
		if u.err = err; err == nil {
			ref.clip.loaded[ref.k].Store(pcm)
		}
		close(u.loaded)
		o.usersMu.Unlock()
	}
	for _, u := range waiting {
		<-u.loaded
		if u.err != nil {
			return u.err
		}
	}
	return nil
}

// loadWhole loads a block, however long its decoding takes.
func (o *offlineBlocks) loadWhole(ref blockRef) (*[]int16, error) {
	for {
		pcm, err := o.load(o.ctx, ref)
		if err != errBehind {
			return pcm, err
		}
	}
}

// release lets go of blocks that acquire has loaded. A file none of whose blocks is needed is closed.
func (o *offlineBlocks) release(list []blockRef) {
	o.usersMu.Lock()
	var idle []*scoreClip
	for _, ref := range list {
		u := o.users[ref]
		if u.n--; u.n == 0 {
			delete(o.users, ref)
			ref.clip.loaded[ref.k].Store(nil)
			if ref.clip.users--; ref.clip.users == 0 {
				idle = append(idle, ref.clip)
			}
		}
	}
	o.usersMu.Unlock()
	for _, c := range idle {
		c.drop()
	}
}
