package routines

import (
	"math"
	"slices"
	"sort"
	"strings"
)

// The ranks of phrases: a higher one gives way.
const (
	onBeat    = iota // words of phases, numbers of reps, countdowns: exactly on their beat
	atWritten        // the routine's own texts: at their time, or after the word that is being spoken
	ifFree           // numbers of a count: exactly on their beat, or left out
)

// maxDelay is how much later than written a text may be spoken, to fit whole between the words of a count.
const maxDelay = 10 * Rate

// phrase is something to be spoken inside a step's body.
type phrase struct {
	rank  int
	at    int      // the sample of its beat; of its start for atWritten
	end   int      // the sample by which it must have ended
	texts []string // alternatives, the best first
	tone  string   // sounds where none of them can be spoken
	marks []int    // indices of the marks whose onset it is
}

// span is the samples from the start of a phrase to its end.
type span struct{ from, to int }

// placeSpeech adds phrases where they fit: speech never overlaps speech and never runs past its slot.
//
// Phrases on a beat are placed from the last to the first, so that a long one is known to end before the next.
func (c *compiler) placeSpeech(s *Step, list []phrase) {
	sort.SliceStable(list, func(i, j int) bool {
		a, b := list[i], list[j]
		if a.rank != b.rank {
			return a.rank < b.rank
		}
		if a.rank == onBeat {
			return a.at > b.at
		}
		return a.at < b.at
	})
	taken := []span{{math.MinInt, c.speechEnd}} // sorted
	for _, p := range list {
		taken = c.placePhrase(s, p, taken)
	}
}

// placePhrase adds the first text of a phrase that fits between the spans taken, else its tone. It returns the spans
// with the new one in its place.
func (c *compiler) placePhrase(s *Step, p phrase, taken []span) []span {
	missing, tight := 0, 0
	for i, raw := range p.texts {
		text := c.fillSides(raw, c.side)
		said, has := c.measureText(text)
		if !has {
			missing++
			continue
		}
		start := p.at
		if p.rank != atWritten {
			start -= said.beat
		}
		k, start, free := findSlot(taken, start, p.rank == atWritten)
		for wait := p.at + maxDelay; p.rank == atWritten && free <= wait && start+said.len > free-phraseGap; {
			k, start, free = findSlot(taken, free, true) // behind the word that is in the way
		}
		end := min(p.end, free) - phraseGap
		if start < 0 || start+said.len > end {
			tight++
			if p.rank != ifFree {
				c.addNote(s, "%q lasts %.2f s, its slot is %.2f s", text, inSeconds(said.len), max(0, inSeconds(end-start)))
			}
			continue
		}
		if i > 0 && p.rank != ifFree {
			c.addNote(s, "says %q for %q", text, c.fillSides(p.texts[0], c.side))
		}
		c.addUtterance(said, start)
		for _, mark := range p.marks {
			c.score.Marks[mark].From = start
		}
		return slices.Insert(taken, k, span{start, start + said.len})
	}
	if p.rank == ifFree && tight > 0 {
		return taken // another phrase covers its second, or the phase ends first
	}
	if missing > 0 {
		c.addNote(s, "no voice has %q: a tone sounds", c.fillSides(p.texts[0], c.side))
	}
	c.addSound(s, Clip{Sound: p.tone}, p.at)
	return taken
}

// findSlot is where a phrase that begins at start would stand among the spans taken: its index, its start, and where
// the next span begins. A movable phrase moves behind the one that is being spoken; for any other, start is -1 then.
func findSlot(taken []span, start int, movable bool) (index, from, free int) {
	k := sort.Search(len(taken), func(i int) bool { return taken[i].from > start })
	if k > 0 && taken[k-1].to+phraseGap > start {
		if !movable {
			return k, -1, 0
		}
		start = taken[k-1].to + phraseGap
		for k < len(taken) && taken[k].from <= start {
			start = taken[k].to + phraseGap
			k++
		}
	}
	free = math.MaxInt
	if k < len(taken) {
		free = taken[k].from
	}
	return k, start, free
}

// sentenceGap is the pause between two sentences of one text.
const sentenceGap = Rate * 65 / 100

// utterance is a text as it is spoken: each sentence is a clip of its own, so that one recording serves every routine
// that has it, and playback resumes at a sentence.
type utterance struct {
	clips []Clip
	at    []int // their starts, from the start of the text
	len   int
	beat  int // of the first clip
}

// measureText measures a text; false when no voice has one of its sentences.
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

// addUtterance adds the cues of a text that begins at a sample.
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
