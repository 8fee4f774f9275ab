package cli

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// What the kernel is to tell of a file or folder (inotify(7)): that it goes itself; in a folder which names come, go and may be
// reached; and where the files matter, also what is written into them. Folders above the routines, such as a home or /tmp,
// often have something written or made in them all the time: that must not wake us, and so this is not fsnotify, which asks
// for everything everywhere.
const (
	itselfChanges  = unix.IN_DELETE_SELF | unix.IN_MOVE_SELF
	namesChange    = itselfChanges | unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO | unix.IN_ATTRIB
	contentsChange = namesChange | unix.IN_MODIFY
)

// errChangesLost means that more changed at once than the kernel keeps.
var errChangesLost = errors.New("the kernel did not tell of every change")

// An inotify tells of changes, until it is closed.
type inotify struct {
	file  *os.File
	paths map[int32]string // by their watches
}

func newInotify() (*inotify, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("asking the kernel for changes of files: %w", err)
	}
	return &inotify{os.NewFile(uintptr(fd), "inotify"), map[int32]string{}}, nil
}

// watch adds a folder, or a symbolic link itself, before run. One that is gone is left out.
func (n *inotify) watch(path string, changes uint32) error {
	raw, err := n.file.SyscallConn()
	if err != nil {
		return err
	}
	var watch int
	var failed error
	err = raw.Control(func(fd uintptr) {
		watch, failed = unix.InotifyAddWatch(int(fd), path, changes|unix.IN_DONT_FOLLOW|unix.IN_MASK_ADD)
	})
	switch {
	case errors.Is(failed, fs.ErrNotExist):
		return nil
	case errors.Join(err, failed) != nil:
		return fmt.Errorf("watching %s: %w", path, errors.Join(err, failed))
	}
	n.paths[int32(watch)] = path
	return nil
}

// run sends the path of everything that changes to changed, until done is closed or the inotify is. The error says why it
// ended; that done was closed is none.
func (n *inotify) run(changed chan<- string, done <-chan struct{}) error {
	buffer := make([]byte, 16<<10)
	for {
		size, err := n.file.Read(buffer)
		if err != nil {
			return err
		}
		for events := buffer[:size]; len(events) >= unix.SizeofInotifyEvent; {
			watch, mask := int32(binary.NativeEndian.Uint32(events)), binary.NativeEndian.Uint32(events[4:])
			name := events[unix.SizeofInotifyEvent:]
			name = name[:binary.NativeEndian.Uint32(events[12:])]
			events = events[unix.SizeofInotifyEvent+len(name):]
			path, known := n.paths[watch]
			switch {
			case mask&unix.IN_Q_OVERFLOW != 0:
				return errChangesLost
			case mask&unix.IN_IGNORED != 0 || !known: // the watch has ended, which was told before
				continue
			}
			select {
			case changed <- filepath.Join(path, strings.TrimRight(string(name), "\x00")):
			case <-done:
				return nil
			}
		}
	}
}

func (n *inotify) close() { n.file.Close() }
