package routines

import "strings"

// betweenSentences is the breath a speaker takes between two sentences of one text.
const betweenSentences = Rate * 65 / 100

// spoken is a text as it is said: sentence by sentence, each a clip of its own, so that one recording serves every
// routine that says it, and a return after an interruption begins at a sentence.
type spoken struct {
	clips []Clip
	at    []int // where each begins, from the start of the text
	len   int
	beat  int // of the first
}

// speak measures a text, false when no voice has one of its sentences.
func (l *layout) speak(text string) (spoken, bool) {
	var s spoken
	all := true
	for i, sentence := range sentences(text) {
		clip := Clip{Say: sentence}
		e, has := l.extent(clip)
		all = all && has
		if i == 0 {
			s.beat = e.Beat
		} else {
			s.len += betweenSentences
		}
		s.clips, s.at = append(s.clips, clip), append(s.at, s.len)
		if s.len += e.Len; s.len > longest {
			return s, false
		}
	}
	return s, all
}

// write places a text's sentences.
func (l *layout) write(s spoken, at int) {
	for i, clip := range s.clips {
		n := s.len
		if i+1 < len(s.at) {
			n = s.at[i+1] - betweenSentences
		}
		l.score.Cues = append(l.score.Cues, Cue{at + s.at[i], n - s.at[i], clip})
	}
	l.talked = max(l.talked, at+s.len)
}

// sentences cuts a text after every full stop, question mark or exclamation mark that a blank follows.
func sentences(text string) []string {
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
