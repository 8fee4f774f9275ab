package audio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"sync"
	"time"
)

// The bounds on reading a file that lies on a disk, a stick or a network folder of the user's.
const (
	// FileTimeout is how long one opening or one read may take: a disk that was asleep needs seven seconds to turn.
	FileTimeout = 8 * time.Second
	// fileBudget is how long the reads of one file may wait together: what is slower would never be ready in time. A large
	// file has a second more for every budgetBytes.
	fileBudget  = 30 * time.Second
	budgetBytes = 4 << 20
	// maxStuck is how many operations that never returned may be left behind. An operation on a dead mount cannot be
	// interrupted, only abandoned; while so many are pending no further one is begun.
	maxStuck = 2
	// readBlock is how much is read at a time: a second of stereo of 16 bits, so that a file that is played costs one read.
	readBlock = 192 << 10
	// decoderBuffer is how much a decoder reads at a time.
	decoderBuffer = 64 << 10
	// listBatch is how many entries of a folder are read at a time.
	listBatch = 512
)

// errStuck is the error of a file that is not even tried.
var errStuck = errors.New("the folder does not answer; look at the disk or the network it lies on")

// Files opens regular files of a folder that may be slow, broken or hostile: every operation has a time-out and ends
// with its context. It is safe for concurrent use.
type Files struct {
	open    func(ctx context.Context, name string) (fs.File, error)
	timeout time.Duration
	buffers sync.Pool // of *[]byte with which files were read that are closed

	mu    sync.Mutex // never held across I/O
	stuck int        // operations that were abandoned and have not returned
}

// NewFiles returns the files that open opens. Where open itself could wait for ever, as on a FIFO, it must look at the
// kind of the file first.
func NewFiles(open func(ctx context.Context, name string) (fs.File, error)) *Files {
	return &Files{open: open, timeout: FileTimeout}
}

// InFolders returns an open for NewFiles: it finds a regular file in the first of several folders that has its name.
func InFolders(folders ...fs.FS) func(ctx context.Context, name string) (fs.File, error) {
	return func(_ context.Context, name string) (fs.File, error) {
		folder, _, err := findInFolders(folders, name)
		if err != nil {
			return nil, err
		}
		return folder.Open(path.Clean(name))
	}
}

// StatInFolders returns what the folders of InFolders say of a file, without opening it.
func StatInFolders(folders ...fs.FS) func(name string) (fs.FileInfo, error) {
	return func(name string) (fs.FileInfo, error) {
		_, info, err := findInFolders(folders, name)
		return info, err
	}
}

// findInFolders returns the first folder that has a file, which is a regular one.
func findInFolders(folders []fs.FS, name string) (fs.FS, fs.FileInfo, error) {
	for _, folder := range folders {
		info, err := fs.Stat(folder, path.Clean(name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, nil, err
		case !info.Mode().IsRegular():
			return nil, nil, notRegular(name, info)
		}
		return folder, info, nil
	}
	return nil, nil, fmt.Errorf("%q: %w", name, fs.ErrNotExist)
}

func notRegular(name string, info fs.FileInfo) error {
	kind := "no regular file"
	switch {
	case info.IsDir():
		kind = "a folder"
	case info.Mode()&fs.ModeNamedPipe != 0:
		kind = "a pipe"
	case info.Mode()&fs.ModeDevice != 0:
		kind = "a device"
	}
	return fmt.Errorf("%s is %s and not a file", name, kind)
}

// File is an open regular file. It implements io.ReaderAt, for one goroutine at a time. Size is that at its opening: what
// is written to it later is not read.
type File struct {
	Size     int64
	Modified time.Time
	Info     fs.FileInfo // at its opening

	files     *Files
	ctx       context.Context
	name      string
	file      fs.File
	at        io.ReaderAt
	buf       []byte
	waited    time.Duration // for all reads so far
	abandoned bool
	inMemory  bool // it is read and closed
	watched   bool
}

// Open opens a file of at most limit bytes; TooLargeError for more of a sound. ctx bounds the reads too. Close it.
func (f *Files) Open(ctx context.Context, name string, limit int64) (*File, error) {
	var file fs.File
	var info fs.FileInfo
	err := f.run(ctx, name, func() (err error) {
		if file, err = f.open(ctx, name); err == nil {
			info, err = file.Stat()
		}
		return err
	}, func() {
		if file != nil {
			file.Close()
		}
	})
	if errors.As(err, new(abandonedError)) {
		return nil, err // file and info belong to the operation that goes on
	}
	if err == nil && !info.Mode().IsRegular() {
		err = notRegular(name, info)
	}
	if err == nil && info.Size() > limit {
		err = TooLargeError(limit)
		if limit != MaxFileBytes && limit != MaxSoundBytes {
			err = fmt.Errorf("%s is larger than %d MiB", name, limit>>20)
		}
	}
	if err != nil {
		if file != nil {
			file.Close()
		}
		return nil, err
	}
	opened := &File{Size: info.Size(), Modified: info.ModTime(), Info: info, files: f, ctx: ctx, name: name, file: file}
	if at, is := file.(io.ReaderAt); is {
		opened.at = at
		return opened, nil
	}
	defer opened.Close()
	var data []byte
	err = f.run(ctx, name, func() (err error) {
		data, err = io.ReadAll(io.LimitReader(file, opened.Size))
		return err
	}, func() { file.Close() })
	if err != nil {
		opened.abandoned = errors.As(err, new(abandonedError))
		return nil, err
	}
	opened.Size, opened.at, opened.inMemory = int64(len(data)), bytes.NewReader(data), true
	return opened, nil
}

// Do carries out an operation on the folder within the time-out. Where it takes longer, it is left behind, late is called at
// its end, and what it sets must not be used.
func (f *Files) Do(ctx context.Context, name string, op func() error, late func()) error {
	return f.run(ctx, name, op, late)
}

// Within changes the time-out of an opening or a read, which is FileTimeout else.
func (f *Files) Within(timeout time.Duration) *Files {
	f.timeout = timeout
	return f
}

// StatWith returns what stat says of a file, within the time-out.
func (f *Files) StatWith(ctx context.Context, stat func(name string) (fs.FileInfo, error), name string) (fs.FileInfo, error) {
	var info fs.FileInfo
	if err := f.run(ctx, name, func() (err error) {
		info, err = stat(name)
		return err
	}, func() {}); err != nil {
		return nil, err // info may belong to an operation that goes on
	}
	return info, nil
}

// Stat returns what a folder says of a regular file.
func (f *Files) Stat(ctx context.Context, folder fs.FS, name string) (fs.FileInfo, error) {
	var info fs.FileInfo
	err := f.run(ctx, name, func() (err error) {
		info, err = fs.Stat(folder, name)
		return err
	}, func() {})
	if err == nil && !info.Mode().IsRegular() {
		err = notRegular(name, info)
	}
	if err != nil {
		return nil, err
	}
	return info, nil
}

// List calls found for the entries of a folder, limit at most, in no order. It may have found some before it fails.
func (f *Files) List(ctx context.Context, folder fs.FS, limit int, found func(fs.DirEntry)) error {
	var dir fs.File
	err := f.run(ctx, ".", func() (err error) {
		dir, err = folder.Open(".")
		return err
	}, func() {
		if dir != nil {
			dir.Close()
		}
	})
	if err != nil {
		return err
	}
	entries, is := dir.(fs.ReadDirFile)
	if !is {
		dir.Close()
		return fmt.Errorf("the folder cannot be listed: %w", errors.ErrUnsupported)
	}
	for listed := 0; listed < limit; {
		var batch []fs.DirEntry
		err = f.run(ctx, ".", func() (err error) {
			batch, err = entries.ReadDir(listBatch)
			return err
		}, func() { dir.Close() })
		if errors.As(err, new(abandonedError)) {
			return err
		}
		for _, e := range batch {
			found(e)
		}
		if listed += len(batch); err != nil {
			break
		}
	}
	dir.Close()
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// IsFolder reports whether a path is a folder; false too where that cannot be found out within FileTimeout, with the reason.
func IsFolder(ctx context.Context, dir string) (bool, error) {
	var info fs.FileInfo
	err := NewFiles(nil).run(ctx, dir, func() (err error) {
		info, err = os.Stat(dir)
		return err
	}, func() {})
	if err != nil {
		return false, err
	}
	return info.IsDir(), nil
}

// ReadFile reads a whole file of at most limit bytes.
func (f *Files) ReadFile(ctx context.Context, name string, limit int64) ([]byte, error) {
	file, err := f.Open(ctx, name, limit)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data := make([]byte, file.Size)
	n, err := io.ReadFull(io.NewSectionReader(file, 0, file.Size), data)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	return data[:n], nil
}

// ReadAt reads through a buffer of its own: a read that was abandoned may still write to it.
func (f *File) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) && err == nil {
		var got int
		got, err = f.readBlock(p[n:min(len(p), n+readBlock)], off+int64(n))
		n += got
	}
	return n, err
}

func (f *File) readBlock(p []byte, off int64) (int, error) {
	switch {
	case f.abandoned:
		return 0, errStuck
	case off >= f.Size:
		return 0, io.EOF
	}
	ended := false // the block reaches the end of the file
	if rest := f.Size - off; int64(len(p)) > rest {
		p, ended = p[:rest], true
	}
	if cap(f.buf) < len(p) {
		f.buf = f.files.buffer(len(p))
	}
	buf, n := f.buf[:len(p)], 0
	begun := time.Now()
	err := f.files.run(f.ctx, f.name, func() (err error) {
		n, err = f.readWatched(buf, off)
		return err
	}, func() { f.file.Close() })
	if errors.As(err, new(abandonedError)) {
		f.abandoned = true
		return 0, err
	}
	copy(p, buf[:n])
	budget := fileBudget + time.Duration(f.Size/budgetBytes)*time.Second
	if f.waited += time.Since(begun); f.waited > budget && err == nil {
		err = fmt.Errorf("%s: reading it takes longer than %v; look at the disk or the network it lies on", f.name, budget)
	}
	if err == nil && ended {
		err = io.EOF
	}
	return n, err
}

// Continue makes the reads that follow end with ctx and gives them a budget of their own: a file that is played is read a
// little at a time.
func (f *File) Continue(ctx context.Context) { f.ctx, f.waited = ctx, 0 }

// Watch makes every read fail that finds the file written to since its opening.
func (f *File) Watch() { f.watched = !f.inMemory }

// readWatched is ReadAt of the file itself.
func (f *File) readWatched(p []byte, off int64) (int, error) {
	if f.watched {
		info, err := f.file.Stat()
		if err != nil {
			return 0, err
		}
		if info.Size() != f.Info.Size() || !info.ModTime().Equal(f.Info.ModTime()) {
			return 0, fmt.Errorf("%s has changed while it was played", f.name)
		}
	}
	return f.at.ReadAt(p, off)
}

// Close closes the file. Where a read was abandoned, the file is closed when that returns.
func (f *File) Close() {
	if !f.abandoned {
		f.file.Close() // it was only read
		f.files.putBuffer(f.buf)
		f.buf = nil
	}
}

// buffer returns memory for a read of so many bytes.
func (f *Files) buffer(n int) []byte {
	if b, has := f.buffers.Get().(*[]byte); has && cap(*b) >= n {
		return *b
	}
	return make([]byte, n)
}

// putBuffer keeps the memory of reads for other files, where it is as large as a decoder's.
func (f *Files) putBuffer(b []byte) {
	if cap(b) >= decoderBuffer {
		f.buffers.Put(&b)
	}
}

// abandonedError is the error of an operation that is still running.
type abandonedError struct{ error }

func (e abandonedError) Unwrap() error { return e.error }

// run runs an operation, and returns at the latest at the time-out or when ctx ends. What it leaves running then calls
// late at its end; its results must not be used.
func (f *Files) run(ctx context.Context, name string, op func() error, late func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.mu.Lock()
	full := f.stuck >= maxStuck
	f.mu.Unlock()
	if full {
		return fmt.Errorf("%s: %w", name, errStuck)
	}
	abandoned := false // guarded by mu
	done := make(chan error, 1)
	go func() {
		err := op()
		f.mu.Lock()
		defer f.mu.Unlock()
		if abandoned {
			f.stuck--
			go late() // which may wait for the same disk
			return
		}
		done <- err
	}()
	timer := time.NewTimer(f.timeout)
	defer timer.Stop()
	var failed error
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		failed = ctx.Err()
	case <-timer.C:
		failed = fmt.Errorf("%s did not answer within %v; look at the disk or the network it lies on", name, f.timeout)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case err := <-done:
		return err
	default:
	}
	abandoned = true
	f.stuck++
	return abandonedError{failed}
}
