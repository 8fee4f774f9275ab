package routines

import "strings"

// layOutStep writes one step: its sound, its words, and its body.
func (c *compiler) layOutStep(s *Step) {
	if s.Sound != "" {
		n := c.addSound(s, Clip{Sound: s.Sound}, c.at)
		switch {
		case s.Kind == Sound && s.For.Samples == 0:
			c.advance(n)
			return
		case s.Say != "" && s.Kind != Sound:
			c.advance(soundToWords)
		}
	}
	switch s.Kind {
	case Say:
		if s.For.Samples == 0 {
			c.layOutWords(s)
			c.advance(c.extendedSilence(silenceAfterWords))
			return
		}
		c.layOutTimed(s, true)
	case Sound, Rest:
		c.layOutTimed(s, true)
	case Hold:
		c.layOutWords(s)
		c.advance(s.Prepare)
		switch {
		case s.Wait:
			c.layOutWait()
			return
		case s.Pattern == nil:
			c.layOutTimed(s, false)
			return
		}
		c.advance(max(0, minLead-s.Prepare))
		c.layOutBreaths(s)
	case Breathe:
		c.layOutWords(s)
		c.advance(max(s.Prepare, minLead))
		c.layOutBreaths(s)
	case Reps:
		c.layOutWords(s)
		c.advance(max(s.Prepare, minLead))
		c.layOutReps(s)
	}
}

// layOutWords speaks a step's text before its body. It takes as long as the text needs, on both sides the longer of the
// two times.
func (c *compiler) layOutWords(s *Step) {
	texts := c.stepTexts(s)
	if len(texts) == 0 {
		return
	}
	for _, text := range texts {
		n, found := 0, true
		for _, side := range c.bothSides() {
			said, has := c.measureText(c.fillSides(text, side))
			n, found = max(n, said.len), found && has
		}
		if found {
			said, _ := c.measureText(c.fillSides(text, c.side))
			c.addUtterance(said, c.at)
			if text != texts[0] {
				c.addNote(s, noteKey{format: "no voice has %q: says %q", a: texts[0], b: text}, texts[0], text)
			}
			c.advance(n)
			return
		}
	}
	c.addNote(s, noteKey{format: "no voice has %q: a tone sounds", a: texts[0]}, texts[0])
	c.advance(c.addSound(s, Clip{Sound: "ping"}, c.at))
}

// layOutTimed writes a body that lasts a time, with its cues and countdown; withWords reports whether the step's words
// are spoken inside it too.
func (c *compiler) layOutTimed(s *Step, withWords bool) {
	lengths := c.bodyLengths(s)
	n := lengths[len(lengths)-1]
	list := c.phrases[:0]
	if texts := c.stepTexts(s); withWords && len(texts) > 0 {
		list = append(list, phrase{rank: atWritten, at: c.at, texts: texts, end: c.at + n, tone: "ping"})
	}
	list = c.cuePhrases(list, s, lengths)
	for second := s.Countdown; second > 0; second-- {
		at, _, _ := c.offsetWhenHeard(lengths, func(n int) (int, bool) { return n - second*Rate, true })
		m := c.addMark(Mark{Kind: CountMark, At: c.at + at, Len: Rate, Name: "countdown", N: second})
		text := c.lang.countWord(second, second == 1)
		list = append(list, phrase{rank: onBeat, at: c.at + at, texts: c.keepTexts(text), end: c.at + n, tone: "tick", marks: marksOf(m)})
	}
	c.placeSpeech(s, list)
	c.advance(n)
}

// cuePhrases adds the sounds of a step's cues and appends their texts to list as phrases. lengths is that of bodyLengths.
func (c *compiler) cuePhrases(list []phrase, s *Step, lengths []int) []phrase {
	for _, cue := range s.Cues {
		if !c.spend(1 + len(c.options.Changes)/16) {
			return list
		}
		at, n, inside := c.offsetWhenHeard(lengths, cue.At.sample)
		if !inside {
			c.addNote(s, noteKey{format: "a cue lies outside the step, which lasts %v: left out", m: n}, Duration(n))
			continue
		}
		if cue.Sound != "" {
			c.addSound(s, Clip{Sound: cue.Sound}, c.at+at)
		}
		if texts := c.cueTexts(cue); len(texts) > 0 {
			list = append(list, phrase{rank: atWritten, at: c.at + at, texts: texts, end: c.at + n, tone: "ping"})
		}
	}
	return list
}

// layOutSwitch writes the time to change to a side: window samples, or as long as the words need.
func (c *compiler) layOutSwitch(s *Step, side, words string, window int) {
	outer := c.side
	c.side = side
	clip := Clip{Say: words}
	mark := Mark{Kind: SwitchMark, At: c.at, From: c.at, Name: strings.TrimRight(clip.Say, ".")}
	if e, has := c.extent(clip); has {
		window = max(window, e.Len+phraseGap)
		c.score.Cues = append(c.score.Cues, Cue{c.at, e.Len, clip})
		c.speechEnd = c.at + e.Len
	} else {
		window = max(window, c.addSound(s, Clip{Sound: "chime"}, c.at))
		c.addNote(s, noteKey{format: "no voice has %q: a tone sounds", a: clip.Say}, clip.Say)
	}
	mark.Len = window
	c.addMark(mark)
	c.advance(window)
	c.side = outer
}

// addSound adds a tone or a sound file, and returns its length; 0, with a note, when it cannot be played.
func (c *compiler) addSound(s *Step, clip Clip, at int) int {
	e, has := c.extent(clip)
	if !has {
		c.addNote(s, noteKey{format: "the sound %q cannot be played: left out", a: clip.Sound}, clip.Sound)
		return 0
	}
	if c.spend(1) {
		c.score.Cues = append(c.score.Cues, Cue{at, e.Len, clip})
	}
	return e.Len
}

// bothSides lists the sides for which a text must be measured.
func (c *compiler) bothSides() []string {
	if c.side == "" {
		return []string{""}
	}
	return []string{"left", "right"}
}

func nonEmpty(texts ...string) []string {
	var list []string
	for _, t := range texts {
		if t != "" {
			list = append(list, t)
		}
	}
	return list
}

const (
	waitInFile = 30 * Rate      // the length of a hold until next where there is no listener, as in a file
	maxWait    = 15 * 60 * Rate // its length at most, with a listener
)

// layOutWait writes a hold that waits for the listener: as long as it waits at most, or briefly where there is no
// listener.
func (c *compiler) layOutWait() {
	n := waitInFile
	if c.options.Interactive {
		n = maxWait
		c.addMark(Mark{Kind: WaitMark, At: c.at, Len: n})
	}
	c.advance(n)
}
