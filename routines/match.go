package routines

import (
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode"
)

// matcher finds routines by name or title, and reads each title at most once.
type matcher struct {
	lang    *Lang // has the words for digits
	entries []entry
	titles  map[int]string // read so far, by index in entries
}

func newMatcher(entries []entry) matcher {
	lang, _ := loadLang(defaultLang) // embedded, cannot fail
	return matcher{lang, entries, map[int]string{}}
}

func (m matcher) name(i int) string { return m.entries[i].name }

func (m matcher) title(i int) string {
	if _, has := m.titles[i]; !has {
		m.titles[i] = m.entries[i].title()
	}
	return m.titles[i]
}

// byText finds the first routine whose normalised name is asked, else the first with such a title.
func (m matcher) byText(asked string) (entry, bool) {
	for _, text := range []func(int) string{m.name, m.title} {
		for i, e := range m.entries {
			if normalize(text(i)) == asked {
				return e, true
			}
		}
	}
	return entry{}, false
}

// bySound finds the one routine whose name sounds like asked, else the one with such a title. Where two do, it finds
// none: a routine is never started by a guess.
func (m matcher) bySound(asked string) (entry, bool) {
	list := m.soundingLike(asked, func(i int) []string { return []string{m.name(i)} })
	if len(list) == 0 {
		list = m.soundingLike(asked, func(i int) []string { return []string{m.title(i)} })
	}
	return only(list)
}

// byCore finds the one routine whose name or title sounds like asked when articles and generic words are cut from both.
func (m matcher) byCore(asked string) (entry, bool) {
	return only(m.soundingLike(trimGeneric(asked), func(i int) []string { return []string{trimGeneric(m.name(i)), trimGeneric(m.title(i))} }))
}

func only(list []entry) (entry, bool) {
	if len(list) != 1 {
		return entry{}, false
	}
	return list[0], true
}

// soundingLike lists the routines of which one of the texts sounds like asked.
func (m matcher) soundingLike(asked string, texts func(i int) []string) (list []entry) {
	want := m.pronunciations(asked)
	for i, e := range m.entries {
		if slices.ContainsFunc(texts(i), func(name string) bool {
			return slices.ContainsFunc(m.pronunciations(name), func(s string) bool { return s != "" && slices.Contains(want, s) })
		}) {
			list = append(list, e)
		}
	}
	return list
}

// pronunciations lists how a text may be spoken, without case, spaces and punctuation and with words for digits: first
// with numbers digit by digit, then with whole numbers.
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

// numberWords is a number in words: digit by digit, and as a whole. Both are equal where the language has no word for
// it.
func (m matcher) numberWords(text string) (digits, whole string) {
	for _, d := range text {
		if d == '0' {
			digits += "zero"
		} else {
			digits += m.lang.number(int(d - '0'))
		}
	}
	n, _ := strconv.Atoi(text) // out of range: 0, which has no word
	whole = strings.ReplaceAll(normalize(m.lang.number(n)), " ", "")
	if whole == "" {
		whole = digits
	}
	return digits, whole
}

// trimArticle cuts "the" or "my" from the front of a name.
func trimArticle(name string) string {
	words := strings.Fields(normalize(name))
	if len(words) > 1 && (words[0] == "the" || words[0] == "my") {
		words = words[1:]
	}
	return strings.Join(words, " ")
}

// trimGeneric cuts that, and a generic word such as "routine" from the end.
func trimGeneric(name string) string {
	words := strings.Fields(trimArticle(name))
	if n := len(words); n > 1 && slices.Contains([]string{"routine", "exercise", "stretch", "stretches"}, words[n-1]) {
		words = words[:n-1]
	}
	return strings.Join(words, " ")
}

// find finds a routine by its exact name; then by name or title without case and punctuation; then by how these sound.
// If none matches, it tries again without an article, and at last without generic words.
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

// hintFor is the hint for a name that was not found: the routine with a name or title close to it, or what there is.
func hintFor(name string, entries []entry) string {
	names := entryNames(entries)
	if len(names) == 0 {
		return "there are no routines; put one into your folder of routines"
	}
	for i := 0; i < len(entries) && Nearest(name, names) == ""; i++ {
		if Nearest(normalize(name), []string{normalize(entries[i].title())}) != "" {
			name = entries[i].name
		}
	}
	if Nearest(name, names) == "" {
		if len(names) > 12 {
			return "guided list names all there are"
		}
		sort.Strings(names)
	}
	return DidYouMean(name, names)
}

// normalize is a name or title without case and punctuation, its words separated by one blank.
func normalize(title string) string {
	title = strings.NewReplacer("'", "", "\u2019", "").Replace(strings.ToLower(title))
	return strings.Join(strings.FieldsFunc(title, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), " ")
}
