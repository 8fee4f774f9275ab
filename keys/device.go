package keys

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// system is where a machine shows its input devices. What a device is can be read in sys by everybody, also where the
// device may not be opened; and so no keyboard is opened to find out that it is one.
type system struct {
	dev string // the devices: event0, event1 …
	sys string // a folder of the same name for each, which describes it
}

func thisMachine() system { return system{"/dev/input", "/sys/class/input"} }

// device is an input device.
type device struct {
	path string
	name string // as it calls itself
	keys bitmap
}

// devices lists the devices by their numbers.
func (s system) devices() (list []device) {
	entries, _ := os.ReadDir(s.dev) // there is none in some containers
	var numbers []int
	for _, e := range entries {
		number, is := strings.CutPrefix(e.Name(), "event")
		if n, err := strconv.Atoi(number); is && err == nil {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		id := "event" + strconv.Itoa(n)
		about := filepath.Join(s.sys, id, "device")
		name, _ := os.ReadFile(filepath.Join(about, "name")) // without a name or keys it can be used by its path
		keys, _ := os.ReadFile(filepath.Join(about, "capabilities", "key"))
		list = append(list, device{filepath.Join(s.dev, id), printable(string(name)), parseBitmap(string(keys), strconv.IntSize)})
	}
	return list
}

// printable is a name from outside in one line.
func printable(name string) string {
	keep := func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return -1
	}
	return strings.TrimSpace(strings.Map(keep, name))
}

// is reports whether a name or path of the settings means this device.
func (d device) is(name string) bool {
	if !isPath(name) {
		return strings.EqualFold(name, d.name)
	}
	own, err := filepath.EvalSymlinks(d.path)
	if err != nil {
		return false
	}
	named, err := filepath.EvalSymlinks(name)
	return err == nil && own == named
}

// bitmap holds the codes of the keys that a device has.
type bitmap map[code]bool

// maxCode is the last code of a key (linux/input-event-codes.h, KEY_MAX).
const maxCode = 0x2ff

// parseBitmap reads the codes as the kernel shows them to a process whose long has so many bits: hexadecimal words, the
// highest first, without leading zeros. What is no such text has no keys.
func parseBitmap(text string, bits int) bitmap {
	words := strings.Fields(text)
	slices.Reverse(words)
	found := bitmap{}
	for i, word := range words {
		w, err := strconv.ParseUint(word, 16, bits)
		if err != nil {
			return bitmap{}
		}
		for bit := range bits {
			if c := i*bits + bit; w>>bit&1 == 1 && c <= maxCode {
				found[code(c)] = true
			}
		}
	}
	return found
}

// Codes that tell what a device is.
const (
	keyQ, keyP    code = 16, 25
	keyA, keyL    code = 30, 38
	keyZ, keyM    code = 44, 50
	btnLeft       code = 0x110
	keyEnter      code = 28
	keySpace      code = 57
	keypadEnter   code = 96
	keyUp         code = 103
	keyLeft       code = 105
	keyRight      code = 106
	keyDown       code = 108
	keyVolumeDown code = 114
	keyVolumeUp   code = 115
)

// isKeyboard reports whether letters can be typed on a device. Many a remote and pedal claims that it has them.
func (d device) isKeyboard() bool {
	for c := range d.keys {
		if c >= keyQ && c <= keyP || c >= keyA && c <= keyL || c >= keyZ && c <= keyM {
			return true
		}
	}
	return false
}

func (d device) isMouse() bool { return d.keys[btnLeft] }

// moves reports whether a key is one that moves in a text, and so counts only on a device that is named in the settings.
func (c code) moves() bool {
	switch c {
	case keyEnter, keypadEnter, keySpace, keyUp, keyDown, keyLeft, keyRight:
		return true
	}
	return false
}

// use is what the settings make of a device.
type use struct {
	named bool   // in the settings
	grab  bool   // its keys are for us alone
	why   string // why it is not used; "": it is
}

// use decides about a device. One that is named is taken for ourselves, so that a headset does not start the desktop's
// player too; but not where its letters or clicks would be lost, or where nothing tells what it is.
func (m keymap) use(cfg Config, d device) use {
	named := slices.ContainsFunc(cfg.Devices, func(name string) bool { return name != Auto && d.is(name) })
	switch {
	case named:
		return use{named: true, grab: len(d.keys) > 0 && !d.isKeyboard() && !d.isMouse()}
	case d.isKeyboard():
		return use{why: "letters can be typed on it; to use it, name it in keys.devices"}
	case d.isMouse():
		return use{why: "it is a mouse; to use it, name it in keys.devices"}
	case len(m.keysOf(d, false)) == 0:
		return use{why: "no key of it has a command; give it one in keys.map"}
	case !slices.Contains(cfg.Devices, Auto):
		return use{why: "keys.devices does not name it"}
	}
	return use{}
}
