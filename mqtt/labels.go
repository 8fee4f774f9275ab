package mqtt

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"guided/player"
)

// A label is a routine as Home Assistant offers it. No two have the same text.
type label struct {
	routine string // its name in our commands and states
	text    string // its title, for people
	key     string // of its scene, the same for as long as the routine has its name
}

// maxState is how long a state of Home Assistant may be, in characters.
const maxState = 255

// labels are those of the routines that can be played.
func labels(list []player.RoutineInfo, device string) []label {
	var all []label
	texts, keys := map[string]bool{}, map[string]bool{}
	for _, r := range list {
		if r.Error != "" {
			continue
		}
		text := cut(clean(r.Title), maxState)
		switch {
		case text == "":
			text = cut(clean(r.Name), maxState)
		case strings.EqualFold(text, device), text == "None": // the device itself, and what stands for nothing
			text += " routine"
		}
		if texts[strings.ToLower(text)] {
			text = cut(text, maxState-60) + " (" + cut(clean(r.Name), 50) + ")"
		}
		for n := 2; text == "" || texts[strings.ToLower(text)]; n++ {
			text = cut(text, maxState-60) + fmt.Sprintf(" (%d)", n)
		}
		key := "r_" + handle(r.Name)
		for keys[key] {
			key += "_"
		}
		texts[strings.ToLower(text)], keys[key] = true, true
		all = append(all, label{r.Name, text, key})
	}
	return all
}

// clean is a text on one line: templates lose blanks at its ends, and a state that has them is none of the options.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return strings.Join(strings.Fields(s), " ")
}

// cut is what has room of s, in characters.
func cut(s string, room int) string {
	if r := []rune(s); len(r) > room {
		return strings.TrimSpace(string(r[:room]))
	}
	return s
}

// handle is a routine's name in identifiers: itself, or something like it that no other name gives.
func handle(name string) string {
	if regexp.MustCompile(`^[a-z0-9_-]{1,60}$`).MatchString(name) {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return fmt.Sprintf("%s_%x", cut(slug(name, "routine"), 40), sum[:4])
}

// slug is a name as Home Assistant writes it in an entity's id.
func slug(name, fallback string) string {
	s := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(name), "_")
	if s = strings.Trim(s, "_"); s == "" {
		return fallback
	}
	return s
}
