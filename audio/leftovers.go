package audio

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// RemoveTemporary removes the files and folders of a folder that match a pattern (path/filepath) and are what a killed
// process left: they belong to this user, were not changed for as long as olderThan, and no process has them open. A
// folder that does not exist has none.
//
// A temporary file is closed an instant before it gets its name, so olderThan of a few seconds is enough for files; nobody
// has a folder open, and it needs as long as its owner may use it.
func RemoveTemporary(dir, pattern string, olderThan time.Duration) error {
	list, err := filepath.Glob(filepath.Join(escapeGlob(dir), pattern))
	if err != nil || len(list) == 0 {
		return err
	}
	open := openFiles(dir)
	for _, name := range list {
		info, failed := os.Lstat(name)
		if failed != nil || time.Since(info.ModTime()) < olderThan || open[filepath.Base(name)] {
			continue
		}
		if stat, is := info.Sys().(*syscall.Stat_t); is && int(stat.Uid) == os.Getuid() {
			err = errors.Join(err, os.RemoveAll(name))
		}
	}
	return err
}

// escapeGlob returns a pattern that matches a folder's name alone.
func escapeGlob(dir string) string {
	var out []byte
	for _, c := range []byte(dir) {
		if c == '*' || c == '?' || c == '[' || c == '\\' {
			out = append(out, '\\')
		}
		out = append(out, c)
	}
	return string(out)
}

// openFiles returns the names of the files in a folder that a process has open, as far as /proc shows them (man 5 proc): it
// shows all of this user.
func openFiles(dir string) map[string]bool {
	dir, err := filepath.EvalSymlinks(dir)
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return nil
	}
	open := map[string]bool{}
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*") // the pattern is valid
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && filepath.Dir(target) == dir {
			open[filepath.Base(target)] = true
		}
	}
	return open
}
