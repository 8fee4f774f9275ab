package routines

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// readPage is the text of README.md.
func readPage(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// pageRow is the row of a key in the first table under a heading that has it.
func pageRow(t *testing.T, heading, key string) string {
	t.Helper()
	_, rest, found := strings.Cut(readPage(t), "\n"+heading+"\n")
	if !found {
		t.Fatalf("the page has no heading %s", heading)
	}
	for _, line := range strings.Split(rest, "\n") {
		if strings.HasPrefix(line, "| `"+key+"` |") {
			return line
		}
	}
	t.Fatalf("%s: no row for %s", heading, key)
	return ""
}

func TestReferenceDefaults(t *testing.T) {
	for _, d := range []struct{ heading, key, want string }{
		{"## The routine", "lang", fmt.Sprintf("| `%q` |", defaultLang)},
		{"## The routine", "breath", fmt.Sprintf("| `%q` |", defaultBreath)},
		{"## The routine", "count", fmt.Sprintf("| `%q` |", defaultCountMode)},
		{"## The steps", "tempo", fmt.Sprintf("default `%q`", defaultTempo)},
		{"## The steps", "prepare", fmt.Sprintf("default `\"%v\"`, before breaths and reps at least `\"%v\"`", Duration(defaultPrepare), Duration(minLead))},
		{"## The steps", "switch", fmt.Sprintf("default `\"%v\"`", Duration(defaultSwitch))},
		{"## The steps", "repeat", fmt.Sprintf("from 1 to %d; default 1 ", maxRepeat)},
		{"## The steps", "reps", "from 1 to 60"},
		{"## What is said, and what fits", "rounds", fmt.Sprintf("from 1 to 100; default %d |", defaultTeachFor)},
	} {
		t.Run(d.key, func(t *testing.T) {
			if got := pageRow(t, d.heading, d.key); !strings.Contains(got, d.want) {
				t.Errorf("the page says\n%s\nthe code %s", got, d.want)
			}
		})
	}
}

func TestReferenceLimits(t *testing.T) {
	text := strings.Join(strings.Fields(readPage(t)), " ")
	for _, want := range []string{
		fmt.Sprintf("A text has at most %d letters, a file %d steps, groups are at most %d deep", maxLetters, maxSteps, maxDepth),
		fmt.Sprintf("at most %d of them", maxBreaths),
		fmt.Sprintf("routines inside routines more than %s deep", mustLang(t).number(maxDepth)),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say: %s", want)
		}
	}
	if maxLength != 4*60*60*Rate || silenceAfterWords != Rate || soundToWords != Rate {
		t.Error("the page says: four hours, one second after words, one second after a sound")
	}
}

func mustLang(t *testing.T) *Lang {
	t.Helper()
	l, err := loadLang(defaultLang)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// The page must have a row for each count mode.
func TestReferenceCountModes(t *testing.T) {
	for _, mode := range []CountMode{Spoken, Tones, Words, Silent} {
		pageRow(t, "## What is said, and what fits", string(mode))
	}
}

func TestReferenceLanguage(t *testing.T) {
	for _, e := range regexp.MustCompile("(?s)```toml\n(.*?)```").FindAllStringSubmatch(readPage(t), -1) {
		if !strings.HasPrefix(e[1], "name") {
			continue
		}
		var onPage, inProgram map[string]any
		if _, err := toml.Decode(e[1], &onPage); err != nil {
			t.Fatal(err)
		}
		if _, err := toml.DecodeFS(langFiles, "lang/"+defaultLang+".toml", &inProgram); err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"numbers", "abbreviations"} { // shortened on the page
			if onPage[table] == nil {
				t.Errorf("the page has no %s", table)
			}
			delete(onPage, table)
			delete(inProgram, table)
		}
		if fmt.Sprint(onPage) != fmt.Sprint(inProgram) {
			t.Errorf("the page has\n%v\nthe program\n%v", onPage, inProgram)
		}
		return
	}
	t.Error("no words of a language on the page")
}
