package mqtt

import (
	"encoding/json"
	"strings"
)

// lookup is a dictionary as Home Assistant's templates write it. What a person has written stands in it as a string
// without anything that could begin or end a template.
func lookup(all []label, from, to func(label) string) string {
	pairs := make([]string, len(all))
	for i, l := range all {
		pairs[i] = quote(from(l)) + ":" + quote(to(l))
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

// quote is JSON's string, whose escapes a template reads too.
func quote(s string) string {
	b, _ := json.Marshal(s) // a string cannot fail
	return strings.NewReplacer("{", `\u007b`, "}", `\u007d`, "%", `\u0025`, "#", `\u0023`, "'", `\u0027`).Replace(string(b))
}

func (l label) name() string  { return l.routine }
func (l label) title() string { return l.text }
