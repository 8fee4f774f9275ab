package routines

import (
	"fmt"
	"sort"
	"strings"
)

// table reads one decoded TOML table key by key, and turns everything wrong into a Problem at the right line.
type table struct {
	file  *file
	path  string // such as step[1].cues[0]
	where string // such as `step 2 "Left side"`
	keys  []Key  // what may stand here
	m     map[string]any
}

// file is one routine file while it is read.
type file struct {
	name     string
	lines    lineIndex
	problems Problems
}

func (t *table) problem(key, format string, args ...any) {
	path := t.path
	if key != "" {
		path = join(path, key)
		format = key + ": " + format
	}
	t.file.problems = append(t.file.problems, Problem{t.file.name, t.file.lines.of(path), t.where, fmt.Sprintf(format, args...)})
}

func (t *table) has(key string) bool {
	_, found := t.m[key]
	return found
}

// unknown refuses keys that have no meaning here.
func (t *table) unknown() {
	var names []string
	for _, k := range t.keys {
		names = append(names, k.Name)
	}
	var keys []string
	for key := range t.m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		if !contains(names, key) {
			t.problem(key, "unknown key; %s", didYouMean(key, names))
		}
	}
}

// text is a string that says something; "" when the key is absent or wrong.
func (t *table) text(key string) string {
	v, found := t.m[key]
	if !found {
		return ""
	}
	s, is := v.(string)
	switch {
	case !is:
		t.problem(key, "want a text in quotes, found %s", describe(v))
	case strings.TrimSpace(s) == "":
		t.problem(key, "is empty; write the words or leave the key out")
	case len(s) > 1000:
		t.problem(key, "is longer than 1000 letters; split it into steps")
	}
	return strings.Join(strings.Fields(s), " ")
}

// timed is the text of a key that must hold a duration, an amount, a moment or a pattern.
func (t *table) timed(key, example string) (string, bool) {
	switch v := t.m[key].(type) {
	case string:
		return v, true
	case int64, float64:
		t.problem(key, "%v is a bare number; write it with its unit, such as %q", v, example)
	default:
		t.problem(key, "want a text such as %q, found %s", example, describe(v))
	}
	return "", false
}

func (t *table) amount(key string) Amount {
	if !t.has(key) {
		return Amount{}
	}
	s, ok := t.timed(key, fmt.Sprint(t.m[key], "s"))
	if !ok {
		return Amount{}
	}
	a, err := parseAmount(s)
	if err != nil {
		t.problem(key, "%v", err)
	}
	return a
}

func (t *table) duration(key string, unset int) int {
	if !t.has(key) {
		return unset
	}
	s, ok := t.timed(key, fmt.Sprint(t.m[key], "s"))
	if !ok {
		return unset
	}
	n, err := parseDuration(s)
	if err != nil {
		t.problem(key, "%v", err)
	}
	return n
}

func (t *table) pattern(key string) *Pattern {
	if !t.has(key) {
		return nil
	}
	s, ok := t.timed(key, "4-4-6")
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
	if !t.has(key) {
		return ""
	}
	s := t.text(key)
	if s != "" && !contains(words, s) {
		t.problem(key, "%q is not known; %s", s, didYouMean(s, words))
		return ""
	}
	return s
}

// inner is a table inside this one, nil when absent or wrong.
func (t *table) inner(key string, keys []Key) *table {
	v, found := t.m[key]
	if !found {
		return nil
	}
	m, is := v.(map[string]any)
	if !is {
		t.problem(key, "want a table such as { %s = \"…\" }, found %s", keys[0].Name, describe(v))
		return nil
	}
	return &table{t.file, join(t.path, key), t.where, keys, m}
}

// list is a list of tables inside this one.
func (t *table) list(key string, keys []Key) []*table {
	v, found := t.m[key]
	if !found {
		return nil
	}
	var tables []*table
	switch v := v.(type) {
	case []map[string]any:
		for i, m := range v {
			tables = append(tables, &table{t.file, fmt.Sprintf("%s[%d]", join(t.path, key), i), t.where, keys, m})
		}
	case []any:
		for i, e := range v {
			m, is := e.(map[string]any)
			if !is {
				t.problem(fmt.Sprintf("%s[%d]", key, i), "want a table in braces, found %s", describe(e))
				continue
			}
			tables = append(tables, &table{t.file, fmt.Sprintf("%s[%d]", join(t.path, key), i), t.where, keys, m})
		}
	default:
		t.problem(key, "want a list of tables, found %s", describe(v))
	}
	return tables
}

func describe(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("the text %q", v)
	case map[string]any:
		return "a table"
	case []any, []map[string]any:
		return "a list"
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
