package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	fileCacheBytes = 512 << 20       // about four hours of FLAC
	encodingGrace  = 5 * time.Second // a speaker often ends its first request and asks again at once
)

var (
	errTooManyEncodings = errors.New("enough files are being made at the moment")
	errCacheFull        = errors.New("the file is larger than the whole cache")
)

// fileCache keeps FLAC files on disk. A file is encoded once, however many requests follow it while it grows, and only for
// as long as one of them does. Where the files take more than limit bytes, the least recently used are removed.
type fileCache struct {
	ctx        context.Context // ends the encodings
	dir        string
	limit      int64
	grace      time.Duration // encodingGrace
	log        *slog.Logger
	background *sync.WaitGroup
	slots      chan struct{} // encodings at a time, also of those that are not kept
	failing    atomic.Bool   // no file can be kept, and that was logged

	mu        sync.Mutex
	encodings map[string]*encoding
}

// newFileCache removes what a killed process left behind. Encodings run until ctx ends, in goroutines of background.
func newFileCache(ctx context.Context, dir string, background *sync.WaitGroup, log *slog.Logger) *fileCache {
	c := &fileCache{
		ctx: ctx, dir: dir, limit: fileCacheBytes, grace: encodingGrace, log: log, background: background,
		slots: make(chan struct{}, maxEncodings), encodings: map[string]*encoding{},
	}
	c.removeAbandoned()
	return c
}

func (c *fileCache) path(key string) string { return filepath.Join(c.dir, key+".flac") }

// open opens the finished file of a key; nil where there is none.
func (c *fileCache) open(key string) *os.File {
	f, err := os.Open(c.path(key))
	if err != nil {
		return nil
	}
	now := time.Now()
	_ = os.Chtimes(c.path(key), now, now) // the time of last use; it fails on a read-only disk, where nothing is removed
	return f
}

// follow returns a reader of the file of a key while it is encoded, by fill; it begins the encoding where there is none.
// The error is errTooManyEncodings, that of ctx, or why no file can be kept here.
func (c *fileCache) follow(ctx context.Context, key string, fill func(context.Context, io.WriteSeeker) error) (*follower, error) {
	for {
		e, fresh := c.join(key)
		if e == nil {
			unused := c.cancelUnused()
			if unused == nil {
				return nil, errTooManyEncodings
			}
			select {
			case <-unused.done:
				continue
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		if fresh {
			c.background.Go(func() { c.encode(e, key, fill) })
		}
		select {
		case <-e.opened:
		case <-ctx.Done():
			e.release()
			return nil, ctx.Err()
		}
		if e.file == nil {
			<-e.done
			e.release()
			return nil, e.err
		}
		return &follower{encoding: e}, nil
	}
}

// join adds a user to the encoding of a key; fresh says that it is a new one, which has a slot. It returns nil where no
// slot is free.
func (c *fileCache) join(key string) (e *encoding, fresh bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, has := c.encodings[key]; has && e.ctx.Err() == nil {
		e.use()
		return e, false
	} else if has {
		return nil, false // it was cancelled, and ends
	}
	select {
	case c.slots <- struct{}{}:
	default:
		return nil, false
	}
	e = newEncoding(c.ctx)
	e.use()
	c.encodings[key] = e
	return e, true
}

// cancelUnused cancels an encoding that no request follows any more, and returns it, nil if there is none.
func (c *fileCache) cancelUnused() *encoding {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.encodings {
		if e.ctx.Err() != nil || e.unusedFor() > 0 {
			e.cancel()
			return e
		}
	}
	return nil
}

// acquireSlot takes a slot for an encoding that is not kept; releaseSlot gives it back.
func (c *fileCache) acquireSlot() bool {
	select {
	case c.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

func (c *fileCache) releaseSlot() { <-c.slots }

// encode writes the file of a key, and ends the encoding.
func (c *fileCache) encode(e *encoding, key string, fill func(context.Context, io.WriteSeeker) error) {
	err := c.create(e, key, fill)
	switch {
	case err == nil:
		c.failing.Store(false)
	case e.ctx.Err() == nil && !errors.Is(err, errBusy) && !c.failing.Swap(true):
		c.log.Warn("FLAC files cannot be kept: each is made anew for every listener, and cannot be searched; see to the folder and to the room on its disk", "folder", c.dir, "err", err)
	}
	c.mu.Lock()
	delete(c.encodings, key)
	c.mu.Unlock()
	<-c.slots
	e.end(err)
}

// create writes a temporary file, and renames it when it is complete.
func (c *fileCache) create(e *encoding, key string, fill func(context.Context, io.WriteSeeker) error) error {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return fmt.Errorf("keeping the file: %w", err)
	}
	file, err := createLocked(c.dir, key)
	if err != nil {
		return fmt.Errorf("keeping the file: %w", err)
	}
	complete := false
	defer func() {
		if !complete {
			_ = os.Remove(file.Name()) // a later start removes it otherwise
		}
	}()
	e.file = file
	close(e.opened)
	if err := fill(e.ctx, &encodingWriter{encoding: e, limit: c.limit, grace: c.grace}); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("keeping the file: %w", err)
	}
	if err := os.Rename(file.Name(), c.path(key)); err != nil {
		return fmt.Errorf("keeping the file: %w", err)
	}
	complete = true
	c.prune(key)
	return nil
}

// finishedName matches the names of complete files; every other file of the folder is one that is being written, or was.
var finishedName = regexp.MustCompile(`^[0-9a-f]{32}\.flac$`)

// prune removes the least recently used files above the limit, but never the newest one, and what killed processes left.
func (c *fileCache) prune(newest string) {
	c.removeAbandoned()
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		c.log.Warn("the kept files cannot be counted", "err", err)
		return
	}
	var files []os.FileInfo
	total := int64(0)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			files = append(files, info)
			total += info.Size()
		}
	}
	slices.SortFunc(files, func(a, b os.FileInfo) int { return cmp.Compare(a.ModTime().UnixNano(), b.ModTime().UnixNano()) })
	for _, f := range files {
		if total > c.limit && f.Name() != newest+".flac" && finishedName.MatchString(f.Name()) {
			total -= f.Size()
			c.remove(f.Name())
		}
	}
}

// removeAbandoned removes the unfinished files of processes that have ended.
func (c *fileCache) removeAbandoned() {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return // no file was ever kept, or prune reports it
	}
	for _, e := range entries {
		if e.Type().IsRegular() && !finishedName.MatchString(e.Name()) && isAbandoned(filepath.Join(c.dir, e.Name())) {
			c.remove(e.Name())
		}
	}
}

func (c *fileCache) remove(name string) {
	if err := os.Remove(filepath.Join(c.dir, name)); err != nil {
		c.log.Warn("a kept file cannot be thrown away", "err", err)
	}
}
