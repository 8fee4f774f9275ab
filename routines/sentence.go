package routines

import "strings"

// sentenceGap is the breath a speaker takes between two sentences of one text.
const sentenceGap = Rate * 65 / 100

// utterance is a text as it is said: sentence by sentence, each a clip of its own, so that one recording serves every
// routine that says it, and a return after an interruption begins at a sentence.
type utterance struct {
	clips []Clip
	at    []int // where each begins, from the start of the text
	len   int
	beat  int // of the first
}

// measureText measures a text, false when no voice has one of its sentences.
func (c *compiler) measureText(text string) (utterance, bool) {
	var s utterance
	all := true
	for i, sentence := range splitSentences(text) {
		clip := Clip{Say: sentence}
		e, has := c.extent(clip)
		all = all && has
		if i == 0 {
			s.beat = e.Beat
		} else {
			s.len += sentenceGap
		}
		s.clips, s.at = append(s.clips, clip), append(s.at, s.len)
		if s.len += e.Len; s.len > maxLength {
			return s, false
		}
	}
	return s, all
}

// addUtterance places a text's sentences.
func (c *compiler) addUtterance(s utterance, at int) {
	for i, clip := range s.clips {
		n := s.len
		if i+1 < len(s.at) {
			n = s.at[i+1] - sentenceGap
		}
		c.score.Cues = append(c.score.Cues, Cue{at + s.at[i], n - s.at[i], clip})
	}
	c.speechEnd = max(c.speechEnd, at+s.len)
}

// splitSentences cuts a text after every full stop, question mark or exclamation mark that a blank follows.
func splitSentences(text string) []string {
	var list []string
	for {
		end := strings.IndexFunc(text, func(r rune) bool { return strings.ContainsRune(".!?", r) })
		for end >= 0 && end+1 < len(text) && text[end+1] != ' ' {
			next := strings.IndexAny(text[end+1:], ".!?")
			if next < 0 {
				end = -1
				break
			}
			end += 1 + next
		}
		if end < 0 || end+1 >= len(text) {
			return append(list, text)
		}
		list = append(list, text[:end+1])
		text = strings.TrimSpace(text[end+1:])
	}
}
