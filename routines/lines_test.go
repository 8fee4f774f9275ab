package routines_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"guided/routines"
)

// layoutWriter writes TOML in every layout that the format allows, and records the lines of keys that no routine has.
type layoutWriter struct {
	*rand.Rand
	text    strings.Builder
	end     string // of a line
	line    int
	markers map[string]int // line by key
}

func (s *layoutWriter) write(text string) {
	s.line += strings.Count(text, "\n")
	s.text.WriteString(strings.ReplaceAll(text, "\n", s.end))
}

func (s *layoutWriter) one(of ...string) string { return of[s.IntN(len(of))] }

// gap writes what may stand wherever a line may end.
func (s *layoutWriter) gap() {
	for s.IntN(3) == 0 {
		s.write(s.one("\n", " ", "\t", "# [[step]] \"\"\" '\n", "\n# {[\n", "\n\n"))
	}
}

// blank writes what may stand around a dot, a bracket or an equals sign.
func (s *layoutWriter) blank() { s.write(s.one("", "", " ", "  ", "\t")) }

// marker writes an unknown key in any notation, with a value, and records its line.
func (s *layoutWriter) marker() {
	key := fmt.Sprintf("mark%d", len(s.markers))
	s.markers[key] = s.line
	switch s.IntN(5) {
	case 0:
		s.write(`"` + key + `"`)
	case 1:
		s.write(`'` + key + `'`)
	case 2:
		s.write(`"\u006d` + key[1:] + `"`)
	case 3:
		s.write(key)
		s.blank()
		s.write(".")
		s.blank()
		s.write(s.one("a", `"a.b"`, `'c]'.d`))
	default:
		s.write(key)
	}
	s.blank()
	s.write("=")
	s.blank()
	s.value(0)
}

// value writes any value, over any number of lines.
func (s *layoutWriter) value(depth int) {
	switch kind := s.IntN(10); {
	case kind < 5 || depth > 2:
		s.write(s.one("1", "-2.5", "true", "00:03:00", "1979-05-27 07:32:00", `""`, `''`, `"a # \" [b] = {"`, `'c:\'`,
			"\"\"\"\na\n\n\"b\" \"\"c\"\"\"", "\"\"\"\"a\"\"\"\"", "'''\n[[step]]\nx = 1\n'''", "''''a'''''", "\"\"\"a\\\n   b\\\\\"\"\"", "\"\"\"\"\"\"", "''''''"))
	case kind < 8:
		s.write("[")
		for range s.IntN(4) {
			s.gap()
			s.value(depth + 1)
			s.gap()
			s.write(",")
		}
		s.gap()
		s.write("]")
	default:
		s.write("{")
		for i := range s.IntN(4) {
			s.gap()
			s.write(fmt.Sprintf("k%d", i))
			s.blank()
			s.write("=")
			s.blank()
			s.value(depth + 1)
			s.gap()
			s.write(",")
		}
		s.gap()
		s.write("}")
	}
}

// lines writes some markers, each on a line of its own.
func (s *layoutWriter) lines() {
	for range s.IntN(3) {
		s.gap()
		s.write(s.one("", "  ", "\t"))
		s.marker()
		s.write(s.one("\n", " # x = '''\n", "\n\n"))
	}
}

// inline writes an inline table with markers in it.
func (s *layoutWriter) inline(known string) {
	s.write("{")
	s.gap()
	s.write(known)
	for range s.IntN(3) {
		s.gap()
		s.write(",")
		s.gap()
		s.marker()
	}
	s.gap()
	s.write("}")
}

// header writes the header of a table.
func (s *layoutWriter) header(open, path, end string) {
	s.gap()
	s.write("\n" + open)
	s.blank()
	for i, key := range strings.Split(path, ".") {
		if i > 0 {
			s.write(s.one(".", " . ", ".\t"))
		}
		s.write(s.one(key, key, `"`+key+`"`, `'`+key+`'`))
	}
	s.blank()
	s.write(end + s.one("\n", " # a table\n"))
}

// step writes a step, and steps inside it.
func (s *layoutWriter) step(path string, depth int) {
	s.header("[[", path, "]]")
	s.lines()
	if depth < 3 && s.IntN(3) == 0 {
		for range 1 + s.IntN(3) {
			s.step(path+".step", depth+1)
		}
		return
	}
	s.write("breathe = '4-6'\nfor = '1m'\n")
	inWords, inCues := s.IntN(4), s.IntN(4)
	switch inWords {
	case 0:
		s.write("words = ")
		s.inline("in = 'x'")
		s.write("\n")
	case 1:
		s.write("words.in = 'x'\nwords.")
		s.marker()
		s.write("\n")
	}
	if inCues == 0 {
		s.write("cues = [")
		for range 1 + s.IntN(3) {
			s.gap()
			s.inline("at = '5s', say = 'x'")
			s.gap()
			s.write(",")
		}
		s.gap()
		s.write("]\n")
	}
	s.lines()
	if inWords == 2 {
		s.header("[", path+".words", "]")
		s.lines()
	}
	if inCues == 1 {
		for range 1 + s.IntN(3) {
			s.header("[[", path+".cues", "]]")
			s.write("at = '5s'\nsay = 'x'\n")
			s.lines()
		}
	}
}

func TestParseProblemLinesInEveryLayout(t *testing.T) {
	marked := 0
	for seed := range uint64(600) {
		s := &layoutWriter{Rand: rand.New(rand.NewPCG(seed, 0)), line: 1, markers: map[string]int{}}
		s.end = s.one("\n", "\n", "\r\n")
		s.text.WriteString(s.one("", "", "\ufeff"))
		s.gap()
		s.write("\ntitle = 'Layout'\n")
		s.lines()
		for range 1 + s.IntN(4) {
			s.step("step", 0)
		}
		if len(s.markers) == 0 || len(s.markers) > 60 {
			continue // nothing to find, or more problems than are told
		}
		marked += len(s.markers)
		_, err := routines.Parse("layout.toml", []byte(s.text.String()))
		var problems routines.Problems
		if !errors.As(err, &problems) {
			t.Fatalf("seed %d: %v\n%s", seed, err, s.text.String())
		}
		found := map[string]int{}
		for _, p := range problems {
			if key, _, is := strings.Cut(p.What, ": unknown key"); is {
				found[key[strings.LastIndex(key, ".")+1:]] = p.Line
			}
		}
		for key, line := range s.markers {
			if found[key] != line {
				t.Fatalf("seed %d: %s stands on line %d, told on line %d\n%v\n%s", seed, key, line, found[key], err, s.text.String())
			}
		}
	}
	if marked < 3000 {
		t.Errorf("only %d keys were looked for", marked)
	}
}
