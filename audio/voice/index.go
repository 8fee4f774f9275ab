package voice

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Index is the index.json of a folder of recordings.
type Index struct {
	Name  string `json:"name"`
	Lang  string `json:"lang"`
	About string `json:"about,omitempty"` // who speaks, and under which licence
	Clips []Clip `json:"clips"`
}

// Clip is one recording of a folder. Samples is its length and Beat its beat, both in samples at audio.Rate. A clip with
// Samples 0 has not been measured, as one recorded at home: it is trimmed, levelled and measured when it is read.
type Clip struct {
	Text    string `json:"text"`
	File    string `json:"file"` // .opus, .flac or .wav, beside the index
	Samples int    `json:"samples,omitempty"`
	Beat    int    `json:"beat,omitempty"`
}

const indexFile = "index.json"

// parseIndex decodes an index as encoding/json does. What a person or `guided voices build` writes is scanned in one pass,
// since each start of the daemon waits for it; only where that meets something else is encoding/json asked.
func parseIndex(data []byte) (Index, error) {
	if index, is := scanIndex(string(data)); is {
		return index, nil
	}
	var index Index
	err := json.Unmarshal(data, &index)
	return index, err
}

// scanIndex decodes an index whose strings have no escapes and whose numbers are short. It is false for anything else, be
// it wrong or only unusual.
func scanIndex(text string) (index Index, is bool) {
	if !utf8.ValidString(text) {
		return Index{}, false
	}
	s := indexScanner{rest: text}
	is = s.object(func(key string) (is bool) {
		switch key {
		case "name":
			index.Name, is = s.string()
		case "lang":
			index.Lang, is = s.string()
		case "about":
			index.About, is = s.string()
		case "clips":
			if index.Clips == nil { // encoding/json merges a second list with the first
				index.Clips, is = s.clips()
			}
		}
		return is
	}) && s.next() == 0 && s.rest == ""
	if !is {
		return Index{}, false
	}
	index.compact()
	return index, true
}

// compact copies the strings into one, so that the index does not keep the whole file in memory.
func (index *Index) compact() {
	list := []*string{&index.Name, &index.Lang, &index.About}
	for i := range index.Clips {
		list = append(list, &index.Clips[i].Text, &index.Clips[i].File)
	}
	size := 0
	for _, text := range list {
		size += len(*text)
	}
	var all strings.Builder
	all.Grow(size)
	for _, text := range list {
		all.WriteString(*text)
	}
	rest := all.String()
	for _, text := range list {
		*text, rest = rest[:len(*text)], rest[len(*text):]
	}
}

// indexScanner reads JSON (RFC 8259) from the beginning of rest. Every method returns false where it meets something else
// than it reads; what is left then is undefined.
type indexScanner struct{ rest string }

// next returns the next byte that is no blank, without taking it; 0 at the end.
func (s *indexScanner) next() byte {
	s.rest = strings.TrimLeft(s.rest, " \n\t\r")
	if s.rest == "" {
		return 0
	}
	return s.rest[0]
}

func (s *indexScanner) take(c byte) bool {
	if s.next() != c || s.rest == "" {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// object calls value for every key of an object, to read what follows.
func (s *indexScanner) object(value func(key string) bool) bool {
	if !s.take('{') {
		return false
	}
	if s.take('}') {
		return true
	}
	for {
		key, is := s.string()
		switch {
		case !is || !s.take(':') || !value(key):
			return false
		case s.take('}'):
			return true
		case !s.take(','):
			return false
		}
	}
}

func (s *indexScanner) clips() ([]Clip, bool) {
	if !s.take('[') {
		return nil, false
	}
	list := make([]Clip, 0, min(strings.Count(s.rest, `"file"`), maxClips+1))
	if s.take(']') {
		return list, true
	}
	for {
		c, is := s.clip()
		list = append(list, c)
		switch {
		case !is || len(list) > maxClips:
			return nil, false
		case s.take(']'):
			return list, true
		case !s.take(','):
			return nil, false
		}
	}
}

func (s *indexScanner) clip() (c Clip, is bool) {
	is = s.object(func(key string) (is bool) {
		switch key {
		case "text":
			c.Text, is = s.string()
		case "file":
			c.File, is = s.string()
		case "samples":
			c.Samples, is = s.number()
		case "beat":
			c.Beat, is = s.number()
		}
		return is
	})
	return c, is
}

// string reads a string without escapes.
func (s *indexScanner) string() (string, bool) {
	if !s.take('"') {
		return "", false
	}
	for i := range len(s.rest) {
		switch c := s.rest[i]; {
		case c == '"':
			text := s.rest[:i]
			s.rest = s.rest[i+1:]
			return text, true
		case c == '\\' || c < ' ':
			return "", false
		}
	}
	return "", false
}

// number reads a whole number of nine digits at most, which fits in an int of 32 bits.
func (s *indexScanner) number() (int, bool) {
	s.next()
	n := len(s.rest) - len(strings.TrimLeft(s.rest, "0123456789"))
	digits := s.rest[:n]
	if n == 0 || n > 9 || n > 1 && digits[0] == '0' {
		return 0, false
	}
	s.rest = s.rest[n:] // a fraction or an exponent that follows is no comma
	number, err := strconv.Atoi(digits)
	return number, err == nil
}
