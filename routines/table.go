package routines

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// tableReader reads one decoded TOML table key by key. What is wrong becomes a Problem at its line, and reading goes
// on.
type tableReader struct {
	location
	label  string // before the keys in problems, such as "words."
	keys   []Key  // what may stand here
	values map[string]any
	number int // its position in a list, from 1
}

// location is where a table stands in its file, kept for problems that are found after it is read.
type location struct {
	file *sourceFile
	path string // such as step[1].cues[0]
	step string // such as `step 2 "Left side"`
}

// problem is a problem with a key of the table.
func (l location) problem(key, format string, args ...any) Problem {
	return Problem{l.file.name, l.file.lines.lineOf(keyPath(l.path, key)), l.step, key + ": " + fmt.Sprintf(format, args...)}
}

// sourceFile is one routine file while it is read.
type sourceFile struct {
	name     string
	lines    lineIndex
	problems Problems
}

// addProblem adds a problem at the line of a path.
func (f *sourceFile) addProblem(path, step, what string) {
	f.problems = append(f.problems, Problem{f.name, f.lines.lineOf(path), step, what})
}

// full reports whether so many problems are found that no more need to be looked for.
func (f *sourceFile) full() bool { return len(f.problems) >= maxFound }

// limited is the problems in the order of their lines, at most maxProblems and a last one that says so. file is the one
// that is named there.
func (ps Problems) limited(file string) Problems {
	ps = ps.sorted()
	if len(ps) > maxProblems {
		ps = append(ps[:maxProblems:maxProblems], Problem{File: file,
			What: fmt.Sprintf("has more than %d problems; mend these, then check again", maxProblems)})
	}
	return ps
}

// problemf adds a problem with a key, or with the table as a whole when key is empty.
func (t *tableReader) problemf(key, format string, args ...any) {
	path, what := t.path, fmt.Sprintf(format, args...)
	if key != "" {
		path = keyPath(path, key)
		if !isBare(key) {
			key = fmt.Sprintf("%q", key)
		}
		what = t.label + excerpt(key) + ": " + what
	}
	t.file.addProblem(path, t.step, what)
}

// excerpt is the beginning of a text from a file, as problems quote it.
func excerpt(s string) string { return truncate(s, 60) }

func truncate(s string, letters int) string {
	if r := []rune(s); len(r) > letters {
		return string(r[:letters-3]) + "..."
	}
	return s
}

func (t *tableReader) has(key string) bool {
	_, found := t.values[key]
	return found
}

// refuseUnknownKeys reports keys that the format does not have here.
func (t *tableReader) refuseUnknownKeys() {
	var names, keys []string
	for _, k := range t.keys {
		names = append(names, k.Name)
	}
	for key := range t.values {
		if !slices.Contains(names, key) {
			keys = append(keys, key)
		}
	}
	sort.Strings(keys)
	for _, key := range keys {
		if t.file.full() {
			return
		}
		if key == "" {
			t.problemf("", `"" is no key; give it a name`)
			continue
		}
		t.problemf(key, "unknown key; %s", DidYouMean(key, names))
	}
}

// text reads a text that is not empty; "" when the key is absent or wrong.
func (t *tableReader) text(key string) string {
	v, found := t.values[key]
	if !found {
		return ""
	}
	s, is := v.(string)
	text := strings.Join(strings.Fields(s), " ")
	switch {
	case !is:
		t.problemf(key, "want a text in quotes, found %s", describe(v))
	case text == "":
		t.problemf(key, "is empty; write the words or leave the key out")
	case utf8.RuneCountInString(text) > maxLetters:
		t.problemf(key, "is longer than %d letters; split it into steps", maxLetters)
		return ""
	case strings.IndexFunc(text, unicode.IsControl) >= 0:
		t.problemf(key, "holds a control character, which cannot be spoken; leave it out")
	}
	return text
}

// quantity reads the text of a duration, length, offset or pattern; false when the key is absent or wrong. example is a
// right value, for the hint.
func (t *tableReader) quantity(key, example string) (string, bool) {
	switch v := t.values[key].(type) {
	case nil:
	case string:
		if len(v) <= 60 {
			return v, true
		}
		t.problemf(key, "want a text such as %q, found %s", example, describe(v))
	case int64, float64:
		if n := fmt.Sprint(v); strings.HasSuffix(example, "s") && isDuration(n) {
			example = n + "s"
		}
		if strings.Contains(example, "-") {
			t.problemf(key, "%v is a bare number; write a pattern such as %q", v, example)
			break
		}
		t.problemf(key, "%v is a bare number; write it with its unit, such as %q", v, example)
	default:
		t.problemf(key, "want a text such as %q, found %s", example, describe(v))
	}
	return "", false
}

// isDuration reports whether a bare number would be a duration with its unit.
func isDuration(number string) bool {
	_, err := parseDuration(number + "s")
	return err == nil && number != "0"
}

func (t *tableReader) length(key string) Length {
	var a Length
	if s, ok := t.quantity(key, "45s"); ok {
		var err error
		if a, err = ParseLength(s); err != nil {
			t.problemf(key, "%v", err)
			return Length{}
		}
	}
	return a
}

func (t *tableReader) duration(key string, unset int) int {
	s, ok := t.quantity(key, "5s")
	if !ok {
		return unset
	}
	n, err := parseDuration(s)
	if err != nil {
		t.problemf(key, "%v", err)
		return unset
	}
	return n
}

func (t *tableReader) pattern(key, example string) *Pattern {
	s, ok := t.quantity(key, example)
	if !ok {
		return nil
	}
	p, err := parsePattern(s)
	if err != nil {
		t.problemf(key, "%v", err)
		return nil
	}
	return &p
}

// wholeNumber reads a whole number from low to high; unset when the key is absent or wrong.
func (t *tableReader) wholeNumber(key string, low, high, unset int) int {
	v, found := t.values[key]
	if !found {
		return unset
	}
	n, is := v.(int64)
	if !is || n < int64(low) || n > int64(high) {
		t.problemf(key, "want a whole number from %d to %d, found %s", low, high, describe(v))
		return unset
	}
	return int(n)
}

// oneOf reads one of the words; "" when the key is absent or wrong.
func (t *tableReader) oneOf(key string, words ...string) string {
	s := NormalizeText(t.text(key))
	if s != "" && !slices.Contains(words, s) {
		t.problemf(key, "%q is not known; %s", excerpt(s), DidYouMean(s, words))
		return ""
	}
	return s
}

// subtable reads a table inside this one; nil when the key is absent or wrong. keys are what may stand in it.
func (t *tableReader) subtable(key string, keys []Key) *tableReader {
	switch v := t.values[key].(type) {
	case nil:
	case map[string]any:
		return &tableReader{location: location{t.file, keyPath(t.path, key), t.step}, label: t.label + key + ".", keys: keys, values: v}
	default:
		t.problemf(key, "want a table such as { %s = \"…\" }, found %s", keys[0].Name, describe(v))
	}
	return nil
}

// subtables reads a list of tables inside this one. It is false when the value, or an element, is something else.
func (t *tableReader) subtables(key string, keys []Key) ([]*tableReader, bool) {
	var elements []any
	switch v := t.values[key].(type) {
	case nil:
	case []map[string]any:
		for _, m := range v {
			elements = append(elements, m)
		}
	case []any:
		elements = v
	default:
		header := regexp.MustCompile(`\[\d+\]`).ReplaceAllString(keyPath(t.path, key), "")
		t.problemf(key, "want a list of tables, found %s; begin each with [[%s]], in two brackets", describe(v), header)
		return nil, false
	}
	var tables []*tableReader
	ok := true
	for i, e := range elements {
		path := elementPath(keyPath(t.path, key), i)
		m, is := e.(map[string]any)
		if t.file.full() {
			break
		}
		if !is {
			t.file.addProblem(path, t.step, fmt.Sprintf("%s: want a table in braces, found %s", key, describe(e)))
			ok = false
			continue
		}
		tables = append(tables, &tableReader{location: location{t.file, path, t.step}, keys: keys, values: m, number: i + 1})
	}
	return tables, ok
}

// describe is a value as problems name it.
func describe(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("the text %q", excerpt(v))
	case map[string]any:
		return "a table"
	case []any, []map[string]any:
		return "a list"
	case time.Time:
		return "a date or a time of day"
	default:
		return fmt.Sprint(v)
	}
}

// textList reads a list of texts, or one text without brackets.
func (t *tableReader) textList(key string) []string {
	list, is := t.values[key].([]any)
	if !is {
		if s := t.text(key); s != "" {
			return []string{s}
		}
		return nil
	}
	var texts []string
	for _, v := range list {
		s, is := v.(string)
		if s = strings.Join(strings.Fields(s), " "); !is || s == "" || len(s) > maxLetters {
			t.problemf(key, "want a list of texts in quotes, found %s in it", describe(v))
			return nil
		}
		texts = append(texts, s)
	}
	return texts
}

// boolean reads true or false; false when the key is absent or wrong.
func (t *tableReader) boolean(key string) bool {
	v, found := t.values[key]
	b, is := v.(bool)
	if found && !is {
		t.problemf(key, "want true or false, found %s", describe(v))
	}
	return b
}

// spokenText reads a text to be spoken and checks its {side} and {other}; sided reports whether these have a meaning
// here.
func (t *tableReader) spokenText(key string, sided bool) string {
	s := t.text(key)
	rest := s
	for brace := strings.IndexAny(rest, "{}"); brace >= 0; brace = strings.IndexAny(rest, "{}") {
		if rest[brace] == '}' {
			t.problemf(key, "a closing } has no opening {; write {side} or {other}")
			break
		}
		name, after, closed := strings.Cut(rest[brace+1:], "}")
		switch {
		case !closed:
			t.problemf(key, "an opening { has no closing }; write {side} or {other}")
		case name != "side" && name != "other":
			t.problemf(key, "{%s} is not known; %s", excerpt(name), DidYouMean("{"+name+"}", []string{"{side}", "{other}"}))
		case !sided:
			t.problemf(key, "{%s} has no meaning without sides = true", name)
		}
		rest = after
	}
	if s != "" && !hasWord(s) {
		t.problemf(key, "%q has no word to speak", excerpt(s))
	}
	return s
}

// hasWord reports whether a text has anything to speak.
func hasWord(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) >= 0
}

// sound reads the name of a tone, or of a sound file in the folder of routines.
func (t *tableReader) sound(key string) string {
	s := t.text(key)
	if s == "" || slices.Contains(SoundNames(), s) {
		return s
	}
	if !isSoundFile(s) {
		t.problemf(key, "%q is neither a tone nor a .wav, .flac or .opus file; %s", excerpt(s), soundHint(s, SoundNames()))
		return ""
	}
	if leavesFolder(s) {
		t.problemf(key, "%q lies outside the folder of routines; put the file beside the routine", excerpt(s))
		return ""
	}
	return s
}

// soundHint says what to do about a name that is neither a sound file nor among names.
func soundHint(s string, names []string) string {
	ending := strings.ToLower(path.Ext(s))
	if slices.Contains([]string{".mp3", ".ogg", ".oga", ".m4a", ".aac", ".mp4", ".aif", ".aiff", ".wma", ".webm"}, ending) {
		return fmt.Sprintf("convert it, such as: ffmpeg -i %s %s.flac", excerpt(s), excerpt(strings.TrimSuffix(s, path.Ext(s))))
	}
	return DidYouMean(s, names)
}

// leavesFolder reports whether a file lies outside the folder of routines.
func leavesFolder(file string) bool {
	return strings.HasPrefix(file, "/") || slices.Contains(strings.Split(file, "/"), "..")
}

func isSoundFile(s string) bool {
	s = strings.ToLower(s)
	return strings.HasSuffix(s, ".wav") || strings.HasSuffix(s, ".flac") || strings.HasSuffix(s, ".opus")
}
