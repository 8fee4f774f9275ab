package routines

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Abbreviations is where a full stop does not end a sentence, as data of a language. The entries of the first three
// lists end in a full stop; case does not matter.
type Abbreviations struct {
	Open     []string // something always follows: "Dr."
	Numbered []string // they do not end a sentence before a number: "No. 4"
	Closing  []string // they end one before a capital letter only: "etc."
	Begins   []string // words that begin a sentence behind an initial: "Plan B. Then rest."
}

// sentences cuts a text behind every full stop, question mark, exclamation mark or ellipsis that a blank follows and
// that ends a sentence. A text without a word has one sentence, itself.
func (l *Lang) sentences(text string) []string {
	var list []string
	start := 0
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		i += size
		if !isSentenceEnd(r) || !blankFollows(text[i:]) || !l.endsSentence(text[start:i], text[i:]) {
			continue
		}
		rest := strings.TrimLeftFunc(text[i:], isBlank)
		if rest == "" {
			break // invisible characters at the end belong to the last sentence
		}
		list = append(list, text[start:i])
		start = len(text) - len(rest)
		i = start
	}
	return append(list, text[start:])
}

func isSentenceEnd(r rune) bool { return r == '.' || r == '!' || r == '?' || r == '…' }

// isBlank reports whether a letter separates words, or cannot be seen.
func isBlank(r rune) bool { return unicode.IsSpace(r) || isInvisible(r) }

// blankFollows reports whether a text begins with a blank, behind invisible characters.
func blankFollows(text string) bool {
	r, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(text, isInvisible))
	return unicode.IsSpace(r)
}

// abbreviation is how an entry of Abbreviations behaves.
type abbreviation int

const (
	openAbbreviation abbreviation = iota + 1
	numberedAbbreviation
	closingAbbreviation
	beginning // no abbreviation: a word of Begins
)

// index is the entries in lower case.
func (a Abbreviations) index() map[string]abbreviation {
	entries := map[string]abbreviation{}
	for i, list := range [][]string{a.Open, a.Numbered, a.Closing, a.Begins} {
		for _, word := range list {
			entries[strings.ToLower(word)] = abbreviation(i + 1)
		}
	}
	return entries
}

// endsSentence reports whether the mark at the end of before ends the sentence, where before is the text since the last
// one and after is what follows, with its blank.
func (l *Lang) endsSentence(before, after string) bool {
	next := strings.TrimLeftFunc(after, func(r rune) bool { return isBlank(r) || strings.ContainsRune(`"'([“‘«`, r) })
	first, _ := utf8.DecodeRuneInString(next)
	word := strings.LastIndexFunc(before, unicode.IsSpace) + 1
	token := strings.TrimLeft(NormalizeText(before[word:]), `"'([<`)
	if strings.HasSuffix(token, "..") {
		return !unicode.IsLower(first) // an ellipsis: a pause inside the sentence, or its end
	}
	if !strings.HasSuffix(token, ".") {
		return true
	}
	switch l.abbreviations[strings.ToLower(token)] {
	case openAbbreviation:
		return false
	case numberedAbbreviation:
		return !unicode.IsDigit(first)
	case closingAbbreviation:
		return !unicode.IsLower(first) && !unicode.IsDigit(first)
	}
	switch {
	case isInitials(token):
		return !unicode.IsLower(first) && !(unicode.IsUpper(first) && l.abbreviations[firstWord(next)] != beginning)
	case strings.TrimLeftFunc(before[:word], isBlank) == "" && isOrdinal(token):
		return !unicode.IsLetter(first) // the number of a list: "1. Sit tall."
	}
	return true
}

// firstWord is the word that a text begins with, in lower case.
func firstWord(text string) string {
	if end := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsLetter(r) }); end >= 0 {
		text = text[:end]
	}
	return strings.ToLower(text)
}

// isInitials reports whether a word is capital letters with a full stop behind each, such as "J." or "U.S.".
func isInitials(word string) bool {
	letters := 0
	for rest := word; rest != ""; letters++ {
		r, size := utf8.DecodeRuneInString(rest)
		if !unicode.IsUpper(r) || !strings.HasPrefix(rest[size:], ".") {
			return false
		}
		rest = rest[size+1:]
	}
	return letters > 0
}

// isOrdinal reports whether a word is a number with a full stop behind it.
func isOrdinal(word string) bool {
	digits := strings.TrimSuffix(word, ".")
	return digits != word && digits != "" && strings.TrimLeft(digits, "0123456789") == ""
}

// firstWords is a text up to the end of its first sentence, or to a colon or semicolon before it, without the mark.
func (l *Lang) firstWords(text string) string {
	first := l.sentences(text)[0]
	for i, r := range first {
		if (r == ';' || r == ':') && i > 0 && (i+1 == len(first) || blankFollows(first[i+1:])) {
			return first[:i]
		}
	}
	last := first[strings.LastIndexFunc(first, unicode.IsSpace)+1:]
	if kind := l.abbreviations[strings.ToLower(last)]; kind == openAbbreviation || kind == closingAbbreviation || isInitials(last) && len(last) > 2 {
		return first // its full stop belongs to it
	}
	if words := strings.TrimRight(first, ".!?…"); words != "" {
		return words
	}
	return first
}
