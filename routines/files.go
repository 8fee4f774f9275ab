package routines

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/text/unicode/norm"
)

// Limits of what is read from folders.
const (
	// maxFolderEntries and maxFolderRoutines bound the listing of one folder: far more than anybody chooses from, and listed
	// in some 10 ms.
	maxFolderEntries  = 10_000
	maxFolderRoutines = 4000
	// maxSound bounds what Open reads: more than the audio decoders accept.
	maxSound = 65 << 20
	// maxReadTime ends the wait for one call into a folder, where the caller's context does not: a network mount that is
	// away blocks for ever.
	maxReadTime = 10 * time.Second
	// maxReads bounds the calls into folders that go on at once, and maxStuckReads those that were abandoned and have not
	// returned: each holds a thread of the system.
	maxReads      = 8
	maxStuckReads = 4
	// stuckAfter is how long a call that was interrupted may still take before it counts as stuck, and lookAgain how often
	// that is looked at.
	stuckAfter = time.Second
	lookAgain  = 5 * time.Millisecond
)

// ErrStuck is returned for a file or folder that does not answer, such as a network mount that is away.
var ErrStuck = errors.New("the disk or network folder does not answer")

// ErrNotAFile is returned for a folder, a pipe, a device or a socket in place of a file.
var ErrNotAFile = errors.New("is not a regular file")

// The calls into folders of the whole process. They are package state because they count threads of the system, of which
// the process has one pool, and because a call that blocks has no owner who could end it.
var (
	reads      = make(chan struct{}, maxReads)
	stuckReads stuckCalls
)

// stuckCalls is what was abandoned and has not returned, by the name of the file. A call whose caller was interrupted may be
// about to return; it is stuck once somebody has waited for it in vain.
type stuckCalls struct {
	mu    sync.Mutex
	names map[string]abandonedCalls
}

// abandonedCalls are those of one file.
type abandonedCalls struct {
	number int
	stuck  bool
}

// add counts a call that is abandoned: in vain after a time that was to be enough, or because its caller was interrupted.
func (s *stuckCalls) add(name string, inVain bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.names == nil {
		s.names = map[string]abandonedCalls{}
	}
	a := s.names[name]
	s.names[name] = abandonedCalls{a.number + 1, a.stuck || inVain}
}

// remove counts a call that has returned.
func (s *stuckCalls) remove(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.names[name]
	if a.number--; a.number == 0 {
		delete(s.names, name)
		return
	}
	s.names[name] = a
}

// await returns false where a call would be one too many: the same one is stuck, or several others are. It waits for those
// that were interrupted to return, for stuckAfter at most.
func (s *stuckCalls) await(ctx context.Context, name string) bool {
	for waited := time.Duration(0); ; waited += lookAgain {
		free, refused := s.look(name, waited >= stuckAfter)
		if free || refused {
			return free
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(lookAgain):
		}
	}
}

// look reports whether a call may be made now, or is refused. Neither: it may be soon. In vain means that this one has been
// waited for.
func (s *stuckCalls) look(name string, inVain bool) (free, refused bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, abandoned := s.names[name]
	if abandoned {
		a.stuck = a.stuck || inVain
		s.names[name] = a
		return false, a.stuck
	}
	stuck := 0
	for _, other := range s.names {
		if other.stuck {
			stuck++
		}
	}
	return len(s.names) < maxStuckReads, inVain || stuck >= maxStuckReads
}

// builtinFolder is the embedded routines, which never block.
type builtinFolder struct{ fs.FS }

// callFolder calls f, which reads from a folder, and returns its result. When ctx ends first, or after maxReadTime, it
// returns the error at once; f goes on alone, and discard gets its result.
func callFolder[T any](ctx context.Context, folder fs.FS, name string, f func() (T, error), discard func(T)) (T, error) {
	if _, embedded := folder.(builtinFolder); embedded {
		return f()
	}
	var none T
	wait, cancel := context.WithTimeout(ctx, maxReadTime)
	defer cancel()
	failed := func() (T, error) { return none, fmt.Errorf("%s: %w", name, cmp.Or(ctx.Err(), ErrStuck)) }
	if wait.Err() != nil {
		return failed()
	}
	if !stuckReads.await(wait, name) {
		return failed()
	}
	select {
	case reads <- struct{}{}:
	case <-wait.Done():
		return failed()
	}
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	var state atomic.Int32 // 0: going on, 1: returned, 2: abandoned
	go func() {
		defer func() { <-reads }()
		value, err := f()
		if !state.CompareAndSwap(0, 1) {
			stuckReads.remove(name)
			if err == nil && discard != nil {
				discard(value)
			}
			return
		}
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-wait.Done():
		stuckReads.add(name, !errors.Is(ctx.Err(), context.Canceled))
		if state.CompareAndSwap(0, 2) {
			return failed()
		}
		stuckReads.remove(name)
		r := <-done
		return r.value, r.err
	}
}

// openRegular opens a regular file, or a link to one; a link may lead out of the folder, as the owner of the folder made
// it. It looks before it opens: opening a pipe would wait for its other end. name is tried as it is, then with its
// accents composed and decomposed, as memory sticks and macOS store them.
func openRegular(folder fs.FS, name string) (fs.File, error) {
	failed := error(&fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist})
	for _, form := range slices.Compact([]string{name, norm.NFC.String(name), norm.NFD.String(name)}) {
		info, err := fs.Stat(folder, form)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, err
		case !info.Mode().IsRegular():
			return nil, fmt.Errorf("%s %w", name, ErrNotAFile)
		}
		file, err := folder.Open(form)
		if err != nil {
			return nil, err
		}
		if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() { // replaced meanwhile
			closeFile(file)
			return nil, fmt.Errorf("%s %w", name, ErrNotAFile)
		}
		return file, nil
	}
	return nil, failed
}

func closeFile(file fs.File) { _ = file.Close() } // it was only read

// readRegular reads the first limit bytes of a regular file.
func readRegular(ctx context.Context, folder fs.FS, name string, limit int64) ([]byte, error) {
	return callFolder(ctx, folder, name, func() ([]byte, error) {
		data, _, err := readFile(folder, name, limit)
		return data, err
	}, nil)
}

// readFile reads the first limit bytes of a regular file, and its stamp from before. It calls into the folder itself.
func readFile(folder fs.FS, name string, limit int64) ([]byte, stamp, error) {
	file, err := openRegular(folder, name)
	if err != nil {
		return nil, stamp{}, err
	}
	defer closeFile(file)
	s, size, err := fileStamp(folder, file)
	if err != nil {
		return nil, stamp{}, err
	}
	data := make([]byte, 0, min(max(size, 0)+1, limit)) // one more byte, to see the end
	for int64(len(data)) < limit {
		if len(data) == cap(data) { // it grows meanwhile
			data = slices.Grow(data, len(data)+1)
		}
		n, err := file.Read(data[len(data):min(int64(cap(data)), limit)])
		if data = data[:len(data)+n]; err == io.EOF {
			break
		}
		if err != nil {
			return nil, stamp{}, err
		}
	}
	return data, s, nil
}

// fileStamp is the stamp and the size of an open file of a folder.
func fileStamp(folder fs.FS, file fs.File) (stamp, int64, error) {
	at := time.Now()
	info, err := file.Stat()
	if err != nil {
		return stamp{}, 0, err
	}
	if _, embedded := folder.(builtinFolder); embedded {
		return embeddedStamp, info.Size(), nil
	}
	return stampOf(info, at), info.Size(), nil
}

// ReadFile reads a routine file that need not be in a library, as a library reads its own: a regular file, and no more of it
// than shows that it is too large for Library.Check.
func ReadFile(ctx context.Context, file string) ([]byte, error) {
	data, err := readRegular(ctx, os.DirFS(filepath.Dir(file)), filepath.Base(file), maxFile+1)
	if err != nil {
		return nil, fmt.Errorf("reading the routine %s: %w", file, err)
	}
	return data, nil
}

// listFolder lists at most maxFolderEntries entries of a folder, sorted by name; more reports that there are others.
func listFolder(ctx context.Context, folder fs.FS) (entries []fs.DirEntry, more bool, err error) {
	type listing struct {
		entries []fs.DirEntry
		more    bool
	}
	l, err := callFolder(ctx, folder, "the folder of routines", func() (listing, error) {
		dir, err := folder.Open(".")
		if err != nil {
			return listing{}, err
		}
		defer closeFile(dir)
		reader, is := dir.(fs.ReadDirFile)
		if !is {
			entries, err := fs.ReadDir(folder, ".")
			return listing{entries, false}, err
		}
		var l listing
		for {
			some, err := reader.ReadDir(maxFolderEntries + 1 - len(l.entries))
			l.entries = append(l.entries, some...)
			if len(l.entries) > maxFolderEntries {
				l.entries, l.more = l.entries[:maxFolderEntries], true
			}
			if l.more || errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return l, err
			}
		}
		slices.SortFunc(l.entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
		return l, nil
	}, nil)
	return l.entries, l.more, err
}

// OpenFile opens a sound file in the first folder that has it. It opens nothing but regular files, and returns when ctx
// ends. The caller closes the file, and bounds what it reads of it.
func (l Library) OpenFile(ctx context.Context, name string) (fs.File, error) {
	return inFolders(ctx, l, name, func(folder fs.FS, name string) (fs.File, error) {
		return callFolder(ctx, folder, name, func() (fs.File, error) { return openRegular(folder, name) }, closeFile)
	})
}

// Open reads a sound file, as OpenFile finds it, and at most maxSound bytes of it.
func (l Library) Open(name string) ([]byte, error) {
	ctx := context.Background() // maxReadTime bounds each read
	return inFolders(ctx, l, name, func(folder fs.FS, name string) ([]byte, error) {
		return readRegular(ctx, folder, name, maxSound)
	})
}

// inFolders is the result of f for the first folder that has a sound file.
func inFolders[T any](ctx context.Context, l Library, name string, f func(folder fs.FS, name string) (T, error)) (T, error) {
	var failed error = fs.ErrNotExist
	for _, folder := range l {
		found, err := f(folder, path.Clean(name))
		if err == nil {
			return found, nil
		}
		if !errors.Is(err, fs.ErrNotExist) || errors.Is(failed, fs.ErrNotExist) {
			failed = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	var none T
	return none, fmt.Errorf("reading the sound %q: %w", name, failed)
}
