package cli

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"guided/keys"
)

// How soon a change in a folder counts.
const (
	debounce    = 300 * time.Millisecond // without another change: editors write a file in several steps
	maxDebounce = 3 * time.Second        // after the first change, where something writes there all the time
	lookEvery   = time.Minute            // where the kernel does not tell of changes
)

// maxWatched bounds the files of the folder that are compared where the kernel does not tell of changes.
const maxWatched = 10_000

// maxLinks bounds the symbolic links on the way to the folder, as the kernel does (path_resolution(7)).
const maxLinks = 40

// watchPath calls changed after a change in a folder, or of a file, until ctx ends.
func watchPath(ctx context.Context, path string, changed func(), log *slog.Logger) {
	if path != "" {
		watchedPath{path, contentsChange, true}.follow(ctx, changed, log)
	}
}

// watchDevices watches folders of devices, where only the names and the permissions matter.
func watchDevices(log *slog.Logger) keys.Watch {
	return func(ctx context.Context, dir string, changed func()) {
		watchedPath{dir, namesChange, false}.follow(ctx, changed, log)
	}
}

// watchedPath is a folder or a file of which changes are to be told.
type watchedPath struct {
	path    string
	changes uint32 // what is to be told of a folder
	known   bool   // what is there at the start is no change
}

// follow calls changed after a change, until ctx ends. It follows the path, not what is at its end: one that appears, is
// replaced or is reached through another symbolic link is seen too. Where the kernel does not tell of changes the log says
// so, and the folder is looked at every lookEvery.
func (w watchedPath) follow(ctx context.Context, changed func(), log *slog.Logger) {
	path, err := filepath.Abs(w.path)
	if err != nil {
		log.Warn("what changes is not noticed; restart guided after a change", "path", w.path, "err", err)
		return
	}
	w.path = path
	told := false
	before := uint64(0) // the fingerprint of what was told; 0 while the kernel tells
	for ; ctx.Err() == nil; w.known = false {
		err := w.watch(ctx, changed)
		if err == nil {
			before = 0
			continue
		}
		if !told {
			told = true
			log.Info("the kernel does not tell of changes; they are looked for once a minute", "path", w.path, "err", err)
		}
		if now := fingerprint(w.path); now != before {
			before = now
			changed()
		}
		select {
		case <-ctx.Done():
		case <-time.After(lookEvery):
		}
	}
}

// watch watches everything that the path goes through, and calls changed after a change at its end. It returns nil after a
// change on the path, or when ctx ends, and an error where the kernel does not tell of changes. Where not all is known it
// begins with a call, for what happened while nothing was watched.
func (w watchedPath) watch(ctx context.Context, changed func()) error {
	n, err := newInotify()
	if err != nil {
		return err
	}
	defer n.close() // may be closed again
	p := resolve(w.path, w.changes)
	for path, changes := range p.changes {
		if err := n.watch(path, changes); err != nil {
			return err
		}
	}
	if err := toldByKernel(p.folder); err != nil {
		return err
	}
	if again := resolve(w.path, w.changes); again.end != p.end || len(again.names) != len(p.names) { // it changed before it was watched
		return nil
	}
	names, lost, done := make(chan string), make(chan error, 1), make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() { lost <- n.run(names, done) })
	defer func() {
		close(done)
		n.close()
		reader.Wait()
	}()
	moved := false
	owed := !w.known    // the call that it begins with
	var since time.Time // the first of the changes that are not told yet
	timer := time.NewTimer(debounce)
	if w.known {
		timer.Stop()
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case name := <-names:
			onPath := p.names[name]
			if !onPath && (p.end == "" || filepath.Dir(name) != p.end) {
				continue // a neighbour
			}
			moved = moved || onPath
			if since.IsZero() {
				since = time.Now()
			}
			timer.Reset(max(0, min(debounce, maxDebounce-time.Since(since))))
		case err := <-lost:
			if errors.Is(err, errChangesLost) {
				return nil
			}
			return fmt.Errorf("the watch has ended: %w", err)
		case <-timer.C:
			if owed || !moved { // the next watch begins with a call, which may not come while the path changes all the time
				changed()
			}
			if moved {
				return nil
			}
			since, owed = time.Time{}, false
		}
	}
}

// route is what a path goes through.
type route struct {
	names   map[string]bool   // the parts of it that are looked up, and a file at its end, each in its folder without symbolic links: the path leads elsewhere when one of them changes
	changes map[string]uint32 // what is to be told of which of them, and of the folders they are in
	end     string            // the folder at its end; "" where there is none
	folder  string            // that folder, or the last one on the way
}

// resolve follows an absolute path and its symbolic links as far as it exists. changes is what is to be told of a folder at its end.
//
// Of the last folder that there is, and of the one around it, every name that comes and goes is told: a folder is told to go
// itself only when nobody has it open. Those above cannot go before them, only be moved, which they are told of themselves.
func resolve(path string, changes uint32) (r route) {
	r = route{names: map[string]bool{}, changes: map[string]uint32{}}
	at, links := "/", 0
	defer func() {
		r.folder = at
		r.changes[filepath.Dir(at)] |= namesChange
		if r.changes[at] |= namesChange; r.end != "" {
			r.changes[at] |= changes
		}
	}()
	rest := strings.Split(path, "/")
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			at = filepath.Dir(at)
			continue
		}
		name := filepath.Join(at, part)
		r.names[name] = true
		info, err := os.Lstat(name)
		if err != nil {
			return r
		}
		r.changes[name] |= itselfChanges
		if info.Mode()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(name)
			if links++; err != nil || links > maxLinks {
				return r
			}
			if filepath.IsAbs(target) {
				at = "/"
			}
			rest = append(strings.Split(target, "/"), rest...)
			continue
		}
		if !info.IsDir() {
			r.changes[name] |= unix.IN_MODIFY
			return r
		}
		at = name
	}
	r.end = at
	return r
}

// toldByKernel is an error for a folder on a file system of which other machines or programs change the files: the kernel
// tells only of changes that are made through itself (inotify(7)).
func toldByKernel(dir string) error {
	var s unix.Statfs_t
	if dir == "" || unix.Statfs(dir, &s) != nil {
		return nil
	}
	const vboxsf, vmhgfs = 0x786F4256, 0xBACBACBC
	switch uint32(s.Type) {
	case unix.NFS_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.SMB_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.FUSE_SUPER_MAGIC,
		unix.V9FS_MAGIC, unix.CEPH_SUPER_MAGIC, unix.AFS_SUPER_MAGIC, unix.CODA_SUPER_MAGIC, vboxsf, vmhgfs:
		return errors.New("others can change it through the network, of which the kernel tells nothing")
	}
	return nil
}

// fingerprint is a number that is another one after a change in the folder, or of the file.
func fingerprint(dir string) uint64 {
	f, err := os.Open(dir)
	if err != nil {
		return 0
	}
	defer f.Close()
	sum := uint64(1)
	if info, err := f.Stat(); err == nil && !info.IsDir() {
		return sum + uint64(info.Size()) + uint64(info.ModTime().UnixNano())
	}
	entries, _ := f.ReadDir(maxWatched)
	for _, e := range entries {
		if info, err := os.Stat(filepath.Join(dir, e.Name())); err == nil {
			h := fnv.New64a()
			fmt.Fprintln(h, e.Name(), info.Size(), info.ModTime().UnixNano(), info.Mode())
			sum += h.Sum64() // the order does not matter
		}
	}
	return sum
}
