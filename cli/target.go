package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"
)

// A target is where a command writes its result: a file, which is replaced as a whole, a FIFO or a device, or standard output.
type target struct {
	path    string // without a symbolic link at its end
	stdout  bool
	replace bool // a regular file, or one that does not exist yet
	sound   bool // and no text
	out     io.Writer
}

// newTarget refuses what cannot or should not be written to, before any work is done. Sound does not go to a terminal.
func newTarget(output string, stdout io.Writer, sound bool) (*target, error) {
	t := &target{path: output, out: stdout, sound: sound}
	if slices.Contains([]string{"", "-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}, output) {
		t.stdout = true
		if sound && isTerminal(stdout) {
			return nil, errors.New("standard output is a terminal: name a file with -o, or send the sound to a program, such as: | aplay")
		}
		return t, nil
	}
	if target, err := os.Readlink(output); err == nil {
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(output), target)
		}
		t.path = target
		if real, err := filepath.EvalSymlinks(target); err == nil {
			t.path = real
		}
	}
	info, err := os.Stat(t.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		t.replace = true
	case err != nil:
		return nil, fmt.Errorf("writing to %s: %w", output, err)
	case info.IsDir():
		return nil, fmt.Errorf("%s is a folder; name a file in it", output)
	case info.Mode().Perm()&0o222 == 0 || unix.Access(t.path, unix.W_OK) != nil:
		return nil, fmt.Errorf("%s exists and may not be written to; name another file, or remove it", output)
	default:
		t.replace = info.Mode().IsRegular()
	}
	return t, nil
}

// write passes encode the writer to the target, which fails when ctx ends.
func (t *target) write(ctx context.Context, encode func(io.Writer) error) error {
	switch {
	case t.stdout:
		return encode(contextWriter{ctx, t.out})
	case !t.replace:
		return t.writeThrough(ctx, encode)
	}
	file, err := renameio.NewPendingFile(t.path, renameio.WithTempDir(filepath.Dir(t.path)), renameio.WithPermissions(0o644), renameio.WithExistingPermissions())
	if err != nil {
		return err
	}
	defer file.Cleanup()
	if err := encode(&earlyWriter{w: contextWriter{ctx, file}, fd: int(file.Fd())}); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return file.CloseAtomicallyReplace()
}

// writeThrough writes to a FIFO, for whose reader it waits, or to a device.
func (t *target) writeThrough(ctx context.Context, encode func(io.Writer) error) error {
	file, err := openForWriting(ctx, t.path)
	if err != nil {
		return err
	}
	defer file.Close()
	if t.sound && isTerminal(file) {
		return errors.New("it is a terminal; name a file")
	}
	defer context.AfterFunc(ctx, func() { _ = file.SetWriteDeadline(time.Now()) })() // where the reader has stopped reading
	if err := encode(contextWriter{ctx, file}); err != nil {
		return err
	}
	return file.Close()
}

// readerWait is how often a FIFO is tried that nobody reads yet.
const readerWait = 50 * time.Millisecond

// openForWriting opens a file that exists. Of a FIFO it waits for the reader, or for the end of ctx.
func openForWriting(ctx context.Context, path string) (*os.File, error) {
	info, err := os.Stat(path)
	fifo := err == nil && info.Mode()&fs.ModeNamedPipe != 0
	for {
		file, err := os.OpenFile(path, os.O_WRONLY|unix.O_NONBLOCK, 0)
		if !fifo || !errors.Is(err, syscall.ENXIO) {
			return file, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(readerWait):
		}
	}
}

// afterInterrupt says what an interrupt has left.
func (t *target) afterInterrupt() string {
	if t.replace {
		return t.path + " is as it was before"
	}
	return "what was written is not whole"
}

// contextWriter fails once ctx has ended.
type contextWriter struct {
	ctx context.Context
	w   io.Writer
}

func (w contextWriter) Write(b []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.w.Write(b)
}

// earlyBytes is how much of a file is written before the disk begins to take it.
const earlyBytes = 8 << 20

// earlyWriter writes a file that will be forced to the disk at its end, and has the disk begin with it meanwhile.
type earlyWriter struct {
	w     io.Writer
	fd    int
	begun int64 // bytes that the disk was told to take
	bytes int64 // written so far
}

func (w *earlyWriter) Write(b []byte) (int, error) {
	n, err := w.w.Write(b)
	if w.bytes += int64(n); w.bytes-w.begun >= earlyBytes {
		_ = unix.SyncFileRange(w.fd, w.begun, w.bytes-w.begun, unix.SYNC_FILE_RANGE_WRITE) // what fails here, the end tells
		w.begun = w.bytes
	}
	return n, err
}
