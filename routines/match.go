package routines

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// ErrAmbiguous is returned when several routines could be meant by a name. It is ErrNotFound too.
var ErrAmbiguous = fmt.Errorf("%w: several could be meant", ErrNotFound)

// matcher finds routines by name or title. It is safe for concurrent use.
type matcher struct {
	lang      *Lang // has the words for digits
	entries   []entry
	positions map[string]int // in entries, by name
	titles    []string       // by index in entries; nil: not known

	mu      sync.Mutex
	indices map[string]wordings // by what they are made of; see index
}

// wordings is the routines, as indices of entries, by a form of their names or titles.
type wordings map[string][]int

func newMatcher(entries []entry, titles []string) *matcher {
	lang, _ := loadLang(defaultLang) // embedded, cannot fail
	m := &matcher{lang: lang, entries: entries, positions: make(map[string]int, len(entries)), titles: titles, indices: map[string]wordings{}}
	for i, e := range entries {
		m.positions[e.name] = i
	}
	return m
}

// position is the index in entries of the routine with exactly this name.
func (m *matcher) position(name string) (int, bool) {
	i, has := m.positions[name]
	return i, has
}

func (m *matcher) name(i int) string { return m.entries[i].name }

func (m *matcher) title(i int) string {
	if m.titles == nil {
		return ""
	}
	return m.titles[i]
}

// index is the wordings of a kind; forms lists those of entry i. It is made once.
func (m *matcher) index(kind string, forms func(i int) []string) wordings {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, made := m.indices[kind]; !made {
		w := wordings{}
		for i := range m.entries {
			for _, form := range forms(i) {
				if form != "" && !slices.Contains(w[form], i) {
					w[form] = append(w[form], i)
				}
			}
		}
		m.indices[kind] = w
	}
	return m.indices[kind]
}

// byName finds a routine by its exact name, or by its name without case and punctuation where only one has it: what find
// does before it asks for a title.
func (m *matcher) byName(name string) (entry, bool) {
	if i, has := m.position(name); has {
		return m.entries[i], true
	}
	wanted := normalize(name)
	if wanted == "" {
		return entry{}, false
	}
	for _, list := range [][]int{m.byFile(name), m.byNormalName(wanted)} {
		switch {
		case len(list) == 1:
			return m.entries[list[0]], true
		case len(list) > 1:
			return entry{}, false
		}
	}
	return entry{}, false
}

// byFile lists the routines of the first folder that file systems would take for a name.
func (m *matcher) byFile(name string) []int {
	return m.first(m.index("file", func(i int) []string { return []string{foldName(m.name(i))} })[foldName(name)])
}

// byNormalName lists the routines of the first folder whose normalised name is asked.
func (m *matcher) byNormalName(asked string) []int {
	return m.first(m.index("name", func(i int) []string { return []string{normalize(m.name(i))} })[asked])
}

// find finds a routine by its exact name; then by name or title without case and punctuation; then by how these sound.
// If none matches, it tries again without an article, and at last without generic words. In each of these a name comes
// before a title, and one that is written so in an earlier folder before one in a later folder. Where two could be meant
// the error is ErrAmbiguous and names both: a routine is never started by a guess. Where none is meant it is the bare
// ErrNotFound, for which hint is the hint.
func (m *matcher) find(ctx context.Context, name string) (entry, error) {
	if i, has := m.position(name); has {
		return m.entries[i], nil
	}
	wanted := normalize(name)
	for _, find := range []func() []int{
		func() []int { return m.byFile(name) },
		func() []int { return m.byText(wanted) },
		func() []int { return m.bySound(wanted) },
		func() []int { return m.byText(trimArticle(wanted)) },
		func() []int { return m.bySound(trimArticle(wanted)) },
		func() []int { return m.byCore(wanted) },
	} {
		if wanted == "" {
			break
		}
		switch list := find(); {
		case ctx.Err() != nil:
			return entry{}, fmt.Errorf("looking for %q: %w", name, ctx.Err())
		case len(list) == 1:
			return m.entries[list[0]], nil
		case len(list) > 1:
			return entry{}, m.ambiguous(name, list)
		}
	}
	if ctx.Err() != nil {
		return entry{}, fmt.Errorf("looking for %q: %w", name, ctx.Err())
	}
	return entry{}, ErrNotFound
}

// byText lists the routines of the first folder whose normalised name is asked, or else whose title is.
func (m *matcher) byText(asked string) []int {
	if list := m.byNormalName(asked); len(list) > 0 {
		return list
	}
	return m.first(m.index("title", func(i int) []string { return []string{normalize(m.title(i))} })[asked])
}

// first lists those of some routines that are in the same folder as the first of them.
func (m *matcher) first(list []int) []int {
	end := 0
	for end < len(list) && m.entries[list[end]].rank == m.entries[list[0]].rank {
		end++
	}
	return list[:end]
}

// bySound lists the routines whose name sounds like asked, or else those whose title does.
func (m *matcher) bySound(asked string) []int {
	list := m.soundingLike(asked, "name sound", func(i int) []string { return m.pronunciations(m.name(i)) })
	if len(list) == 0 {
		list = m.soundingLike(asked, "title sound", func(i int) []string { return m.pronunciations(m.title(i)) })
	}
	return list
}

// byCore lists the routines whose name or title sounds like asked when articles and generic words are cut from both.
func (m *matcher) byCore(asked string) []int {
	return m.soundingLike(trimGeneric(asked), "core", func(i int) []string {
		return append(m.pronunciations(trimGeneric(m.name(i))), m.pronunciations(trimGeneric(m.title(i)))...)
	})
}

// soundingLike lists the routines of which a form is one of the pronunciations of asked.
func (m *matcher) soundingLike(asked, kind string, forms func(i int) []string) (list []int) {
	index := m.index(kind, forms)
	for _, sound := range m.pronunciations(asked) {
		for _, i := range index[sound] {
			if !slices.Contains(list, i) {
				list = append(list, i)
			}
		}
	}
	slices.Sort(list)
	return list
}

// maxNamed is how many routines an error or a warning names.
const maxNamed = 5

// ambiguous is the error for a name that some routines could be meant by.
func (m *matcher) ambiguous(name string, list []int) error {
	var could []string
	for _, i := range list[:min(len(list), maxNamed)] {
		could = append(could, m.described(i))
	}
	if more := len(list) - len(could); more > 0 {
		could = append(could, fmt.Sprintf("one of %d others", more))
	}
	return fmt.Errorf("%w by %q: it could be %s; use the name", ErrAmbiguous, name, strings.Join(could, " or "))
}

// described is a routine's name with its title.
func (m *matcher) described(i int) string {
	if title := m.title(i); title != "" && title != m.name(i) {
		return fmt.Sprintf("%s (%q)", m.name(i), excerpt(title))
	}
	return m.name(i)
}

// conflicts lists the titles that two routines share, or that are another one's name.
func (m *matcher) conflicts(ctx context.Context) []string {
	var list []string
	sounds := func(text string) []string { return m.pronunciations(text)[:1] }
	names := m.index("spoken name", func(i int) []string { return sounds(m.name(i)) })
	titles := m.index("spoken title", func(i int) []string { return sounds(m.title(i)) })
	for i := range m.entries {
		sound := sounds(m.title(i))[0]
		for _, other := range names[sound] {
			if other != i && sounds(m.title(other))[0] != sound {
				list = append(list, fmt.Sprintf("%s has the title %q, which is the name of another routine: that one starts; use the name %q, or give it another title", m.name(i), excerpt(m.title(i)), m.name(i)))
			}
		}
		if same := titles[sound]; len(same) > 1 && same[0] == i {
			for _, other := range same[1:] {
				list = append(list, m.sharedTitle(ctx, i, other))
			}
		}
	}
	return list
}

// sharedTitle is the warning for two routines with one title.
func (m *matcher) sharedTitle(ctx context.Context, i, other int) string {
	e, err := m.find(ctx, m.title(i))
	if err != nil {
		return fmt.Sprintf("%s and %s have the same title, %q, which starts neither; give one another title", m.name(i), m.name(other), excerpt(m.title(i)))
	}
	hidden := m.name(other)
	if hidden == e.name {
		hidden = m.name(i)
	}
	return fmt.Sprintf("%s and %s have the same title, %q, which starts %s; use the name %q for the other, or give one another title", m.name(i), m.name(other), excerpt(m.title(i)), e.name, hidden)
}

// pronunciations lists how a text may be spoken, without case, spaces and punctuation and with words for digits: first
// with numbers digit by digit, then with whole numbers.
func (m *matcher) pronunciations(name string) []string {
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
func (m *matcher) numberWords(text string) (digits, whole string) {
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

// hint is the hint for a name that was not found: the routine with a name or title close to it, or what there is.
func (m *matcher) hint(name string) string {
	names := entryNames(m.entries)
	if len(names) == 0 {
		return "there are no routines; put one into your folder of routines"
	}
	near := Nearest(name, names)
	wanted := normalize(name)
	for i := 0; i < len(m.entries) && near == ""; i++ {
		if Nearest(wanted, []string{normalize(m.title(i))}) != "" {
			near = m.name(i)
		}
	}
	switch {
	case near != "":
		return DidYouMean(near, []string{near})
	case len(names) > 12:
		return "guided list names all there are"
	}
	sort.Strings(names)
	return DidYouMean(name, names)
}

// normalize is a name or title without case and punctuation, its words separated by one blank.
func normalize(title string) string {
	title = strings.ReplaceAll(strings.ToLower(NormalizeText(title)), "'", "")
	return strings.Join(strings.FieldsFunc(title, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) }), " ")
}
