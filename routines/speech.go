package routines

import (
	"cmp"
	"math"
	"slices"
	"sort"
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
	marks [2]int   // the marks whose onset it is, as marksOf lists them
}

// marksOf is one or two marks of a phrase, as indices in Marks plus one; the zero value is none.
func marksOf(mark int, others ...int) (list [2]int) {
	list[0] = mark + 1
	for _, other := range others {
		list[1] = other + 1
	}
	return list
}

// keepTexts lists those texts that are not empty, until the step is written.
func (c *compiler) keepTexts(texts ...string) []string {
	first := len(c.texts)
	for _, text := range texts {
		if text != "" {
			c.texts = append(c.texts, text)
		}
	}
	return c.texts[first:len(c.texts):len(c.texts)]
}

// placeSpeech adds phrases where they fit: speech never overlaps speech and never runs past its slot.
//
// Phrases on a beat are placed from the last to the first, so that a long one is known to end before the next.
func (c *compiler) placeSpeech(s *Step, list []phrase) {
	sortStable(list, func(a, b phrase) int {
		if a.rank == b.rank && a.rank == onBeat {
			return cmp.Compare(b.at, a.at)
		}
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.at, b.at))
	})
	taken := newTimetable(span{math.MinInt, c.speechEnd}, len(list), c.spans)
	for i := range list {
		if !c.spend(1) {
			return
		}
		c.placePhrase(s, &list[i], taken)
	}
	c.phrases, c.texts, c.spans = list[:0], c.texts[:0], taken.spans
}

// placePhrase adds the first text of a phrase that fits between the spans taken, and its span to them; or else its tone.
func (c *compiler) placePhrase(s *Step, p *phrase, taken *timetable) {
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
		k, start, free := c.findSlot(taken, start, p.rank == atWritten)
		for wait := p.at + maxDelay; p.rank == atWritten && free <= wait && start+said.len > free-phraseGap; {
			if !c.spend(1) {
				return
			}
			k, start, free = c.findSlot(taken, free, true) // behind the word that is in the way
		}
		end := min(p.end, free) - phraseGap
		if start < 0 || start+said.len > end {
			tight++
			if p.rank != ifFree {
				c.addNote(s, noteKey{format: "%q lasts %.2f s, its slot is %.2f s", a: text, m: said.len, n: end - start}, text, inSeconds(said.len), max(0, inSeconds(end-start)))
			}
			continue
		}
		if i > 0 && p.rank != ifFree {
			first := c.fillSides(p.texts[0], c.side)
			c.addNote(s, noteKey{format: "says %q for %q", a: text, b: first}, text, first)
		}
		c.addUtterance(said, start)
		for _, mark := range p.marks {
			if mark > 0 {
				c.score.Marks[mark-1].From = start
			}
		}
		taken.insert(k, span{start, start + said.len})
		return
	}
	if p.rank == ifFree && tight > 0 {
		return // another phrase covers its second, or the phase ends first
	}
	if missing > 0 {
		text := c.fillSides(p.texts[0], c.side)
		c.addNote(s, noteKey{format: "no voice has %q: a tone sounds", a: text}, text)
	}
	c.addSound(s, Clip{Sound: p.tone}, p.at)
}

// findSlot is where a phrase that begins at start would stand among the spans taken: its index, its start, and where
// the next span begins. A movable phrase moves behind the one that is being spoken; for any other, start is -1 then.
func (c *compiler) findSlot(taken *timetable, start int, movable bool) (index, from, free int) {
	k := sort.Search(taken.len(), func(i int) bool { return taken.at(i).from > start })
	if k > 0 && taken.at(k-1).to+phraseGap > start {
		if !movable {
			return k, -1, 0
		}
		start = taken.at(k-1).to + phraseGap
		for k < taken.len() && taken.at(k).from <= start && c.spend(1) {
			start = taken.at(k).to + phraseGap
			k++
		}
	}
	free = math.MaxInt
	if k < taken.len() {
		free = taken.at(k).from
	}
	return k, start, free
}

// span is the samples from the start of a phrase to its end.
type span struct{ from, to int }

// timetable is the spans in which something is spoken, sorted. It is a gap buffer: phrases come nearly in order, from the
// last to the first or from the first to the last, so that an insertion moves few spans, where a slice would move
// thousands.
type timetable struct {
	spans           []span
	gap, afterSpans int // the gap begins at gap; behind it are afterSpans spans
}

// newTimetable is a timetable with one span and room for n more, in the memory of a former one.
func newTimetable(first span, n int, former []span) *timetable {
	t := &timetable{spans: slices.Grow(former[:0], n+1)[:n+1], gap: 1}
	t.spans[0] = first
	return t
}

func (t *timetable) len() int { return t.gap + t.afterSpans }

func (t *timetable) at(i int) span {
	if i >= t.gap {
		i += len(t.spans) - t.len()
	}
	return t.spans[i]
}

// insert puts a span before the one at index i. There must be room.
func (t *timetable) insert(i int, s span) {
	for ; t.gap > i; t.gap-- {
		t.afterSpans++
		t.spans[len(t.spans)-t.afterSpans] = t.spans[t.gap-1]
	}
	for ; t.gap < i; t.gap++ {
		t.spans[t.gap] = t.spans[len(t.spans)-t.afterSpans]
		t.afterSpans--
	}
	t.spans[t.gap] = s
	t.gap++
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

	complete bool // every clip can be heard
}

// measureText measures a text; false when no voice has one of its sentences.
func (c *compiler) measureText(text string) (utterance, bool) {
	key := spokenText{c.lang.Code, text}
	s, known := c.work.texts[key]
	if !known {
		s = c.measureSentences(text)
		c.work.texts[key] = s
	}
	return s, s.complete
}

func (c *compiler) measureSentences(text string) utterance {
	s := utterance{complete: true}
	c.spend(1 + len(text)/32)
	for i, sentence := range c.lang.sentences(text) {
		clip := Clip{Say: sentence}
		e, has := c.extent(clip)
		s.complete = s.complete && has
		if i == 0 {
			s.beat = e.Beat
		} else {
			s.len += sentenceGap
		}
		s.clips, s.at = append(s.clips, clip), append(s.at, s.len)
		if s.len += e.Len; s.len > maxLength {
			s.complete = false
			break
		}
	}
	return s
}

// addUtterance adds the cues of a text that begins at a sample.
func (c *compiler) addUtterance(s utterance, at int) {
	if !c.spend(len(s.clips)) {
		return
	}
	for i, clip := range s.clips {
		n := s.len
		if i+1 < len(s.at) {
			n = s.at[i+1] - sentenceGap
		}
		c.score.Cues = append(c.score.Cues, Cue{at + s.at[i], n - s.at[i], clip})
	}
	c.speechEnd = max(c.speechEnd, at+s.len)
}
