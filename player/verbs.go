package player

import (
	"fmt"
	"strings"

	"guided/routines"
)

// verb is one row of the table that every remote shares.
type verb struct {
	name  string
	usage string
	keys  string                                 // of a command in JSON that mean something here
	words func(c *Command, words []string) error // reads what follows the verb
	do    func(p *Player, c Command) (changed bool, e error)
}

// verbs is the table. start, select, pause, resume, stop, volume, duck and unduck are idempotent: asked for again they
// change nothing, and say so.
func verbs() []verb {
	return []verb{
		{"start", "start NAME for 5m volume 40 voice heart verbosity short holds off bed rain", "routine for volume voice verbosity holds bed", startWords, (*Player).start},
		{"select", "select NAME", "routine", nameWords, (*Player).choose},
		{"pause", "pause", "", noWords, (*Player).pause},
		{"resume", "resume", "", noWords, (*Player).resume},
		{"toggle", "toggle", "", noWords, (*Player).toggle},
		{"stop", "stop", "", noWords, (*Player).stop},
		{"next", "next", "", noWords, (*Player).skip},
		{"back", "back", "", noWords, (*Player).back},
		{"repeat", "repeat", "", noWords, (*Player).again},
		{"extend", "extend 1m, or extend 3 breaths", "for", extendWords, (*Player).extend},
		{"slower", "slower", "", noWords, (*Player).slower},
		{"faster", "faster", "", noWords, (*Player).faster},
		{"volume", "volume 40", "volume", volumeWords, (*Player).setVolume},
		{"duck", "duck", "", noWords, (*Player).duck},
		{"unduck", "unduck", "", noWords, (*Player).unduck},
		{"say", "say TEXT", "text when", textWords, (*Player).say},
		{"status", "status", "", noWords, (*Player).report},
	}
}

// verbNames lists the verbs.
func verbNames() []string {
	var names []string
	for _, v := range verbs() {
		names = append(names, v.name)
	}
	return names
}

func findVerb(name string) (verb, error) {
	var all []string
	for _, v := range verbs() {
		if v.name == name {
			return v, nil
		}
		all = append(all, v.name)
	}
	if near := routines.Nearest(name, all); near != "" {
		return verb{}, fmt.Errorf("unknown command %q; did you mean %q?", name, near)
	}
	return verb{}, fmt.Errorf("unknown command %q; use one of %s", name, strings.Join(verbNames(), ", "))
}

// report tells every observer the state again.
func (p *Player) report(Command) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changed()
	return true, nil
}
