package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// encoding is a file that is being written, and read at the same time. Its encoder and every follower are its users; the
// last one closes the file.
type encoding struct {
	ctx    context.Context
	cancel context.CancelFunc
	opened chan struct{} // closed when file is there, or the encoding has ended without one
	done   chan struct{} // closed at the end; err is set before
	file   *os.File
	err    error

	mu          sync.Mutex // never held across I/O
	users       int
	unusedSince time.Time     // when the last follower left; zero while there is one
	written     int64         // bytes that can be read
	grown       chan struct{} // closed, and replaced, when there are more
}

// newEncoding has one user, its encoder.
func newEncoding(ctx context.Context) *encoding {
	e := &encoding{opened: make(chan struct{}), done: make(chan struct{}), grown: make(chan struct{}), users: 1}
	e.ctx, e.cancel = context.WithCancel(ctx)
	return e
}

// use adds a user.
func (e *encoding) use() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.users++
	e.unusedSince = time.Time{}
}

// release ends the use by one user.
func (e *encoding) release() {
	e.mu.Lock()
	e.users--
	if e.users == 1 {
		e.unusedSince = time.Now()
	}
	last := e.users == 0
	e.mu.Unlock()
	if last && e.file != nil {
		e.file.Close()
	}
}

// unusedFor is how long nobody has followed the encoding; zero while somebody does.
func (e *encoding) unusedFor() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.unusedSince.IsZero() {
		return 0
	}
	return max(1, time.Since(e.unusedSince))
}

// end tells the followers that no more is written, and ends the use by the encoder.
func (e *encoding) end(err error) {
	e.err = err
	if e.file == nil {
		close(e.opened)
	}
	close(e.done)
	e.cancel()
	e.release()
}

// encodingWriter is what an encoder writes to. It ends an encoding that nobody has followed for the grace.
type encodingWriter struct {
	*encoding
	offset, limit int64
	grace         time.Duration
}

func (w *encodingWriter) Write(b []byte) (int, error) {
	if w.unusedFor() > w.grace {
		w.cancel()
		return 0, context.Canceled
	}
	if w.offset+int64(len(b)) > w.limit {
		return 0, errCacheFull
	}
	n, err := w.file.WriteAt(b, w.offset)
	w.offset += int64(n)
	w.mu.Lock()
	if w.offset > w.written {
		w.written = w.offset
		close(w.grown)
		w.grown = make(chan struct{})
	}
	w.mu.Unlock()
	return n, err
}

// Seek goes back to what was written already.
func (w *encodingWriter) Seek(offset int64, whence int) (int64, error) {
	if whence != io.SeekStart {
		return w.offset, errors.New("only from the start")
	}
	w.offset = offset
	return offset, nil
}

// follower reads an encoding from its first byte.
type follower struct {
	*encoding
	offset int64
}

// finished waits for the end of the encoding, no longer than a time, and reports whether it has succeeded.
func (f *follower) finished(ctx context.Context, wait time.Duration) bool {
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	select {
	case <-f.done:
		return f.err == nil
	case <-timeout.C:
	case <-ctx.Done():
	}
	return false
}

// errClient is a failure of the client, not of the encoding.
var errClient = errors.New("the client has gone")

// copyTo writes everything to w as it comes. The error is errClient, or that of the encoding.
func (f *follower) copyTo(ctx context.Context, w io.Writer) error {
	buffer := make([]byte, 32<<10)
	for {
		f.mu.Lock()
		written, grown := f.written, f.grown
		f.mu.Unlock()
		ended := false
		select {
		case <-f.done: // written is final only if this is so before it is read
			f.mu.Lock()
			written = f.written
			f.mu.Unlock()
			ended = true
		default:
		}
		for f.offset < written {
			n, err := f.file.ReadAt(buffer[:min(int64(len(buffer)), written-f.offset)], f.offset)
			if n == 0 {
				return fmt.Errorf("reading what was encoded: %w", err)
			}
			if _, err := w.Write(buffer[:n]); err != nil {
				return fmt.Errorf("%w: %w", errClient, err)
			}
			f.offset += int64(n)
		}
		if ended {
			return f.err
		}
		select {
		case <-grown:
		case <-f.done:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", errClient, ctx.Err())
		}
	}
}

// createLocked creates a temporary file that is locked for as long as this process has it open.
func createLocked(dir, key string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "."+key+".*.part")
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		_ = os.Remove(f.Name())
		return nil, fmt.Errorf("locking %s: %w", f.Name(), err)
	}
	return f, nil
}

// isAbandoned reports whether no living process writes a temporary file. An empty one may be younger than its lock.
func isAbandoned(file string) bool {
	const young = 10 * time.Second
	f, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 && time.Since(info.ModTime()) < young {
		return false
	}
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
