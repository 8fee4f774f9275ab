package routines

import (
	"maps"
	"math"
	"slices"
	"sort"
	"strings"
)

// phaseTone is the tone of a phase; those of a rep sound like the breath's.
func phaseTone(phase string) string {
	switch phase {
	case "move":
		return "in"
	case "back":
		return "out"
	}
	return phase
}

// layOutBreaths writes the breaths of a breathing step, or of the pacer inside a hold.
func (c *compiler) layOutBreaths(s *Step) {
	mode := c.countModeOf(s)
	if s.Kind == Hold && s.Count == "" && mode == Spoken {
		mode = Words // numbers would leave no silence in the hold
	}
	cycles, lengths := c.timeCycles(s)
	c.reserve(cycles, mode, true)
	list := c.cuePhrases(c.phrases[:0], s, lengths)
	words, teachRounds := c.phaseWords(s), c.teachRounds(s)
	for i, b := range cycles {
		if !c.spend(1) {
			return
		}
		at := c.at + b.at
		breath := c.addMark(Mark{Kind: BreathMark, At: at, Len: b.Len(), N: i + 1})
		for p := range b.phases(breathPhases) {
			p.At += at
			mark := c.addMark(Mark{Kind: PhaseMark, At: p.At, Len: p.Len, Name: p.Name, N: i + 1})
			f := phrase{rank: onBeat, at: p.At, end: p.At + p.Len, tone: phaseTone(p.Name), marks: marksOf(mark)}
			if p.At == at {
				f.marks = marksOf(mark, breath)
			}
			teach := ""
			if i < teachRounds {
				teach = s.Teach[p.Name]
			}
			f.texts = c.keepTexts(teach, words[p.Name].form(mode != Spoken || p.Len <= b.count))
			list = c.countPhase(list, s, mode, f, p, b.count)
		}
	}
	c.placeSpeech(s, list)
	c.advance(lengths[len(lengths)-1])
}

// phaseWords is the words of a breathing step's phases, by phase.
func (c *compiler) phaseWords(s *Step) map[string]countedWord {
	if len(s.Words) == 0 {
		return c.lang.phases
	}
	words := maps.Clone(c.lang.phases)
	for phase, own := range s.Words {
		words[phase] = newCountedWord(own)
	}
	return words
}

// countPhase adds the marks and sounds of one phase, and appends to list what is spoken in it. word is the phrase of the
// phase itself; count is the length of one count.
func (c *compiler) countPhase(list []phrase, s *Step, mode CountMode, word phrase, p Phase, count int) []phrase {
	switch mode {
	case Spoken, Words:
		list = append(list, word)
	case Tones:
		c.addSound(s, Clip{Sound: word.tone}, p.At)
	case Swells:
		c.addSwell(s, p)
	}
	for n := 2; (n-1)*count < p.Len && c.spend(1); n++ {
		at := p.At + (n-1)*count
		mark := c.addMark(Mark{Kind: CountMark, At: at, Len: min(count, p.At+p.Len-at), Name: p.Name, N: n})
		switch {
		case mode == Tones:
			c.addSound(s, Clip{Sound: "tick"}, at)
		case mode == Spoken && c.lang.number(n) != "":
			text := c.lang.countWord(n, n*count >= p.Len)
			list = append(list, phrase{rank: ifFree, at: at, texts: c.keepTexts(text), end: p.At + p.Len, tone: "tick", marks: marksOf(mark)})
		}
	}
	return list
}

// addSwell adds the sound of a phase in which air moves.
func (c *compiler) addSwell(s *Step, p Phase) {
	if name := "swell-" + phaseTone(p.Name); slices.Contains(SwellNames(), name) {
		c.addSound(s, Clip{Sound: name, Len: p.Len}, p.At)
	}
}

// layOutReps writes counted movements: the number at the start of each rep, and the words that the step has for its
// other phases.
func (c *compiler) layOutReps(s *Step) {
	mode := c.countModeOf(s)
	cycles, lengths := c.timeCycles(s)
	c.reserve(cycles, mode, false)
	list := c.cuePhrases(c.phrases[:0], s, lengths)
	for i, r := range cycles {
		if !c.spend(1) {
			return
		}
		at := c.at + r.at
		rep := c.addMark(Mark{Kind: RepMark, At: at, Len: r.Len(), N: i + 1})
		for p := range r.phases(repPhases) {
			p.At += at
			mark := c.addMark(Mark{Kind: PhaseMark, At: p.At, Len: p.Len, Name: p.Name, N: i + 1})
			f := phrase{rank: onBeat, at: p.At, end: p.At + p.Len, tone: phaseTone(p.Name), marks: marksOf(mark)}
			word, last := s.Words[p.Name], p.At > at || i == len(cycles)-1
			switch {
			case p.At == at && mode == Words:
				f.marks, word = marksOf(mark, rep), ""
			case p.At == at:
				f.marks, word = marksOf(mark, rep), c.lang.countWord(i+1, last)
			case word != "":
				word = countWord(word, last)
			}
			switch {
			case mode == Tones:
				c.addSound(s, Clip{Sound: f.tone}, p.At)
			case mode == Swells:
				c.addSwell(s, p)
			case mode != Silent && word != "":
				f.texts = c.keepTexts(word)
				list = append(list, f)
			}
		}
	}
	c.placeSpeech(s, list)
	c.advance(lengths[len(lengths)-1])
}

// countModeOf is how a step is counted.
func (c *compiler) countModeOf(s *Step) CountMode {
	if s.Count != "" {
		return s.Count
	}
	return c.countMode
}

// countWord is a word of a count as the voice speaks it: a comma keeps the pitch up, a full stop at the end lets it
// fall.
func countWord(word string, last bool) string {
	word = strings.TrimRight(word, ".,")
	if last {
		return word + "."
	}
	return word + ","
}

// countedWord is a word as countWord speaks it: inside a count, and at its end.
type countedWord struct{ inside, last string }

func newCountedWord(word string) countedWord {
	return countedWord{countWord(word, false), countWord(word, true)}
}

func (w countedWord) form(last bool) string {
	if last {
		return w.last
	}
	return w.inside
}

// reserve makes room for what a body of breaths or reps is laid out in, when all of it is heard: a mark for each of them and
// for each phase, and a mark for each count where the seconds are counted.
func (c *compiler) reserve(cycles []cycle, mode CountMode, seconds bool) {
	phases, counts := 0, 0
	for _, b := range cycles {
		for p := range b.phases(breathPhases) {
			phases++
			if seconds && b.count > 0 {
				counts += (p.Len - 1) / b.count // as countPhase has them
			}
		}
	}
	cues := 0
	switch mode {
	case Spoken, Tones:
		cues = phases + counts
	case Words, Swells:
		cues = phases
	}
	c.score.Marks = slices.Grow(c.score.Marks, min(len(cycles)+phases+counts, maxMarks))
	c.score.Cues = slices.Grow(c.score.Cues, min(cues, maxCues))
	c.phrases = slices.Grow(c.phrases[:0], min(cues, maxCues))
}

// cycle is one breath or rep at its place.
type cycle struct {
	Pattern
	at    int // from the start of the step's body
	count int // the length of one count
}

// rampOf is the sequence of a step's breaths or reps.
func (c *compiler) rampOf(s *Step) ramp {
	r := ramp{to: *s.Pattern}
	if s.Kind != Reps {
		r.to = c.applyHolds(r.to)
	}
	if s.From == nil {
		return r
	}
	r.from = c.applyHolds(*s.From)
	r.wholeSeconds = c.countModeOf(s) == Spoken && r.from.isWholeSeconds() && r.to.isWholeSeconds()
	switch {
	case s.Over.Breaths > 0:
		r.breaths = s.Over.Breaths
	case s.Over.Samples > 0:
		r.breaths = max(1, int(math.Round(2*float64(s.Over.Samples)/float64(r.from.Len()+r.to.Len()))))
	case s.For.Breaths > 0:
		r.breaths = s.For.Breaths / 2
	default:
		r.breaths = int(float64(s.For.Samples) / float64(r.from.Len()+r.to.Len())) // half of the step
	}
	return r
}

// timeCycles lists a step's breaths or reps. lengths is that of bodyLengths.
func (c *compiler) timeCycles(s *Step) (cycles []cycle, lengths []int) {
	n := c.units(s) + c.firstSideExtension()
	r := c.rampOf(s)
	all := len(c.options.Changes)
	used, more := 0, 0
	lengths = make([]int, all+1)
	// The lengths before a change that this step begins after are never asked for: nothing of it was heard then.
	for known := c.changesBefore(); known <= all; known++ {
		cycles, used, more = c.cyclesWith(r, n, c.options.Changes[:known], c.cycles[:0])
		c.cycles = cycles
		if last := len(cycles) - 1; last >= 0 {
			lengths[known] = limited(int64(cycles[last].at) + int64(cycles[last].Len()))
		}
		if known < all && c.options.Changes[known].At > c.at+lengths[known] { // nor do this one and later ones change it
			for i := known + 1; i <= all; i++ {
				lengths[i] = lengths[known]
			}
			break
		}
	}
	for i := range c.changesBefore() {
		lengths[i] = lengths[c.changesBefore()]
	}
	c.useChanges(used, more)
	c.addFlexible(s, r.lengths())
	return cycles, lengths
}

// changesBefore counts the changes that were made before anything of the body that begins here could be heard.
func (c *compiler) changesBefore() int {
	return sort.Search(len(c.options.Changes), func(i int) bool { return c.options.Changes[i].At > c.at-minLead })
}

// cyclesWith appends the breaths or reps of a step of n to cycles, as they are when only the given changes were made. used
// is how many of them no later step can take, and more how many breaths or reps they added.
func (c *compiler) cyclesWith(r ramp, n int, changes []Change, cycles []cycle) (_ []cycle, used, more int) {
	at, pace, paced := 0, 1.0, 0
	used = c.changesUsed
	for i := 0; c.spend(1); i++ {
		for ; i == n+more && used < len(changes) && changes[used].At < c.at+at-minLead; used++ {
			more += inCycles(changes[used].Extend, r.to)
		}
		if i >= n+more {
			break
		}
		for ; paced < len(changes) && changes[paced].At <= c.at+at-minLead; paced++ {
			if changes[paced].Pace > 0 {
				pace *= changes[paced].Pace
			}
		}
		b := cycle{r.pattern(i).scaled(pace), at, int(math.Round(Rate * pace))}
		cycles = append(cycles, b)
		at = limited(int64(at) + int64(b.Len()))
	}
	return cycles, used, more
}

// inCycles is an extension in breaths or reps: whole ones, at least one unless nothing is asked for.
func inCycles(a Length, p Pattern) int {
	switch {
	case a.Breaths > 0:
		return min(a.Breaths, maxLength) // more than any score holds, and no overflow of 32 bits
	case a.Samples > 0:
		return max(1, int(math.Round(float64(a.Samples)/float64(p.Len()))))
	}
	return 0
}
