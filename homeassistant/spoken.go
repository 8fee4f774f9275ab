package homeassistant

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"guided/routines"
)

// spokenForms lists how speech-to-text may write a text, the likeliest first: with numbers in words, then in digits, and
// single digits at its end also joined ("4-4-6", "446"). Assist ignores commas, but a hyphen is not a blank to it, nor "4"
// the same as "four".
func spokenForms(text string) []string {
	text = strings.ToLower(strings.ReplaceAll(routines.NormalizeText(text), "&", " and "))
	text = regexp.MustCompile(`[0-9]+`).ReplaceAllString(text, " $0 ")
	tokens := strings.FieldsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && r != '\''
	})
	var words, digits []string
	run := 0 // single digits at the end
	for _, t := range tokens {
		t = strings.Trim(t, "'")
		if t == "" {
			continue
		}
		words = append(words, inWords(t))
		t = inDigits(t)
		digits = append(digits, t)
		if run++; len(t) != 1 || t[0] < '0' || t[0] > '9' {
			run = 0
		}
	}
	forms := []string{strings.Join(words, " "), strings.Join(digits, " ")}
	if n := len(digits); run > 1 { // 4 4 6, as people write it
		start := strings.Join(append(digits[:n-run:n-run], ""), " ")
		forms = append(forms, start+strings.Join(digits[n-run:], "-"), start+strings.Join(digits[n-run:], ""))
	}
	return forms
}

var (
	ones = strings.Fields("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen")
	tens = strings.Fields("zero ten twenty thirty forty fifty sixty seventy eighty ninety")
)

// inWords writes a number of up to three digits in words; a longer one, or one that begins with 0, digit by digit.
func inWords(token string) string {
	n, err := strconv.Atoi(token)
	switch {
	case err != nil:
		return token
	case len(token) > 3 || len(token) > 1 && token[0] == '0':
		var words []string
		for _, digit := range token {
			words = append(words, inWords(string(digit)))
		}
		return strings.Join(words, " ")
	case n >= 100 && n%100 == 0:
		return ones[n/100] + " hundred"
	case n >= 100:
		return ones[n/100] + " hundred " + inWords(strconv.Itoa(n%100))
	case n < 20:
		return ones[n]
	case n%10 == 0:
		return tens[n/10]
	}
	return tens[n/10] + " " + ones[n%10]
}

// inDigits writes the word of a number in digits.
func inDigits(token string) string {
	for n, word := range ones {
		if word == token {
			return strconv.Itoa(n)
		}
	}
	for n, word := range tens {
		if word == token {
			return strconv.Itoa(10 * n)
		}
	}
	return token
}
