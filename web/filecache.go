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

	"github.com/google/renameio/v2"
)

const (
	fileCacheBytes   = 512 << 20 // some four hours of sound
	fileCacheWorkers = 2         // files made at a time
)

// fileCache keeps files on disk that take long to make, each made once however many wait for it. What was not asked for
// the longest goes first.
type fileCache struct {
	ctx        context.Context
	dir        string
	limit      int64
	log        *slog.Logger
	background *sync.WaitGroup
	workers    chan struct{}

	mu      sync.Mutex
	pending map[string]*pendingFile
}

// pendingFile is a file being made; err is there when done is closed.
type pendingFile struct {
	done chan struct{}
	err  error
}

// newFileCache makes files until ctx ends, in goroutines that background counts.
func newFileCache(ctx context.Context, dir string, background *sync.WaitGroup, log *slog.Logger) *fileCache {
	return &fileCache{ctx: ctx, dir: dir, limit: fileCacheBytes, log: log, background: background, workers: make(chan struct{}, fileCacheWorkers), pending: map[string]*pendingFile{}}
}

func (s *fileCache) path(key string) string { return filepath.Join(s.dir, key+".flac") }

// open opens a file, and has it made where it is not there. A file being made is finished though nobody waits any more.
func (s *fileCache) open(ctx context.Context, key string, fill func(io.WriteSeeker) error) (*os.File, error) {
	for range 2 { // between the making and the opening it may have been thrown away again
		if f, err := os.Open(s.path(key)); err == nil {
			now := time.Now()
			_ = os.Chtimes(s.path(key), now, now) // on a disk that cannot be written nothing is thrown away either
			return f, nil
		}
		j := s.join(key, fill)
		select {
		case <-j.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if j.err != nil {
			return nil, j.err
		}
	}
	return os.Open(s.path(key))
}

// join is the one that makes a file.
func (s *fileCache) join(key string, fill func(io.WriteSeeker) error) *pendingFile {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j, has := s.pending[key]; has {
		return j
	}
	j := &pendingFile{done: make(chan struct{})}
	s.pending[key] = j
	s.background.Go(func() {
		j.err = s.create(key, fill)
		s.mu.Lock()
		delete(s.pending, key)
		s.mu.Unlock()
		close(j.done)
	})
	return j
}

// create makes a file, whole or not at all.
func (s *fileCache) create(key string, fill func(io.WriteSeeker) error) error {
	select {
	case s.workers <- struct{}{}:
		defer func() { <-s.workers }()
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return fmt.Errorf("keeping the file: %w", err)
	}
	file, err := renameio.NewPendingFile(s.path(key), renameio.WithTempDir(s.dir))
	if err != nil {
		return fmt.Errorf("keeping the file: %w", err)
	}
	defer file.Cleanup()
	if err := fill(file); err != nil {
		return err
	}
	if err := file.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("keeping the file: %w", err)
	}
	s.prune(key)
	return nil
}

// prune throws away what is too much, never the newest file, and what a program left that was killed.
func (s *fileCache) prune(newest string) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		s.log.Warn("the kept files cannot be counted", "err", err)
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
			s.remove(e.Name())
		} else {
			files = append(files, info)
			total += info.Size()
		}
	}
	sort.Slice(files, func(i, j int) bool { return files[i].ModTime().Before(files[j].ModTime()) })
	for _, f := range files {
		if total > s.limit && f.Name() != newest+".flac" && strings.HasSuffix(f.Name(), ".flac") {
			total -= f.Size()
			s.remove(f.Name())
		}
	}
}

func (s *fileCache) remove(name string) {
	if err := os.Remove(filepath.Join(s.dir, name)); err != nil {
		s.log.Warn("a kept file cannot be thrown away", "err", err)
	}
}
