package routines

import (
	"fmt"
	"strconv"
	"strings"
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
