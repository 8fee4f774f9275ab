package homeassistant

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"guided/player"
)

// A label is how Home Assistant shows a routine. No two have the same title, in any case, or the same key.
type label struct {
	name  string // of the routine, in commands and states
	title string // for people
	key   string // of its scene's component, the same for as long as the routine keeps its name
}

// maxStateLength is how long a state of Home Assistant may be, in characters.
const maxStateLength = 255

// labels are those of the routines that can be played.
func labels(routines []player.RoutineInfo, device string) []label {
	var all []label
	titles, keys := map[string]bool{}, map[string]bool{}
	for _, r := range routines {
		if r.Error != "" {
			continue
		}
		title := truncate(singleLine(r.Title), maxStateLength)
		switch {
		case title == "":
			title = truncate(singleLine(r.Name), maxStateLength)
		case strings.EqualFold(title, device), title == "None": // the device itself, and Home Assistant's word for no option
			title += " routine"
		}
		if titles[strings.ToLower(title)] {
			title = truncate(title, maxStateLength-60) + " (" + truncate(singleLine(r.Name), 50) + ")"
		}
		for n := 2; title == "" || titles[strings.ToLower(title)]; n++ {
			title = truncate(title, maxStateLength-60) + fmt.Sprintf(" (%d)", n)
		}
		key := "r_" + keyOf(r.Name)
		for keys[key] {
			key += "_"
		}
		titles[strings.ToLower(title)], keys[key] = true, true
		all = append(all, label{r.Name, title, key})
	}
	return all
}

// keyOf is a routine's name as a part of identifiers: itself where it can be, else its slug with a hash of it.
func keyOf(name string) string {
	plain := func(c rune) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-' }
	if name != "" && len(name) <= 60 && !strings.ContainsFunc(name, func(c rune) bool { return !plain(c) }) {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return fmt.Sprintf("%s_%x", truncate(slug(name, "routine"), 40), sum[:4])
}

// entryKey is the name of an entry of the schedule as a part of identifiers: where all of its letters are in its slug, that
// slug, so that the entry stays the same entity when its name is written in another way.
func entryKey(name string) string {
	if strings.ContainsFunc(name, func(c rune) bool { return c > unicode.MaxASCII && (unicode.IsLetter(c) || unicode.IsDigit(c)) }) {
		return keyOf(strings.ToLower(name))
	}
	return slug(name, "entry")
}

// slug is a name as Home Assistant writes it in an entity's id; fallback where nothing of it is left.
func slug(name, fallback string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') })
	if len(words) == 0 {
		return fallback
	}
	return strings.Join(words, "_")
}

// singleLine is a text without control characters, and with single blanks between its words only: templates lose blanks
// at the ends, and a state that has them would be none of the options.
func singleLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return strings.Join(strings.Fields(s), " ")
}

// truncate is at most the first n characters of s.
func truncate(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return strings.TrimSpace(string(r[:n]))
	}
	return s
}

// dictionary is a dictionary in a template of Home Assistant (Jinja), with a pair for each label.
func dictionary(all []label, pair func(label) (key, value string)) string {
	pairs := make([]string, len(all))
	for i, l := range all {
		key, value := pair(l)
		pairs[i] = templateString(key) + ":" + templateString(value)
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

// outsideTemplates escapes each character that could begin or end a template.
var outsideTemplates = strings.NewReplacer("{", `\u007b`, "}", `\u007d`, "%", `\u0025`, "#", `\u0023`, "'", `\u0027`)

// templateString is s as a string in a template: JSON's string, whose escapes Jinja reads too, without any character
// that could begin or end a template.
func templateString(s string) string {
	b, _ := json.Marshal(s) // a string cannot fail
	return outsideTemplates.Replace(string(b))
}
