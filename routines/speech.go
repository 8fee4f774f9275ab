package routines

import (
	"math"
	"sort"
	"strings"
)

// The ranks of what is spoken: a higher one gives way.
const (
	onBeat    = iota // phase words, rep numbers, countdowns: on their beat
	atWritten        // an author's cue: at its time, or after the word that is being said
	ifFree           // numbers of a count: on their beat, or not at all
)

// maxDelay is how long a cue may wait for a place in which it can be said whole.
const maxDelay = 10 * Rate

// phrase is something to be said inside a step's body.
type phrase struct {
	rank   int
	at     int      // its beat, or for asWritten its start
	end    int      // the sample by which it must be over
	texts  []string // the best first
	tone   string   // what sounds when none of them can
	mark   int      // index of the mark whose sound it is, when marked
	marked bool
	breath int // index of the breath or rep that it opens, when opens
	opens  bool
}

// span is the samples from one phrase's start to its end.
type span struct{ from, to int }

// placeSpeech puts phrases where they fit: speech never overlaps speech and never runs past its slot.
//
// Words on a beat are placed from the last to the first, so that a long one sees what it must end before.
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
			k, start, free = findSlot(taken, free, true) // after the word that stands in its way
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
		c.setOnset(p, start)
		taken = append(taken, span{})
		copy(taken[k+1:], taken[k:])
		taken[k] = span{start, start + said.len}
		return taken
	}
	if p.rank == ifFree && tight > 0 {
		return taken // a longer phrase speaks in its place, or its second is cut short
	}
	if missing > 0 {
		c.addNote(s, "no voice has %q: a tone sounds", c.fillSides(p.texts[0], c.side))
	}
	c.addSound(s, p.tone, p.at)
	return taken
}

// findSlot finds where a phrase at start would stand among what is taken: its index, its start and where the next begins.
// A movable one begins after the phrase that is being said.
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

// setOnset notes that a mark's sound begins before its beat.
func (c *compiler) setOnset(p phrase, start int) {
	if p.marked {
		c.score.Marks[p.mark].From = start
	}
	if p.opens {
		c.score.Marks[p.breath].From = start
	}
}

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
