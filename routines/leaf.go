package routines

import "strings"

// leaf writes one step: its sound, its words, and its body.
func (l *layout) leaf(s *Step) {
	if s.Sound != "" {
		n := l.sound(s, s.Sound, l.at)
		switch {
		case s.Kind == Sound && s.For.Samples == 0:
			l.advance(n)
			return
		case s.Say != "" && s.Kind != Sound:
			l.advance(soundFirst)
		}
	}
	switch s.Kind {
	case Say:
		if s.For.Samples == 0 {
			l.words(s)
			l.advance(l.extended(afterWords))
			return
		}
		l.body(s, true)
	case Sound, Rest:
		l.body(s, true)
	case Hold:
		l.words(s)
		l.advance(s.Prepare)
		switch {
		case s.Wait:
			l.wait()
			return
		case s.Pattern == nil:
			l.body(s, false)
			return
		}
		l.advance(max(0, leastLead-s.Prepare))
		l.breaths(s)
	case Breathe:
		l.words(s)
		l.advance(max(s.Prepare, leastLead))
		l.breaths(s)
	case Reps:
		l.words(s)
		l.advance(max(s.Prepare, leastLead))
		l.reps(s)
	}
}

// words speaks a step's text before its body, in a slot as long as it needs: as long on either side.
func (l *layout) words(s *Step) {
	texts := l.texts(s)
	if len(texts) == 0 {
		return
	}
	for _, text := range texts {
		n, found := 0, true
		for _, side := range l.bothSides() {
			said, has := l.speak(l.fill(text, side))
			n, found = max(n, said.len), found && has
		}
		if found {
			said, _ := l.speak(l.fill(text, l.side))
			l.write(said, l.at)
			if text != texts[0] {
				l.note(s, "no voice has %q: says %q", texts[0], text)
			}
			l.advance(n)
			return
		}
	}
	l.note(s, "no voice has %q: a tone sounds", texts[0])
	l.advance(l.sound(s, "ping", l.at))
}

// body writes a step of a length in time, with what is said and sounded inside it; spoken tells that the step's words
// belong there too.
func (l *layout) body(s *Step, spoken bool) {
	lengths := l.lengths(s)
	n := lengths[len(lengths)-1]
	var list []phrase
	if texts := l.texts(s); spoken && len(texts) > 0 {
		list = append(list, phrase{rank: asWritten, at: l.at, texts: texts, end: l.at + n, tone: "ping"})
	}
	list = append(list, l.innerCues(s, lengths)...)
	for c := s.Countdown; c > 0; c-- {
		at, _, _ := l.settled(lengths, func(n int) (int, bool) { return n - c*Rate, true })
		m := l.mark(Mark{Kind: CountMark, At: l.at + at, Len: Rate, Name: "countdown", N: c})
		list = append(list, phrase{rank: onBeat, at: l.at + at, texts: []string{said(l.lang.number(c), c == 1)}, end: l.at + n, tone: "tick", mark: m, marked: true})
	}
	l.place(s, list)
	l.advance(n)
}

// innerCues lists what an author put inside a body; lengths is how long it was known to be, change by change.
func (l *layout) innerCues(s *Step, lengths []int) []phrase {
	var list []phrase
	for _, c := range s.Cues {
		at, n, inside := l.settled(lengths, c.At.at)
		if !inside {
			l.note(s, "a cue lies outside the step, which lasts %v: left out", Duration(n))
			continue
		}
		if c.Sound != "" {
			l.sound(s, c.Sound, l.at+at)
		}
		if texts := l.cueTexts(c); len(texts) > 0 {
			list = append(list, phrase{rank: asWritten, at: l.at + at, texts: texts, end: l.at + n, tone: "ping"})
		}
	}
	return list
}

// turnTo writes the window in which the body turns to a side: as long as asked, or as what is said in it.
func (l *layout) turnTo(s *Step, side, words string, window int) {
	outer := l.side
	l.side = side
	clip := Clip{Say: words}
	mark := Mark{Kind: SwitchMark, At: l.at, From: l.at, Name: strings.TrimRight(clip.Say, ".")}
	if e, has := l.extent(clip); has {
		window = max(window, e.Len+betweenSay)
		l.score.Cues = append(l.score.Cues, Cue{l.at, e.Len, clip})
		l.talked = l.at + e.Len
	} else {
		window = max(window, l.sound(s, "chime", l.at))
		l.note(s, "no voice has %q: a tone sounds", clip.Say)
	}
	mark.Len = window
	l.mark(mark)
	l.advance(window)
	l.side = outer
}

// sound places a tone or a sound file, and returns its length.
func (l *layout) sound(s *Step, name string, at int) int {
	return l.clip(s, Clip{Sound: name}, at)
}

func (l *layout) clip(s *Step, clip Clip, at int) int {
	e, has := l.extent(clip)
	if !has {
		l.note(s, "the sound %q cannot be played: left out", clip.Sound)
		return 0
	}
	l.score.Cues = append(l.score.Cues, Cue{at, e.Len, clip})
	return e.Len
}

// bothSides lists the sides a text must fit on.
func (l *layout) bothSides() []string {
	if l.side == "" {
		return []string{""}
	}
	return []string{"left", "right"}
}

// fill puts the side's words into a text.
func (l *layout) fill(text, side string) string {
	other := "left"
	if side == "left" {
		other = "right"
	}
	return strings.NewReplacer("{side}", l.lang.side(side), "{other}", l.lang.side(other)).Replace(text)
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
