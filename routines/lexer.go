package routines

import (
	"strings"

	"github.com/BurntSushi/toml"
)

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
