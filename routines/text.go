package routines

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// NormalizeText is a text as it is compared: as another keyboard, phone or word processor would have written the same
// one. Letters are composed (NFKC: é is one letter, full-width letters and digits are plain ones, an ellipsis is three
// full stops); every apostrophe, quote and hyphen or dash is the one of ASCII; blanks of any kind are single ones between
// words; and what cannot be seen, such as a soft hyphen, is gone. Case and punctuation stay. Names and titles, and the
// texts for which a voice has recordings, are compared so.
func NormalizeText(text string) string {
	if isPlain(text) {
		return text
	}
	text = strings.Map(plainRune, text) // before NFKC, which makes a blank and an accent of some apostrophes
	text = strings.Map(plainRune, norm.NFKC.String(text))
	return strings.Join(strings.Fields(text), " ")
}

// LookupForms lists the normalised forms by which a text is looked up, the likeliest first: without what cannot be seen, and
// where there is such a thing also with a blank in its place, as a zero-width blank or a soft hyphen may stand between
// words or inside one.
func LookupForms(text string) []string {
	forms := []string{NormalizeText(text)}
	if strings.ContainsFunc(text, isInvisible) {
		forms = append(forms, NormalizeText(strings.Map(func(r rune) rune {
			if isInvisible(r) {
				return ' '
			}
			return r
		}, text)))
	}
	return forms
}

// SpokenText is a text as a speech engine is given it: letters composed, apostrophes plain, blanks single, and without
// what cannot be seen. The other punctuation stays, as it guides the intonation.
func SpokenText(text string) string {
	if isPlain(text) {
		return text
	}
	text = strings.Map(func(r rune) rune {
		if plain := plainRune(r); plain == '\'' || plain < 0 {
			return plain
		}
		return r
	}, text)
	return strings.Join(strings.Fields(norm.NFC.String(text)), " ")
}

// isPlain reports whether a text is printable ASCII with single blanks between words: it is normalised already.
func isPlain(text string) bool {
	last := byte(' ')
	for i := range len(text) {
		c := text[i]
		if c < ' ' || c > '~' || c == '`' || c == ' ' && last == ' ' {
			return false
		}
		last = c
	}
	return text == "" || last != ' '
}

// plainRune is the ASCII form of a punctuation mark of which there are several; -1 for what cannot be seen.
func plainRune(r rune) rune {
	switch r {
	case '`', '\u00b4', '\u02b9', '\u02bb', '\u02bc', '\u02bd', '\u02c8', '\u02ca', '\u02cb', '\u2018', '\u2019', '\u201a', '\u201b', '\u2032', '\u2035', '\ua78c', '\uff07':
		return '\''
	case '\u00ab', '\u00bb', '\u201c', '\u201d', '\u201e', '\u201f', '\u2033', '\u2036', '\u301d', '\u301e', '\uff02':
		return '"'
	case '\u2010', '\u2011', '\u2012', '\u2013', '\u2014', '\u2015', '\u2043', '\u2212', '\ufe58', '\ufe63', '\uff0d':
		return '-'
	}
	if isInvisible(r) {
		return -1
	}
	return r
}

// isInvisible reports whether a character has no width and no sound: a soft hyphen, a zero-width blank, a joiner, a mark
// of direction, a byte order mark, a variation selector.
func isInvisible(r rune) bool {
	return r >= 0xad && (unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Variation_Selector, r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r))
}
