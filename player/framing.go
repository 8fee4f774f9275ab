package player

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// maxQuoting is how many times a payload may be quoted: an automation that quotes JSON which holds quoted words.
const maxQuoting = 3

// payloadText is the text of a payload without its framing, which senders add and nobody means: byte order marks, the
// NUL bytes of C strings, ends of lines, and quotes around the whole. UTF-16 and Windows-1252 are decoded, all white
// space but ends of lines becomes blanks, and invisible marks are removed.
func payloadText(payload []byte) string {
	text := trimFraming(decodeText(payload))
	for range maxQuoting {
		inner, quoted := unquote(text)
		if !quoted {
			break
		}
		text = trimFraming(inner)
	}
	return text
}

// trimFraming removes what is not seen and makes plain blanks of white space and NUL bytes.
func trimFraming(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return r
		case r == 0 || unicode.IsSpace(r):
			return ' '
		case r == 0xFEFF || r >= 0x200B && r <= 0x200F || r >= 0x202A && r <= 0x202E || r == 0x2060:
			return -1 // byte order marks, characters without width, directions of writing
		}
		return r
	}, text))
}

// decodeText decodes UTF-16 with a byte order mark, or of Latin letters without one; UTF-8; and what is neither as
// Windows-1252.
func decodeText(data []byte) string {
	switch {
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}):
		return decodeUTF16(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte{0xFE, 0xFF}):
		return decodeUTF16(data[2:], binary.BigEndian)
	case halfNUL(data, 1):
		return decodeUTF16(data, binary.LittleEndian)
	case halfNUL(data, 0):
		return decodeUTF16(data, binary.BigEndian)
	case utf8.Valid(data):
		return string(data)
	}
	var text strings.Builder
	for _, b := range data {
		if b >= 0x80 && b < 0xA0 {
			text.WriteRune(windows1252[b-0x80])
		} else {
			text.WriteRune(rune(b))
		}
	}
	return text.String()
}

// windows1252 has the characters of the bytes 0x80 to 0x9F. Source: https://encoding.spec.whatwg.org/index-windows-1252.txt
var windows1252 = [32]rune{
	'€', 0x81, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0x8D, 'Ž', 0x8F,
	0x90, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0x9D, 'ž', 'Ÿ',
}

// halfNUL reports whether exactly every second byte is NUL, beginning with the byte first.
func halfNUL(data []byte, first int) bool {
	if len(data) < 4 {
		return false
	}
	for i, b := range data[:len(data)&^1] {
		if (b == 0) != (i%2 == first) {
			return false
		}
	}
	return true
}

// decodeUTF16 decodes whole units; a byte left over is framing.
func decodeUTF16(data []byte, order binary.ByteOrder) string {
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	return string(utf16.Decode(units))
}

// unquote is a text without the quotes around it. In double quotes the escapes of JSON are resolved.
func unquote(text string) (string, bool) {
	var inner string
	if strings.HasPrefix(text, `"`) && json.Unmarshal([]byte(text), &inner) == nil {
		return inner, true
	}
	for _, pair := range [...]string{`""`, `''`, "``", "“”", "‘’", "„“", "«»"} {
		left, size := utf8.DecodeRuneInString(pair)
		right, _ := utf8.DecodeLastRuneInString(pair)
		inner, begins := strings.CutPrefix(text, string(left))
		inner, ends := strings.CutSuffix(inner, string(right))
		if begins && ends && len(text) >= 2*size && !strings.ContainsRune(inner, left) && !strings.ContainsRune(inner, right) {
			return inner, true
		}
	}
	return text, false
}

// endOfSentence are the characters that speech and keyboards put at the end of a command.
const endOfSentence = ".,;:!?…。！？ \t\r\n"

// trimSentence removes them.
func trimSentence(text string) string { return strings.TrimRight(text, endOfSentence) }
