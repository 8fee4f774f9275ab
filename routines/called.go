package routines

import (
	"slices"
	"strconv"
	"strings"
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
