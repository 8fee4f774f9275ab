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

// README.md is the reference of the format and must agree with the code.
func TestReferenceKeysSoundsAndExamples(t *testing.T) {
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
			told := pageTable(t, page, heading)
			var known []string
			for _, k := range keys {
				known = append(known, k.Name)
				if kinds, listed := told[k.Name]; k.For != "" && listed {
					if got, want := sortedWords(kinds), sortedWords(k.For); got != want {
						t.Errorf("%s: goes with %s, the page says %s", k.Name, want, got)
					}
				}
			}
			var listed []string
			for name := range told {
				listed = append(listed, name)
			}
			if got, want := sortedWords(strings.Join(listed, " ")), sortedWords(strings.Join(known, " ")); got != want {
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
		if got, want := sortedWords(strings.Join(names, " ")), sortedWords(strings.Join(routines.SoundNames(), " ")); !found || got != want {
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
			r, err := library.Load(t.Context(), "example")
			if err != nil {
				t.Errorf("%v\n%s", err, e[1])
				continue
			}
			score, err := routines.Compile(t.Context(), r, measureLetters, routines.Options{})
			if err != nil || len(score.Notes) > 0 {
				t.Errorf("%v %v\n%s", err, score.Notes, e[1])
			}
		}
	})
}

// pageTable reads a table of the page: the last column by the names in the first.
func pageTable(t *testing.T, page, heading string) map[string]string {
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

// sortedWords is the words of a list in order, whatever separates them.
func sortedWords(list string) string {
	w := regexp.MustCompile(`[a-z_]+`).FindAllString(list, -1)
	sort.Strings(w)
	return strings.Join(w, " ")
}
