package keys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// DeviceInfo is an input device, as a person chooses one.
type DeviceInfo struct {
	Path  string `json:"path"`
	Name  string `json:"name"`
	Keys  []Key  `json:"keys"`            // those that have a command there
	Named bool   `json:"named,omitempty"` // in the settings
	Used  bool   `json:"used"`            // it is used, or would be by a daemon
	Why   string `json:"why,omitempty"`   // why it is not, or what to do
	OK    bool   `json:"ok"`              // false: it is to be used, and cannot be read
}

// Key is a key with its command.
type Key struct {
	Name    string `json:"key"`
	Command string `json:"command"`
}

// Devices lists the input devices of this machine, and what the settings make of them.
func Devices(cfg Config) []DeviceInfo { return thisMachine().info(cfg) }

// Missing lists the devices that are named in the settings and are not there.
func Missing(cfg Config) []string { return thisMachine().missing(cfg) }

func (s system) missing(cfg Config) (names []string) {
	list := s.devices()
	for _, name := range cfg.Devices {
		if name != Auto && !slices.ContainsFunc(list, func(d device) bool { return d.is(name) }) {
			names = append(names, name)
		}
	}
	return names
}

func (s system) info(cfg Config) []DeviceInfo {
	m, _ := newKeymap(cfg.Map)
	list := []DeviceInfo{}
	for _, d := range s.devices() {
		u := m.use(cfg, d)
		i := DeviceInfo{Path: d.path, Name: d.name, Named: u.named, Keys: m.keysOf(d, u.named || d.isKeyboard()), Used: u.why == "", Why: u.why, OK: true}
		if i.Used {
			if file, err := os.OpenFile(d.path, os.O_RDONLY|unix.O_NONBLOCK, 0); err != nil {
				i.Used, i.OK, i.Why = false, false, fmt.Sprintf("it cannot be read: %v", err)
				if errors.Is(err, fs.ErrPermission) {
					i.Why = "it may not be read: " + AllowHint
				}
			} else {
				file.Close()
			}
		}
		list = append(list, i)
	}
	return list
}
