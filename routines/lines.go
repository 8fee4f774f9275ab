package routines

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// lineIndex maps the path of every key, such as step[2].cues[0].at, to its line, from 1.
//
// The positions of the TOML library do not do. BurntSushi/toml v1.6.0 keeps them in MetaData.keyInfo, which is not
// exported, under the dotted key without list indices: the keys of all [[step]] tables share one entry, that of the
// last. It exports a position only with a ParseError, which ends decoding at the first one, and a routine's problems
// are reported together.
type lineIndex map[string]int

// lineOf is the line of a path, or of the nearest table or list around it; 0 when neither is known.
func (l lineIndex) lineOf(path string) int {
	for path != "" {
		if line, known := l[path]; known {
			return line
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return 0
}

// keyPath is the path of a key in a table. A key that is not bare is quoted, so that no two paths are equal.
func keyPath(path, key string) string {
	if !isBare(key) {
		key = strconv.Quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// elementPath is the path of element i of a list.
func elementPath(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

func isBare(key string) bool {
	return key != "" && strings.IndexFunc(key, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	}) < 0
}

// indexLines scans a text before the TOML library decodes it. For valid TOML the index is exact; for anything else its
// content is unspecified, but the scan always ends. tooDeep is the line where tables, lists or dotted keys are nested
// deeper than maxNesting, and tooMany the line of the first key or value beyond maxKeys, which the library would read
// slowly; 0 where there is none.
func indexLines(text string) (index lineIndex, tooDeep, tooMany int) {
	s := &lineScanner{text: strings.TrimPrefix(text, "\ufeff"), line: 1, index: lineIndex{}, counts: map[string]int{}}
	table := ""
	for s.skipSpace(); s.i < len(s.text); s.skipSpace() {
		if s.peek() != '[' {
			s.keyValue(table, 0)
			continue
		}
		line := s.line
		double := strings.HasPrefix(s.text[s.i:], "[[")
		s.skipAny("[ \t")
		table = s.tablePath(s.key(), double)
		s.note(table, line, false)
		s.skipAny("] \t")
	}
	return s.index, s.tooDeep, s.tooMany
}

// lineScanner walks through TOML and notes the line of every key. It reports no errors: the TOML library does that.
type lineScanner struct {
	text    string
	i       int // the next byte of text
	line    int // that it stands on, from 1
	index   lineIndex
	counts  map[string]int // the number of elements so far of a repeated table, by path
	tooDeep int            // the line of nesting that is too deep; 0: none
	tooMany int            // the line of the first key or value beyond maxKeys; 0: none
}

// note notes the line of a path, unless it is known already and first is asked for.
func (s *lineScanner) note(path string, line int, first bool) {
	if _, known := s.index[path]; !known || !first {
		s.index[path] = line
	}
	if len(s.index) > maxKeys && s.i < len(s.text) {
		s.tooMany, s.i = s.line, len(s.text)
	}
}

// giveUp ends the scan because of the nesting on this line.
func (s *lineScanner) giveUp() {
	s.tooDeep = s.line
	s.i = len(s.text)
}

// tablePath resolves the keys of a table header to a path, in which a repeated table is its newest element.
func (s *lineScanner) tablePath(keys []string, double bool) string {
	path := ""
	if len(keys) > maxNesting {
		s.giveUp()
		return path
	}
	for i, key := range keys {
		path = keyPath(path, key)
		s.note(path, s.line, true)
		if double && i == len(keys)-1 {
			s.counts[path]++
		}
		if n := s.counts[path]; n > 0 {
			path = elementPath(path, n-1)
		}
	}
	return path
}

// keyValue scans key = value inside a table.
func (s *lineScanner) keyValue(table string, depth int) {
	line, start := s.line, s.i
	path, keys := table, s.key()
	if len(keys) > maxNesting {
		s.giveUp()
		return
	}
	for _, key := range keys {
		path = keyPath(path, key)
		s.note(path, line, true)
	}
	s.skipAny(" \t=")
	s.skipValue(path, depth)
	if s.i == start {
		s.i++
	}
}

// skipValue skips one value, and notes the lines of what lies inside arrays and inline tables.
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
			s.note(elementPath(path, n), s.line, false)
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

// key reads a dotted key.
func (s *lineScanner) key() []string {
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

// unquote is the key that a quoted key stands for.
func unquote(quoted string) string {
	if quoted[0] == '"' && strings.Contains(quoted, `\`) {
		var v struct{ Key string }
		if _, err := toml.Decode("key = "+quoted, &v); err == nil {
			return v.Key
		}
	}
	return strings.TrimSuffix(quoted[1:], quoted[:1])
}

// skipString skips a string of any of TOML's four kinds.
func (s *lineScanner) skipString() {
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
			for n := 0; n < 2 && len(quote) == 3 && s.peek() == quote[0]; n++ { // up to two quotes may precede the closing three
				s.i++
			}
			return
		}
	}
}

// nextElement skips to the next element of a list or inline table; false, behind the closing bracket, at its end.
func (s *lineScanner) nextElement(end byte) bool {
	s.skipSpace()
	s.skipAny(",")
	s.skipSpace()
	if c := s.peek(); c != end && c != 0 {
		return true
	}
	s.i++
	return false
}

// skipSpace skips blanks, comments and line breaks.
func (s *lineScanner) skipSpace() {
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

// skipAny skips all bytes that are in set. The set holds no line break.
func (s *lineScanner) skipAny(set string) {
	for s.i < len(s.text) && strings.IndexByte(set, s.text[s.i]) >= 0 {
		s.i++
	}
}

// peek is the next byte, 0 at the end of the text.
func (s *lineScanner) peek() byte {
	if s.i < len(s.text) {
		return s.text[s.i]
	}
	return 0
}
