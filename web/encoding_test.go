package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// newTestCache makes a cache in a temporary folder; its encodings end with the test.
func newTestCache(t *testing.T) (*fileCache, *strings.Builder) {
	t.Helper()
	var log strings.Builder
	var background sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); background.Wait() })
	return newFileCache(ctx, filepath.Join(t.TempDir(), "flac"), &background, slog.New(slog.NewTextHandler(&log, nil))), &log
}

const testKey = "0123456789abcdef0123456789abcdef"

// writeParts returns a fill that writes what it gets from a channel, until it is closed.
func writeParts(parts <-chan string) func(context.Context, io.WriteSeeker) error {
	return func(ctx context.Context, w io.WriteSeeker) error {
		for {
			select {
			case p, more := <-parts:
				if !more {
					return nil
				}
				if _, err := io.WriteString(w, p); err != nil {
					return err
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// endless writes until it is stopped.
func endless(ctx context.Context, w io.WriteSeeker) error {
	for ctx.Err() == nil {
		if _, err := w.Write([]byte("x")); err != nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return ctx.Err()
}

func TestEncodingIsReadWhileItGrows(t *testing.T) {
	c, _ := newTestCache(t)
	parts := make(chan string)
	var readers sync.WaitGroup
	outs := make([]bytes.Buffer, 3)
	for i := range outs {
		f, err := c.follow(t.Context(), testKey, writeParts(parts))
		if err != nil {
			t.Fatal(err)
		}
		readers.Go(func() {
			defer f.release()
			if err := f.copyTo(t.Context(), &outs[i]); err != nil {
				t.Error(err)
			}
		})
	}
	for _, p := range []string{"one ", "two ", "three"} {
		parts <- p
	}
	close(parts)
	readers.Wait()
	for i := range outs {
		if outs[i].String() != "one two three" {
			t.Errorf("reader %d has %q", i, outs[i].String())
		}
	}
	f := c.open(testKey)
	if f == nil {
		t.Fatal("the file is not kept")
	}
	defer f.Close()
	if data, err := io.ReadAll(f); err != nil || string(data) != "one two three" {
		t.Errorf("%q, %v", data, err)
	}
}

func TestEncodingEndsWithLastFollower(t *testing.T) {
	c, _ := newTestCache(t)
	c.grace = 20 * time.Millisecond
	var ends []<-chan struct{}
	for range 2 {
		f, err := c.follow(t.Context(), testKey, endless)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { <-f.done }()
		ends = append(ends, f.done)
		f.release()
	}
	for _, end := range ends {
		select {
		case <-end:
		case <-time.After(20 * time.Second):
			t.Fatal("it goes on")
		}
	}
	if left, err := os.ReadDir(c.dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestEncodingsHaveLimit(t *testing.T) {
	c, _ := newTestCache(t)
	key := func(i int) string { return testKey[:31] + string(rune('0'+i)) }
	var followers []*follower
	for i := range maxEncodings {
		f, err := c.follow(t.Context(), key(i), endless)
		if err != nil {
			t.Fatal(err)
		}
		followers = append(followers, f)
	}
	if _, err := c.follow(t.Context(), key(9), endless); !errors.Is(err, errTooManyEncodings) {
		t.Errorf("one more: %v", err)
	}
	if c.acquireSlot() {
		t.Error("one more that is not kept")
	}
	followers[1].release() // nobody waits for it any more: the next one may have its slot at once
	f, err := c.follow(t.Context(), key(9), endless)
	if err != nil {
		t.Fatal(err)
	}
	f.release()
	select {
	case <-followers[1].done:
	default:
		t.Error("the encoding that nobody follows goes on")
	}
}

// A reader sees how far an encoding came that fails, and can go on by another way from there.
func TestEncodingFailsInTheMiddle(t *testing.T) {
	c, log := newTestCache(t)
	c.limit = 8
	parts := make(chan string)
	f, err := c.follow(t.Context(), testKey, writeParts(parts))
	if err != nil {
		t.Fatal(err)
	}
	defer f.release()
	parts <- "0123"
	parts <- "4567"
	parts <- "8"
	var out bytes.Buffer
	if err := f.copyTo(t.Context(), &out); !errors.Is(err, errCacheFull) || out.String() != "01234567" || f.offset != 8 {
		t.Errorf("%v after %q", err, out.String())
	}
	skip := &skipWriter{&out, f.offset}
	for _, p := range []string{"0123", "45678", "", "9"} {
		if n, err := io.WriteString(skip, p); n != len(p) || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	if out.String() != "0123456789" {
		t.Errorf("together %q", out.String())
	}
	if strings.Count(log.String(), "\n") != 1 {
		t.Errorf("logged: %s", log)
	}
}

func TestFileCacheRemovesUnfinishedFiles(t *testing.T) {
	c, _ := newTestCache(t)
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	living, err := createLocked(c.dir, testKey)
	if err != nil {
		t.Fatal(err)
	}
	defer living.Close()
	for _, name := range []string{"." + testKey + ".12345.part", "." + testKey + ".flac678", "other"} {
		if err := os.WriteFile(filepath.Join(c.dir, name), []byte("fLaC"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(c.path(testKey), []byte("fLaC"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := living.WriteString("fLaC"); err != nil {
		t.Fatal(err)
	}
	var none sync.WaitGroup
	newFileCache(t.Context(), c.dir, &none, slog.New(slog.DiscardHandler))
	entries, err := os.ReadDir(c.dir)
	if err != nil || len(entries) != 2 || entries[0].Name() != filepath.Base(living.Name()) || entries[1].Name() != testKey+".flac" {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestFileCachePrunesOldest(t *testing.T) {
	c, _ := newTestCache(t)
	c.limit = 10
	for i, key := range []string{"a", "b", "c"} {
		key := strings.Repeat(key, 32)
		parts := make(chan string, 1)
		parts <- "12345"
		close(parts)
		f, err := c.follow(t.Context(), key, writeParts(parts))
		if err != nil {
			t.Fatal(err)
		}
		<-f.done
		f.release()
		past := time.Now().Add(time.Duration(i-10) * time.Hour)
		if err := os.Chtimes(c.path(key), past, past); err != nil {
			t.Fatal(err)
		}
	}
	for key, kept := range map[string]bool{"a": false, "b": true, "c": true} {
		f := c.open(strings.Repeat(key, 32))
		if (f != nil) != kept {
			t.Errorf("%s is kept: %v", key, f != nil)
		}
		if f != nil {
			f.Close()
		}
	}
}
