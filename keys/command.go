package keys

import (
	_ "embed"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"guided/player"
	"guided/routines"
)

// code is the number by which the kernel knows a key.
type code uint16

// codesText holds the code and the name of every key and button of linux/input-event-codes.h, of Linux 6.12. A code may have
// several names.
//
//go:embed codes.txt
var codesText string

// allKeys calls each with every name and its code.
func allKeys(each func(name string, c code)) {
	for line := range strings.Lines(codesText) {
		number, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, _ := strconv.Atoi(number) // a test reads them all
		each(name, code(n))
	}
}

// binding is what a key asks for.
type binding struct {
	key     string // its name
	words   string // as the settings have them
	command player.Command
	step    int // volume: by so much from where it is; 0: not relative
}

// keymap holds the keys that ask for something.
type keymap map[code]binding

// newKeymap reads the commands of the settings, and tells every problem.
func newKeymap(settings map[string]string) (m keymap, wrong []string) {
	codes := map[string]code{}
	var names []string
	allKeys(func(name string, c code) { codes[name], names = c, append(names, name) })
	m = keymap{}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		words := settings[name]
		c, known := codes[name]
		if !known {
			hint := "guided devices shows the keys of each device"
			if near := routines.Nearest(name, names); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			wrong = append(wrong, fmt.Sprintf("keys.map: there is no key %q; %s", name, hint))
			continue
		}
		if strings.TrimSpace(words) == "" {
			continue
		}
		b, err := parseBinding(name, words)
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("keys.map.%s: %v", name, err))
			continue
		}
		m[c] = b
	}
	return m, wrong
}

// relativeVolume is a change of the volume in words, which only keys have: they cannot know where it stands.
var relativeVolume = regexp.MustCompile(`(?i)^\s*volume\s+([+-]\d{1,3})\s*$`)

func parseBinding(key, words string) (binding, error) {
	b := binding{key: key, words: strings.TrimSpace(words)}
	if step := relativeVolume.FindStringSubmatch(words); step != nil {
		n, _ := strconv.Atoi(step[1])
		if n == 0 || n < -100 || n > 100 {
			return b, fmt.Errorf(`%q changes nothing, or more than there is; write one such as "volume +5"`, b.words)
		}
		b.command, b.step = player.Command{Verb: "volume"}, n
		return b, nil
	}
	var err error
	b.command, err = player.Parse([]byte(words))
	return b, err
}

// at is the command of a press; volume is what is heard now, from 0 to 100.
func (b binding) at(volume int) player.Command {
	c := b.command
	if b.step != 0 {
		v := min(100, max(0, volume+b.step))
		c.Volume = &v
	}
	return c
}

// keysOf lists the keys of a device that have a command there, by their codes.
func (m keymap) keysOf(d device, named bool) []Key {
	list := []Key{}
	for _, c := range slices.Sorted(maps.Keys(m)) {
		if d.keys[c] && (named || !c.moves()) {
			list = append(list, Key{m[c].key, m[c].words})
		}
	}
	return list
}

// nameOf is the first name of a code.
func nameOf(wanted code) string {
	found := ""
	allKeys(func(name string, c code) {
		if c == wanted && found == "" {
			found = name
		}
	})
	if found == "" {
		found = fmt.Sprint("number ", wanted)
	}
	return found
}
