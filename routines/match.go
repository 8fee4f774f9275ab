package routines

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode"
)

// matcher finds routines by what they are called. It reads their titles once.
type matcher struct {
	lang    *Lang // that names are said in, for its digits
	entries []entry
	titles  map[int]string
}

func newMatcher(entries []entry) matcher {
	lang, _ := loadLang(defaultLang) // it is inside the program
	return matcher{lang, entries, map[int]string{}}
}

func (m matcher) name(i int) string { return m.entries[i].name }

func (m matcher) title(i int) string {
	if _, has := m.titles[i]; !has {
		m.titles[i] = m.entries[i].title()
	}
	return m.titles[i]
}

// byText finds a routine by its plain name, then by its plain title; the first of several has it.
func (m matcher) byText(asked string) (entry, bool) {
	for _, called := range []func(int) string{m.name, m.title} {
		for i, e := range m.entries {
			if normalize(called(i)) == asked {
				return e, true
			}
		}
	}
	return entry{}, false
}

// bySound is the one routine whose name, or else whose title, sounds like what was asked for. Two are none: nothing is
// found by a guess.
func (m matcher) bySound(asked string) (entry, bool) {
	list := m.soundingLike(asked, func(i int) []string { return []string{m.name(i)} })
	if len(list) == 0 {
		list = m.soundingLike(asked, func(i int) []string { return []string{m.title(i)} })
	}
	return only(list)
}

// byCore is the one routine that sounds like what was asked for when both are bare.
func (m matcher) byCore(asked string) (entry, bool) {
	return only(m.soundingLike(trimGeneric(asked), func(i int) []string { return []string{trimGeneric(m.name(i)), trimGeneric(m.title(i))} }))
}

func only(list []entry) (entry, bool) {
	if len(list) != 1 {
		return entry{}, false
	}
	return list[0], true
}

// soundingLike lists the routines that have something that sounds like what was asked for.
func (m matcher) soundingLike(asked string, has func(i int) []string) (list []entry) {
	want := m.pronunciations(asked)
	for i, e := range m.entries {
		if slices.ContainsFunc(has(i), func(name string) bool {
			return slices.ContainsFunc(m.pronunciations(name), func(s string) bool { return s != "" && slices.Contains(want, s) })
		}) {
			list = append(list, e)
		}
	}
	return list
}

// pronunciations is how a name may be said: no case, no spaces, no punctuation, and words for digits. A number is said digit by
// digit, or as a whole where it has a word.
func (m matcher) pronunciations(name string) []string {
	var each, whole strings.Builder
	for _, word := range strings.Fields(normalize(name)) {
		for word != "" {
			run := len(word) - len(strings.TrimLeft(word, "0123456789"))
			if run == 0 {
				if run = strings.IndexAny(word, "0123456789"); run < 0 {
					run = len(word)
				}
				each.WriteString(word[:run])
				whole.WriteString(word[:run])
			} else {
				digits, number := m.numberWords(word[:run])
				each.WriteString(digits)
				whole.WriteString(number)
			}
			word = word[run:]
		}
	}
	return []string{each.String(), whole.String()}
}

// numberWords is a number in words: digit by digit, and as a whole, which is the same where it has no word of its own.
func (m matcher) numberWords(text string) (digits, whole string) {
	for _, d := range text {
		if d == '0' {
			digits += "zero"
		} else {
			digits += m.lang.number(int(d - '0'))
		}
	}
	n, _ := strconv.Atoi(text) // one that is too long has no word
	whole = strings.ReplaceAll(normalize(m.lang.number(n)), " ", "")
	if whole == "" {
		whole = digits
	}
	return digits, whole
}

// trimArticle drops the little word before a name.
func trimArticle(name string) string {
	words := strings.Fields(normalize(name))
	if len(words) > 1 && (words[0] == "the" || words[0] == "my") {
		words = words[1:]
	}
	return strings.Join(words, " ")
}

// trimGeneric drops that, and what a routine is after it.
func trimGeneric(name string) string {
	words := strings.Fields(trimArticle(name))
	if n := len(words); n > 1 && slices.Contains([]string{"routine", "exercise", "stretch", "stretches"}, words[n-1]) {
		words = words[:n-1]
	}
	return strings.Join(words, " ")
}

// find finds a routine: by its name as it is written, then in any case and punctuation, then by its title, then by
// how these sound. Then the same without the "the" or "my" before it, and without what a routine is after it.
func find(name string, entries []entry) (entry, bool) {
	for _, e := range entries {
		if e.name == name {
			return e, true
		}
	}
	wanted := normalize(name)
	if wanted == "" {
		return entry{}, false
	}
	m := newMatcher(entries)
	for _, find := range []struct {
		by    func(string) (entry, bool)
		asked string
	}{{m.byText, wanted}, {m.bySound, wanted}, {m.byText, trimArticle(wanted)}, {m.bySound, trimArticle(wanted)}, {m.byCore, wanted}} {
		if e, found := find.by(find.asked); found {
			return e, true
		}
	}
	return entry{}, false
}

// nearestHint names the routine that was probably meant, by its name or its title.
func nearestHint(name string, entries []entry) string {
	names := entryNames(entries)
	if len(names) == 0 {
		return "there are no routines; put one into your folder of routines"
	}
	near := Nearest(name, names)
	for i := 0; i < len(entries) && near == ""; i++ {
		if title := entries[i].title(); title != "" && Nearest(normalize(name), []string{normalize(title)}) != "" {
			near = entries[i].name
		}
	}
	if near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if len(names) > 12 {
		return "guided list names all there are"
	}
	sort.Strings(names)
	return "use one of " + strings.Join(names, ", ")
}

// normalize is a name or a title as somebody may type or say it: no case, no punctuation.
func normalize(title string) string {
	title = strings.NewReplacer("'", "", "\u2019", "").Replace(strings.ToLower(title))
	return strings.Join(strings.FieldsFunc(title, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), " ")
}
