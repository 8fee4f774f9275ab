package history

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"guided/player"
)

// FileName is the name of the file in the state folder.
const FileName = "history.jsonl"

// lockTimeout is how long another process may hold the file, which it does for one write.
const lockTimeout = 2 * time.Second

// stamp tells one content of a file from another; zero: there is no file.
type stamp struct {
	device, inode uint64
	size          int64
	changed       time.Time
}

func stampOf(info fs.FileInfo) stamp {
	s := stamp{size: info.Size(), changed: info.ModTime()}
	if sys, is := info.Sys().(*syscall.Stat_t); is {
		s.device, s.inode = uint64(sys.Dev), sys.Ino
	}
	return s
}

// same tells whether two stamps are of one file, whatever its content.
func (s stamp) same(o stamp) bool { return s.device == o.device && s.inode == o.inode }

// statFile is the stamp of a file; zero where it cannot be looked at.
func statFile(file string) stamp {
	info, err := os.Stat(file)
	if err != nil {
		return stamp{}
	}
	return stampOf(info)
}

// ReadFile is Read of a file. A missing one is empty. It needs no lock: what is written meanwhile comes at the end.
func ReadFile(file string, each func(player.Record)) (Damage, error) {
	d, _, err := readFile(file, each)
	return d, err
}

// readFile is ReadFile, and tells the stamp of what was read.
func readFile(file string, each func(player.Record)) (Damage, stamp, error) {
	f, err := os.OpenFile(file, os.O_RDONLY|unix.O_NONBLOCK, 0) // opening a FIFO would wait
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Damage{}, stamp{}, nil
	case err != nil:
		return Damage{}, stamp{}, err
	}
	defer f.Close()
	info, err := regular(f)
	if err != nil {
		return Damage{}, stamp{}, err
	}
	d, err := Read(io.LimitReader(f, info.Size()), each) // what is being written meanwhile comes with the next stamp
	return d, stampOf(info), err
}

// regular is what the system knows of an open file, and an error for a folder, a device or a pipe.
func regular(f *os.File) (fs.FileInfo, error) {
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file; move it away", f.Name())
	}
	return info, err
}

// appendFile writes lines at the end of a file, and returns when they are on the disk. A last line that was torn is ended
// first, so that they begin on one of their own. Where they cannot be written whole, the file is left as it was. before
// and after are the stamps around it.
func appendFile(file string, lines []byte) (before, after stamp, err error) {
	f, created, err := openLocked(file)
	if err != nil {
		return before, after, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return before, after, err
	}
	size := info.Size()
	if !created || size > 0 {
		before = stampOf(info)
	}
	if size > 0 {
		var last [1]byte
		if _, err := f.ReadAt(last[:], size-1); err != nil {
			return before, after, err
		}
		if last[0] != '\n' {
			lines = append([]byte{'\n'}, lines...)
		}
	}
	_, err = f.Write(lines)
	if err = cmp.Or(err, f.Sync()); err != nil {
		return before, after, errors.Join(err, f.Truncate(size))
	}
	if created {
		err = syncFolder(filepath.Dir(file))
	}
	if info, statErr := f.Stat(); statErr == nil {
		after = stampOf(info)
	}
	return before, after, err
}

// Append writes records at the end of a file, and returns when they are on the disk. None are no error.
func Append(file string, records ...player.Record) error {
	var lines []byte
	for _, r := range records {
		line, err := encode(r)
		if err != nil {
			return err
		}
		lines = append(lines, line...)
	}
	if lines == nil {
		return nil
	}
	_, _, err := appendFile(file, lines)
	return err
}

// openLocked opens a file for appending, creates it where there is none, and locks it against other processes.
func openLocked(file string) (f *os.File, created bool, err error) {
	folderErr := os.MkdirAll(filepath.Dir(file), 0o755)
	for deadline := time.Now().Add(lockTimeout); ; {
		created = statFile(file) == stamp{}
		f, err := os.OpenFile(file, os.O_RDWR|os.O_APPEND|os.O_CREATE|unix.O_NONBLOCK, 0o600)
		if err != nil {
			return nil, false, cmp.Or(folderErr, err)
		}
		info, err := regular(f)
		if err == nil {
			err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		}
		switch {
		case err == nil && statFile(file).same(stampOf(info)):
			return f, created, nil
		case err == nil: // deleted before it was locked
		case !errors.Is(err, unix.EWOULDBLOCK):
			f.Close()
			return nil, false, err
		case time.Now().After(deadline):
			f.Close()
			return nil, false, fmt.Errorf("another process holds %s", file)
		}
		f.Close()
		time.Sleep(10 * time.Millisecond)
	}
}

// Delete removes a file with all its records, also while a daemon appends to it. A missing one is no error.
func Delete(file string) error {
	file, err := filepath.EvalSymlinks(file) // the records are to go, not a link to them
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	f, _, err := openLocked(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := os.Remove(file); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(file))
}

// syncFolder makes it last that a file was created in a folder or removed from it.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
