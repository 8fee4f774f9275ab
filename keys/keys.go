// Package keys lets the keys of remotes, foot pedals and headsets ask the player for something: what Linux calls input
// devices, each a file /dev/input/event*. It is one more remote of the player.
//
// https://docs.kernel.org/input/input.html
//
// Begin reading at [Run], which keeps the devices open that the settings choose (device.go), and remote.read, which turns
// their events (event.go) into commands (command.go).
package keys

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"guided/player"
)

// Config is the section [keys] of the settings.
type Config struct {
	Devices []string          `toml:"devices"` // Auto, and names or paths of devices; none: off
	Map     map[string]string `toml:"map"`     // commands by the names of keys; "": the key does nothing
}

// Auto as a device stands for every one that is neither a keyboard nor a mouse and has a key with a command.
const Auto = "auto"

// Check returns every problem of the settings, one sentence each.
func (c Config) Check() (wrong []string) {
	if slices.Contains(c.Devices, "") {
		wrong = append(wrong, `keys.devices: a name is empty; write "auto", or one that guided devices shows`)
	}
	_, problems := newKeymap(c.Map)
	return append(wrong, problems...)
}

// A Watch calls changed once it watches a folder, and after every change of the names or permissions in it, until ctx ends.
// The folder need not exist.
type Watch func(ctx context.Context, dir string, changed func())

// Player is what the keys need of the player.
type Player struct {
	Submit func(player.Command) // carries it out without waiting, and logs what became of it
	State  func() player.State
}

// Run carries out what is asked for with the keys of the devices that the settings choose, those that come later
// included, until ctx ends. Settings that come take the place of those before: devices that are chosen still are opened anew.
// A device that cannot be opened is named in the log with what to do, once, and tried again when something changes.
func Run(ctx context.Context, settings <-chan Config, p Player, watch Watch, log *slog.Logger) {
	runWith(ctx, settings, thisMachine(), p, watch, log)
}

func runWith(ctx context.Context, settings <-chan Config, s system, p Player, watch Watch, log *slog.Logger) {
	for cfg := (Config{}); ctx.Err() == nil; {
		r := newRemote(cfg, s, p, log)
		one, end := context.WithCancel(ctx)
		var running sync.WaitGroup
		running.Go(func() { r.run(one, watch) })
		select {
		case <-ctx.Done():
		case cfg = <-settings:
		}
		end()
		running.Wait()
	}
}

// remote keeps the devices open that are used.
type remote struct {
	cfg    Config
	system system
	keymap keymap
	player Player
	log    *slog.Logger

	open    map[string]*openDevice // by path
	ended   chan *openDevice       // those whose reader has ended
	readers sync.WaitGroup
	refused map[string]bool // the paths that could not be opened, which was told
	hinted  bool            // it was told what lets us read devices
	scanned bool            // at least once
}

func newRemote(cfg Config, s system, p Player, log *slog.Logger) *remote {
	m, _ := newKeymap(cfg.Map) // Check has told what is wrong
	return &remote{cfg: cfg, system: s, keymap: m, player: p, log: log,
		open: map[string]*openDevice{}, ended: make(chan *openDevice), refused: map[string]bool{}}
}

// openDevice is a device with a reader.
type openDevice struct {
	device
	file *os.File
}

func (r *remote) run(ctx context.Context, watch Watch) {
	if len(r.cfg.Devices) == 0 {
		return
	}
	changes := make(chan struct{}, 1)
	changed := func() {
		select {
		case changes <- struct{}{}:
		default: // there is a scan to come
		}
	}
	var watchers sync.WaitGroup
	for _, dir := range r.folders() {
		watchers.Go(func() { watch(ctx, dir, changed) })
	}
	defer func() {
		for _, o := range r.open {
			o.file.Close()
		}
		r.readers.Wait()
		watchers.Wait()
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changes:
			r.scan(ctx)
		case o := <-r.ended:
			o.file.Close()
			if r.open[o.path] == o {
				delete(r.open, o.path)
			}
		}
	}
}

// folders are where devices appear: that of the system, and those of the paths in the settings, such as links of udev.
func (r *remote) folders() []string {
	list := []string{r.system.dev}
	for _, name := range r.cfg.Devices {
		if dir := filepath.Dir(name); isPath(name) && !slices.Contains(list, dir) {
			list = append(list, dir)
		}
	}
	return list
}

// scan opens what is to be used and is not open yet, and closes what has gone. A device that was plugged in again may have
// the path of the one before it.
func (r *remote) scan(ctx context.Context) {
	list := r.system.devices()
	for path, o := range r.open {
		now, err := os.Stat(path)
		was, failed := o.file.Stat()
		if err != nil || failed != nil || !os.SameFile(now, was) {
			o.file.Close() // its reader ends
			delete(r.open, path)
		}
	}
	for _, d := range list {
		use := r.keymap.use(r.cfg, d)
		if use.why != "" || r.open[d.path] != nil {
			continue
		}
		file, err := openEvents(d.path)
		if err != nil {
			r.refuse(d, use, err)
			continue
		}
		delete(r.refused, d.path)
		grabbed := use.grab && r.grab(d, file)
		r.log.Info("the keys of a device are used", "device", d.name, "path", d.path, "exclusive", grabbed)
		o := &openDevice{d, file}
		r.open[d.path] = o
		r.readers.Go(func() {
			r.read(o, use)
			select {
			case r.ended <- o:
			case <-ctx.Done():
			}
		})
	}
	maps.DeleteFunc(r.refused, func(path string, _ bool) bool {
		return !slices.ContainsFunc(list, func(d device) bool { return d.path == path })
	})
	if !r.scanned {
		r.scanned = true
		for _, name := range r.system.missing(r.cfg) {
			r.log.Info("a device of keys.devices is not there; it is used as soon as it is", "device", name)
		}
	}
}

// openEvents opens a device without waiting, so that closing it ends a read.
func openEvents(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	// Without it the times of the events follow the clock when it is set. A FIFO has no such clock.
	_ = control(file, func(fd int) error { return unix.IoctlSetPointerInt(fd, eviocsclockid, unix.CLOCK_MONOTONIC) })
	return file, nil
}

// The requests of linux/input.h that x/sys/unix lacks.
const (
	eviocgrab     = 0x40044590
	eviocsclockid = 0x400445a0
)

func control(file *os.File, do func(fd int) error) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = do(int(fd)) })
	return errors.Join(err, failed)
}

// grab takes a device for ourselves, so that a press does nothing else on this machine.
func (r *remote) grab(d device, file *os.File) bool {
	err := control(file, func(fd int) error { return unix.IoctlSetInt(fd, eviocgrab, 1) })
	switch {
	case errors.Is(err, unix.EBUSY):
		r.log.Warn("another program has taken the keys of a device for itself; stop it, or take the device out of keys.devices", "device", d.name, "path", d.path)
	case err != nil:
		r.log.Info("other programs get the keys of a device too", "device", d.name, "path", d.path, "err", err)
	}
	return err == nil
}

// refuse tells once why a device is not used.
func (r *remote) refuse(d device, u use, err error) {
	if r.refused[d.path] || errors.Is(err, fs.ErrNotExist) {
		return
	}
	r.refused[d.path] = true
	switch {
	case !errors.Is(err, fs.ErrPermission):
		r.log.Warn("the keys of a device cannot be read", "device", d.name, "err", err)
	case u.named:
		r.log.Warn("the keys of a device may not be read; "+AllowHint, "device", d.name, "path", d.path)
	case !r.hinted: // a desktop has several that nobody wants to use
		r.hinted = true
		r.log.Info("the keys of a device may not be read; "+AllowHint, "device", d.name, "path", d.path)
	}
}

// AllowHint is what to do where an input device may not be read.
const AllowHint = "add the user who runs guided to the group input (sudo usermod -aG input USER, then log in again), or to the unit SupplementaryGroups=input; keys.devices = [] turns the keys off"

// isPath tells a path from the name of a device.
func isPath(name string) bool { return strings.HasPrefix(name, "/") }
