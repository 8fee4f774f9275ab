package routines

import (
	"fmt"
	"strings"
)

// lineIndex maps the path of every key, such as step[2].cues[0].at, to its line. The TOML library knows no
// positions inside repeated tables, and routines are made of those.
type lineIndex map[string]int

// indexLines scans text that the TOML library has already accepted, so it need not judge it.
func indexLines(text string) lineIndex {
	s := &lineScanner{text: text, line: 1, index: lineIndex{}, counts: map[string]int{}}
	table := ""
	for s.space(true); s.i < len(s.text); s.space(true) {
		if s.peek() != '[' {
			s.pair(table)
			continue
		}
		line := s.line
		double := strings.HasPrefix(s.text[s.i:], "[[")
		s.take("[ \t")
		table = s.header(s.key(), double)
		s.index[table] = line
		s.take("] \t")
	}
	return s.index
}

type lineScanner struct {
	text   string
	i      int
	line   int
	index  lineIndex
	counts map[string]int // how many tables a repeated table has so far, by its path
}

// header resolves a table's name to a path: a repeated table is its newest element.
func (s *lineScanner) header(keys []string, double bool) string {
	path := ""
	for i, key := range keys {
		path = join(path, key)
		if double && i == len(keys)-1 {
			s.counts[path]++
		}
		if n := s.counts[path]; n > 0 {
			path = fmt.Sprintf("%s[%d]", path, n-1)
		}
	}
	return path
}

// pair reads key = value.
func (s *lineScanner) pair(table string) {
	line, start := s.line, s.i
	path := table
	for _, key := range s.key() {
		path = join(path, key)
		if _, known := s.index[path]; !known {
			s.index[path] = line
		}
	}
	s.take(" \t=")
	s.value(path)
	if s.i == start {
		s.i++
	}
}

// value skips one value, and notes the lines of what is inside arrays and inline tables.
func (s *lineScanner) value(path string) {
	switch c := s.peek(); {
	case c == '"' || c == '\'':
		s.quoted()
	case c == '[':
		s.i++
		for n := 0; ; n++ {
			s.space(true)
			if s.peek() == ']' || s.peek() == 0 {
				s.i++
				return
			}
			element := fmt.Sprintf("%s[%d]", path, n)
			s.index[element] = s.line
			s.value(element)
			s.space(true)
			s.take(",")
		}
	case c == '{':
		s.i++
		for {
			s.space(true)
			if s.peek() == '}' || s.peek() == 0 {
				s.i++
				return
			}
			s.pair(path)
			s.space(true)
			s.take(",")
		}
	default:
		start := s.i
		for s.i < len(s.text) && !strings.ContainsRune(",]}#\n", rune(s.text[s.i])) {
			s.i++
		}
		if s.i == start {
			s.i++
		}
	}
}

// key reads a dotted key.
func (s *lineScanner) key() []string {
	var keys []string
	for {
		s.take(" \t")
		start := s.i
		if c := s.peek(); c == '"' || c == '\'' {
			s.quoted()
			keys = append(keys, s.text[min(start+1, s.i):max(start+1, s.i-1)])
		} else {
			for s.i < len(s.text) && !strings.ContainsRune(" \t.=]\n", rune(s.text[s.i])) {
				s.i++
			}
			keys = append(keys, s.text[start:s.i])
		}
		s.take(" \t")
		if s.peek() != '.' {
			return keys
		}
		s.i++
	}
}

// quoted skips a string of any of the four kinds.
func (s *lineScanner) quoted() {
	quote := s.text[s.i : s.i+1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(s.text[s.i:], triple) {
		quote = triple
	}
	for s.i += len(quote); s.i < len(s.text); s.i++ {
		switch {
		case s.text[s.i] == '\\' && quote[0] == '"':
			s.i++
			if s.i < len(s.text) && s.text[s.i] == '\n' {
				s.line++
			}
		case s.text[s.i] == '\n':
			s.line++
		case strings.HasPrefix(s.text[s.i:], quote):
			s.i += len(quote)
			for len(quote) == 3 && s.peek() == quote[0] { // up to two quotes may stand before the closing three
				s.i++
			}
			return
		}
	}
}

// space skips blanks, and with lines also comments and ends of lines.
func (s *lineScanner) space(lines bool) {
	for s.i < len(s.text) {
		switch c := s.text[s.i]; {
		case c == ' ' || c == '\t' || c == '\r':
			s.i++
		case lines && c == '\n':
			s.line++
			s.i++
		case lines && c == '#':
			for s.i < len(s.text) && s.text[s.i] != '\n' {
				s.i++
			}
		default:
			return
		}
	}
}

func (s *lineScanner) take(any string) {
	for s.i < len(s.text) && strings.IndexByte(any, s.text[s.i]) >= 0 {
		s.i++
	}
}

func (s *lineScanner) peek() byte {
	if s.i < len(s.text) {
		return s.text[s.i]
	}
	return 0
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// of is the line of a path, or of the nearest thing around it.
func (l lineIndex) of(path string) int {
	for path != "" {
		if line, known := l[path]; known {
			return line
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return 0
}
