package routines

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// lineIndex maps the path of every key, such as step[2].cues[0].at, to its line. The TOML library knows no
// positions inside repeated tables, and routines are made of those.
type lineIndex map[string]int

// lineOf is the line of a path, or of the nearest thing around it.
func (l lineIndex) lineOf(path string) int {
	for path != "" {
		if line, known := l[path]; known {
			return line
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return 0
}

// addFirst notes a path that may be opened several times.
func (l lineIndex) addFirst(path string, line int) {
	if _, known := l[path]; !known {
		l[path] = line
	}
}

// keyPath is the path of a key in a table. A key that is not bare is quoted, so that no two paths are the same.
func keyPath(path, key string) string {
	if !isBare(key) {
		key = strconv.Quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// elementPath is the path of a list's element.
func elementPath(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

func isBare(key string) bool {
	return key != "" && strings.IndexFunc(key, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	}) < 0
}

// indexLines scans text before the TOML library does: it reads TOML as the library will, and may say anything about
// what is not TOML, but always ends. tooDeep is the line where tables, lists or dotted keys are nested deeper than any
// routine needs, and more than the library reads in good time; 0 when they are not.
func indexLines(text string) (index lineIndex, tooDeep int) {
	s := &lineScanner{lexer: lexer{text: strings.TrimPrefix(text, "\ufeff"), line: 1}, index: lineIndex{}, counts: map[string]int{}}
	table := ""
	for s.skipSpace(); s.i < len(s.text) && s.tooDeep == 0; s.skipSpace() {
		if s.peek() != '[' {
			s.keyValue(table, 0)
			continue
		}
		line := s.line
		double := strings.HasPrefix(s.text[s.i:], "[[")
		s.skipAny("[ \t")
		table = s.tablePath(s.key(), double)
		s.index[table] = line
		s.skipAny("] \t")
	}
	return s.index, s.tooDeep
}

type lineScanner struct {
	lexer
	index   lineIndex
	counts  map[string]int // how many tables a repeated table has so far, by its path
	tooDeep int
}

// giveUp gives the text up.
func (s *lineScanner) giveUp() {
	s.tooDeep = s.line
	s.i = len(s.text)
}

// tablePath resolves a table's name to a path: a repeated table is its newest element.
func (s *lineScanner) tablePath(keys []string, double bool) string {
	path := ""
	if len(keys) > maxNesting {
		s.giveUp()
		return path
	}
	for i, key := range keys {
		path = keyPath(path, key)
		s.index.addFirst(path, s.line)
		if double && i == len(keys)-1 {
			s.counts[path]++
		}
		if n := s.counts[path]; n > 0 {
			path = elementPath(path, n-1)
		}
	}
	return path
}

// keyValue reads key = value.
func (s *lineScanner) keyValue(table string, depth int) {
	line, start := s.line, s.i
	path, keys := table, s.key()
	if len(keys) > maxNesting {
		s.giveUp()
		return
	}
	for _, key := range keys {
		path = keyPath(path, key)
		s.index.addFirst(path, line)
	}
	s.skipAny(" \t=")
	s.skipValue(path, depth)
	if s.i == start {
		s.i++
	}
}

// skipValue skips one value, and notes the lines of what is inside arrays and inline tables.
func (s *lineScanner) skipValue(path string, depth int) {
	if depth > maxNesting {
		s.giveUp()
		return
	}
	switch c := s.peek(); c {
	case '"', '\'':
		s.skipString()
	case '[':
		s.i++
		for n := 0; s.nextElement(']'); n++ {
			s.index[elementPath(path, n)] = s.line
			s.skipValue(elementPath(path, n), depth+1)
		}
	case '{':
		s.i++
		for s.nextElement('}') {
			s.keyValue(path, depth+1)
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

// lexer walks through TOML and counts its lines. It judges nothing.
type lexer struct {
	text string
	i    int
	line int
}

// key reads a dotted key.
func (s *lexer) key() []string {
	var keys []string
	for {
		s.skipAny(" \t")
		start := s.i
		if c := s.peek(); c == '"' || c == '\'' {
			s.skipString()
			keys = append(keys, unquote(s.text[start:min(s.i, len(s.text))]))
		} else {
			for s.i < len(s.text) && !strings.ContainsRune(" \t.=]\n", rune(s.text[s.i])) {
				s.i++
			}
			keys = append(keys, s.text[start:s.i])
		}
		s.skipAny(" \t")
		if s.peek() != '.' {
			return keys
		}
		s.i++
	}
}

// unquote is the key that a quoted one stands for.
func unquote(quoted string) string {
	if quoted[0] == '"' && strings.Contains(quoted, `\`) {
		var v struct{ Key string }
		if _, err := toml.Decode("key = "+quoted, &v); err == nil {
			return v.Key
		}
	}
	return strings.TrimSuffix(quoted[1:], quoted[:1])
}

// skipString skips a string of any of the four kinds.
func (s *lexer) skipString() {
	quote := s.text[s.i : s.i+1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(s.text[s.i:], triple) {
		quote = triple
	}
	for s.i += len(quote); s.i < len(s.text); s.i++ {
		switch {
		case s.text[s.i] == '\\' && quote[0] == '"':
			s.i++
			if s.peek() == '\n' {
				s.line++
			}
		case s.text[s.i] == '\n':
			s.line++
		case strings.HasPrefix(s.text[s.i:], quote):
			s.i += len(quote)
			for n := 0; n < 2 && len(quote) == 3 && s.peek() == quote[0]; n++ { // may stand before the closing three
				s.i++
			}
			return
		}
	}
}

// nextElement skips to the next element of a list or table, and reports false after its end.
func (s *lexer) nextElement(end byte) bool {
	s.skipSpace()
	s.skipAny(",")
	s.skipSpace()
	if c := s.peek(); c != end && c != 0 {
		return true
	}
	s.i++
	return false
}

// skipSpace skips blanks, comments and ends of lines.
func (s *lexer) skipSpace() {
	for s.i < len(s.text) {
		switch s.text[s.i] {
		case ' ', '\t', '\r':
			s.i++
		case '\n':
			s.line++
			s.i++
		case '#':
			for s.i < len(s.text) && s.text[s.i] != '\n' {
				s.i++
			}
		default:
			return
		}
	}
}

func (s *lexer) skipAny(any string) {
	for s.i < len(s.text) && strings.IndexByte(any, s.text[s.i]) >= 0 {
		s.i++
	}
}

// peek is the next byte, 0 at the end of the text.
func (s *lexer) peek() byte {
	if s.i < len(s.text) {
		return s.text[s.i]
	}
	return 0
}
