package routines_test

import (
	"os"
	"regexp"
	"sort"
	"strings"
	"testing"
	"testing/fstest"

	"guided/routines"
)

// TestReference holds README.md, the reference of the format, against the code.
func TestReference(t *testing.T) {
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)

	t.Run("the tables hold the keys that are known, with the steps they go with", func(t *testing.T) {
		for heading, keys := range map[string][]routines.Key{
			"| key | what it takes | default |":       routines.RoutineKeys,
			"| key | what it takes | in steps that |": routines.StepKeys,
			"| key of a cue | what it takes |":        routines.CueKeys,
			"| key of `words` | the phase | in steps": routines.WordKeys,
			"| key of `teach` | what it is |":         routines.TeachKeys,
		} {
			told := tableReader(t, page, heading)
			var known []string
			for _, k := range keys {
				known = append(known, k.Name)
				if kinds, listed := told[k.Name]; k.For != "" && listed {
					if got, want := words(kinds), words(k.For); got != want {
						t.Errorf("%s: goes with %s, the page says %s", k.Name, want, got)
					}
				}
			}
			var listed []string
			for name := range told {
				listed = append(listed, name)
			}
			if got, want := words(strings.Join(listed, " ")), words(strings.Join(known, " ")); got != want {
				t.Errorf("%s\n page %s\n code %s", heading, got, want)
			}
		}
	})
	t.Run("the tones are those that are made", func(t *testing.T) {
		_, line, found := strings.Cut(page, "The tones are ")
		line, _, _ = strings.Cut(line, ".")
		var names []string
		for _, m := range regexp.MustCompile("`([a-z]+)`").FindAllStringSubmatch(line, -1) {
			names = append(names, m[1])
		}
		if got, want := words(strings.Join(names, " ")), words(strings.Join(routines.SoundNames(), " ")); !found || got != want {
			t.Errorf("page %s, code %s", got, want)
		}
	})
	t.Run("every routine on the page plays without a problem or a note", func(t *testing.T) {
		examples := regexp.MustCompile("(?s)```toml\n(.*?)```").FindAllStringSubmatch(page, -1)
		if len(examples) < 4 {
			t.Fatalf("only %d examples", len(examples))
		}
		for _, e := range examples {
			if !strings.HasPrefix(e[1], "title") {
				continue // the words of a language
			}
			library := routines.Library{fstest.MapFS{"example.toml": {Data: []byte(e[1])}}, routines.Builtin()}
			r, err := library.Load("example")
			if err != nil {
				t.Errorf("%v\n%s", err, e[1])
				continue
			}
			score, err := routines.Compile(r, letters, routines.Options{})
			if err != nil || len(score.Notes) > 0 {
				t.Errorf("%v %v\n%s", err, score.Notes, e[1])
			}
		}
	})
}

// tableReader reads a table of the page: its last column by the names in its first.
func tableReader(t *testing.T, page, heading string) map[string]string {
	t.Helper()
	_, rest, found := strings.Cut(page, "\n"+heading)
	if !found {
		t.Fatalf("the page has no table %s", heading)
	}
	rows := map[string]string{}
	for _, line := range strings.Split(rest, "\n")[2:] {
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(cells[0], -1) {
			rows[m[1]] = cells[len(cells)-1]
		}
	}
	return rows
}

// words are a list's words in order, whatever separates them.
func words(list string) string {
	w := regexp.MustCompile(`[a-z_]+`).FindAllString(list, -1)
	sort.Strings(w)
	return strings.Join(w, " ")
}
