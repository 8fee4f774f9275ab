package routines

import "strings"

// layOutStep writes one step: its sound, its words, and its body.
func (c *compiler) layOutStep(s *Step) {
	if s.Sound != "" {
		n := c.addSound(s, s.Sound, c.at)
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

// layOutWords speaks a step's text before its body, in a slot as long as it needs: as long on either side.
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
				c.addNote(s, "no voice has %q: says %q", texts[0], text)
			}
			c.advance(n)
			return
		}
	}
	c.addNote(s, "no voice has %q: a tone sounds", texts[0])
	c.advance(c.addSound(s, "ping", c.at))
}

// layOutTimed writes a step of a length in time, with what is said and sounded inside it; spoken tells that the step's words
// belong there too.
func (c *compiler) layOutTimed(s *Step, spoken bool) {
	lengths := c.bodyLengths(s)
	n := lengths[len(lengths)-1]
	var list []phrase
	if texts := c.stepTexts(s); spoken && len(texts) > 0 {
		list = append(list, phrase{rank: atWritten, at: c.at, texts: texts, end: c.at + n, tone: "ping"})
	}
	list = append(list, c.cuePhrases(s, lengths)...)
	for second := s.Countdown; second > 0; second-- {
		at, _, _ := c.offsetWhenHeard(lengths, func(n int) (int, bool) { return n - second*Rate, true })
		m := c.addMark(Mark{Kind: CountMark, At: c.at + at, Len: Rate, Name: "countdown", N: second})
		list = append(list, phrase{rank: onBeat, at: c.at + at, texts: []string{countWord(c.lang.number(second), second == 1)}, end: c.at + n, tone: "tick", mark: m, marked: true})
	}
	c.placeSpeech(s, list)
	c.advance(n)
}

// cuePhrases lists what an author put inside a body; lengths is how long it was known to be, change by change.
func (c *compiler) cuePhrases(s *Step, lengths []int) []phrase {
	var list []phrase
	for _, cue := range s.Cues {
		at, n, inside := c.offsetWhenHeard(lengths, cue.At.sample)
		if !inside {
			c.addNote(s, "a cue lies outside the step, which lasts %v: left out", Duration(n))
			continue
		}
		if cue.Sound != "" {
			c.addSound(s, cue.Sound, c.at+at)
		}
		if texts := c.cueTexts(cue); len(texts) > 0 {
			list = append(list, phrase{rank: atWritten, at: c.at + at, texts: texts, end: c.at + n, tone: "ping"})
		}
	}
	return list
}

// layOutSwitch writes the window in which the body turns to a side: as long as asked, or as what is said in it.
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
		window = max(window, c.addSound(s, "chime", c.at))
		c.addNote(s, "no voice has %q: a tone sounds", clip.Say)
	}
	mark.Len = window
	c.addMark(mark)
	c.advance(window)
	c.side = outer
}

// addSound places a tone or a sound file, and returns its length.
func (c *compiler) addSound(s *Step, name string, at int) int {
	return c.addClip(s, Clip{Sound: name}, at)
}

func (c *compiler) addClip(s *Step, clip Clip, at int) int {
	e, has := c.extent(clip)
	if !has {
		c.addNote(s, "the sound %q cannot be played: left out", clip.Sound)
		return 0
	}
	c.score.Cues = append(c.score.Cues, Cue{at, e.Len, clip})
	return e.Len
}

// bothSides lists the sides a text must fit on.
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
	waitInFile = 30 * Rate      // how long such a hold lasts where nobody can say next: in a file
	maxWait    = 15 * 60 * Rate // how long the listener is waited for
)

// layOutWait writes a hold that lasts until the listener goes on, or its stand-in.
func (c *compiler) layOutWait() {
	n := waitInFile
	if c.options.Waits {
		n = maxWait
		c.addMark(Mark{Kind: WaitMark, At: c.at, Len: n})
	}
	c.advance(n)
}
