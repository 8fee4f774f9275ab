package web

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"

	"guided/audio"

	"github.com/google/renameio/v2"
)

const (
	fileCacheBytes   = 512 << 20       // about four hours of FLAC
	fileCacheWorkers = 2               // files created at a time
	leftoverAge      = 5 * time.Second // of a temporary file that no process writes any more
)

// fileCache keeps FLAC files on disk. A file is created once, however many requests wait for it. Where the files take more
// than limit bytes, the least recently used are removed.
type fileCache struct {
	ctx        context.Context // ends the creation of files
	dir        string
	limit      int64
	log        *slog.Logger
	background *sync.WaitGroup
	workers    chan struct{}

	mu      sync.Mutex
	pending map[string]*pendingFile
}

// pendingFile is a file being created; err is set before done is closed.
type pendingFile struct {
	done chan struct{}
	err  error
}

// newFileCache removes temporary files that a killed process left, and creates files until ctx ends, in goroutines of background.
func newFileCache(ctx context.Context, dir string, background *sync.WaitGroup, log *slog.Logger) *fileCache {
	if err := audio.RemoveTemporary(dir, ".*.flac[0-9]*", leftoverAge); err != nil {
		log.Debug("temporary files cannot be removed", "dir", dir, "err", err)
	}
	return &fileCache{ctx: ctx, dir: dir, limit: fileCacheBytes, log: log, background: background, workers: make(chan struct{}, fileCacheWorkers), pending: map[string]*pendingFile{}}
}

func (c *fileCache) path(key string) string { return filepath.Join(c.dir, key+".flac") }

// open opens the file of a key; where it does not exist, fill writes it first. A file is completed even when no request
// waits for it any more: the context of fill is that of the cache.
func (c *fileCache) open(ctx context.Context, key string, fill func(context.Context, io.WriteSeeker) error) (*os.File, error) {
	for range 2 { // it may be removed again between its creation and the opening
		if f, err := os.Open(c.path(key)); err == nil {
			now := time.Now()
			_ = os.Chtimes(c.path(key), now, now) // the time of last use; it fails on a read-only disk, where nothing is removed
			return f, nil
		}
		file := c.join(key, fill)
		select {
		case <-file.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if file.err != nil {
			return nil, file.err
		}
	}
	return os.Open(c.path(key))
}

// join returns the pending file of a key; it begins to create one where there is none.
func (c *fileCache) join(key string, fill func(context.Context, io.WriteSeeker) error) *pendingFile {
	c.mu.Lock()
	defer c.mu.Unlock()
	if file, has := c.pending[key]; has {
		return file
	}
	file := &pendingFile{done: make(chan struct{})}
	c.pending[key] = file
	c.background.Go(func() {
		file.err = c.create(key, fill)
		c.mu.Lock()
		delete(c.pending, key)
		c.mu.Unlock()
		close(file.done)
	})
	return file
}

// create writes a file when a worker is free. The file appears under its name only when it is complete.
func (c *fileCache) create(key string, fill func(context.Context, io.WriteSeeker) error) error {
	select {
	case c.workers <- struct{}{}:
		defer func() { <-c.workers }()
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return fmt.Errorf("keeping the file: %w", err)
	}
	file, err := renameio.NewPendingFile(c.path(key), renameio.WithTempDir(c.dir))
	if err != nil {
		return fmt.Errorf("keeping the file: %w", err)
	}
	defer file.Cleanup()
	if err := fill(c.ctx, file); err != nil {
		return err
	}
	if err := file.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("keeping the file: %w", err)
	}
	c.prune(key)
	return nil
}

// prune removes the least recently used files above the limit, but never the newest one, and temporary files that a
// killed program left.
func (c *fileCache) prune(newest string) {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		c.log.Warn("the kept files cannot be counted", "err", err)
		return
	}
	var files []os.FileInfo
	total := int64(0)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue
		}
		if !strings.HasSuffix(e.Name(), ".flac") && time.Since(info.ModTime()) > time.Hour {
			c.remove(e.Name())
		} else {
			files = append(files, info)
			total += info.Size()
		}
	}
	sort.Slice(files, func(i, j int) bool { return files[i].ModTime().Before(files[j].ModTime()) })
	for _, f := range files {
		if total > c.limit && f.Name() != newest+".flac" && strings.HasSuffix(f.Name(), ".flac") {
			total -= f.Size()
			c.remove(f.Name())
		}
	}
}

func (c *fileCache) remove(name string) {
	if err := os.Remove(filepath.Join(c.dir, name)); err != nil {
		c.log.Warn("a kept file cannot be thrown away", "err", err)
	}
}
