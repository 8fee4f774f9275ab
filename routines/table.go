package routines

import (
	"fmt"
	"regexp"
	"sort"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// table reads one decoded TOML table key by key, and turns everything wrong into a Problem at the right line.
type table struct {
	file  *file
	path  string // such as step[1].cues[0]
	where string // such as `step 2 "Left side"`
	label string // before the keys in problems, such as "words."
	keys  []Key  // what may stand here
	m     map[string]any
	n     int // its number in a list, from 1
}

// file is one routine file while it is read.
type file struct {
	name     string
	lines    lineIndex
	problems Problems
}

// tell adds a problem at the line of a path.
func (f *file) tell(path, where, what string) {
	f.problems = append(f.problems, Problem{f.name, f.lines.of(path), where, what})
}

// told is every problem in the order of the lines; of very many the first ones.
func (f *file) told() Problems {
	ps := f.problems.sorted()
	if len(ps) > maxProblems {
		ps = append(ps[:maxProblems:maxProblems], Problem{File: f.name,
			What: fmt.Sprintf("has more than %d problems; mend these, then check again", maxProblems)})
	}
	return ps
}

// problem tells what is wrong with a key, or with the table as a whole when the key is empty.
func (t *table) problem(key, format string, args ...any) {
	path, what := t.path, fmt.Sprintf(format, args...)
	if key != "" {
		path = join(path, key)
		if !isBare(key) {
			key = fmt.Sprintf("%q", key)
		}
		what = t.label + shortened(key) + ": " + what
	}
	t.file.tell(path, t.where, what)
}

// shortened is a piece of a file as a problem quotes it.
func shortened(s string) string { return cut(s, 60) }

func cut(s string, letters int) string {
	if r := []rune(s); len(r) > letters {
		return string(r[:letters-3]) + "..."
	}
	return s
}

func (t *table) has(key string) bool {
	_, found := t.m[key]
	return found
}

// unknown refuses keys that have no meaning here.
func (t *table) unknown() {
	var names, keys []string
	for _, k := range t.keys {
		names = append(names, k.Name)
	}
	for key := range t.m {
		if !contains(names, key) {
			keys = append(keys, key)
		}
	}
	sort.Strings(keys)
	for _, key := range keys {
		if key == "" {
			t.problem("", `"" is no key; give it a name`)
			continue
		}
		t.problem(key, "unknown key; %s", didYouMean(key, names))
	}
}

// text is a string that says something; "" when the key is absent or wrong.
func (t *table) text(key string) string {
	v, found := t.m[key]
	if !found {
		return ""
	}
	s, is := v.(string)
	text := strings.Join(strings.Fields(s), " ")
	switch {
	case !is:
		t.problem(key, "want a text in quotes, found %s", describe(v))
	case text == "":
		t.problem(key, "is empty; write the words or leave the key out")
	case utf8.RuneCountInString(text) > maxLetters:
		t.problem(key, "is longer than %d letters; split it into steps", maxLetters)
		return ""
	case strings.IndexFunc(text, unicode.IsControl) >= 0:
		t.problem(key, "holds a control character, which cannot be spoken; leave it out")
	}
	return text
}

// timed is the text of a key that must hold a duration, an amount, a moment or a pattern; false when absent or wrong.
func (t *table) timed(key, example string) (string, bool) {
	switch v := t.m[key].(type) {
	case nil:
	case string:
		if len(v) <= 60 {
			return v, true
		}
		t.problem(key, "want a text such as %q, found %s", example, describe(v))
	case int64, float64:
		if n := fmt.Sprint(v); strings.HasSuffix(example, "s") && isPlain(n) {
			example = n + "s"
		}
		if strings.Contains(example, "-") {
			t.problem(key, "%v is a bare number; write a pattern such as %q", v, example)
			break
		}
		t.problem(key, "%v is a bare number; write it with its unit, such as %q", v, example)
	default:
		t.problem(key, "want a text such as %q, found %s", example, describe(v))
	}
	return "", false
}

// isPlain tells a number that would be a duration if its unit stood with it.
func isPlain(number string) bool {
	_, err := parseDuration(number + "s")
	return err == nil && number != "0"
}

func (t *table) amount(key string) Amount {
	var a Amount
	if s, ok := t.timed(key, "45s"); ok {
		var err error
		if a, err = ParseAmount(s); err != nil {
			t.problem(key, "%v", err)
			return Amount{}
		}
	}
	return a
}

func (t *table) duration(key string, unset int) int {
	s, ok := t.timed(key, "5s")
	if !ok {
		return unset
	}
	n, err := parseDuration(s)
	if err != nil {
		t.problem(key, "%v", err)
		return unset
	}
	return n
}

func (t *table) pattern(key, example string) *Pattern {
	s, ok := t.timed(key, example)
	if !ok {
		return nil
	}
	p, err := parsePattern(s)
	if err != nil {
		t.problem(key, "%v", err)
		return nil
	}
	return &p
}

// number is a whole number from low to high; unset when the key is absent or wrong.
func (t *table) number(key string, low, high, unset int) int {
	v, found := t.m[key]
	if !found {
		return unset
	}
	n, is := v.(int64)
	if !is || n < int64(low) || n > int64(high) {
		t.problem(key, "want a whole number from %d to %d, found %s", low, high, describe(v))
		return unset
	}
	return int(n)
}

// oneOf is one of the words; "" when the key is absent or wrong.
func (t *table) oneOf(key string, words ...string) string {
	s := t.text(key)
	if s != "" && !contains(words, s) {
		t.problem(key, "%q is not known; %s", shortened(s), didYouMean(s, words))
		return ""
	}
	return s
}

// inner is a table inside this one, nil when absent or wrong.
func (t *table) inner(key string, keys []Key) *table {
	switch v := t.m[key].(type) {
	case nil:
	case map[string]any:
		return &table{file: t.file, path: join(t.path, key), where: t.where, label: t.label + key + ".", keys: keys, m: v}
	default:
		t.problem(key, "want a table such as { %s = \"…\" }, found %s", keys[0].Name, describe(v))
	}
	return nil
}

// place is where something stands in its file, for problems that are found after it is read.
type place struct {
	where string
	path  string
	lines lineIndex
}

// placed is the table's place.
func (t *table) placed() place { return place{t.where, t.path, t.file.lines} }

// list is a list of tables inside this one, false when it is something else, wholly or in part.
func (t *table) list(key string, keys []Key) ([]*table, bool) {
	var elements []any
	switch v := t.m[key].(type) {
	case nil:
	case []map[string]any:
		for _, m := range v {
			elements = append(elements, m)
		}
	case []any:
		elements = v
	default:
		header := regexp.MustCompile(`\[\d+\]`).ReplaceAllString(join(t.path, key), "")
		t.problem(key, "want a list of tables, found %s; begin each with [[%s]], in two brackets", describe(v), header)
		return nil, false
	}
	var tables []*table
	ok := true
	for i, e := range elements {
		path := element(join(t.path, key), i)
		m, is := e.(map[string]any)
		if !is {
			t.file.tell(path, t.where, fmt.Sprintf("%s: want a table in braces, found %s", key, describe(e)))
			ok = false
			continue
		}
		tables = append(tables, &table{file: t.file, path: path, where: t.where, keys: keys, m: m, n: i + 1})
	}
	return tables, ok
}

// describe is a value as a problem names it.
func describe(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("the text %q", shortened(v))
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

func contains(words []string, word string) bool {
	for _, w := range words {
		if w == word {
			return true
		}
	}
	return false
}
