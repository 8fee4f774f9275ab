package routines

import "strings"

// level is how little is said: 0 everything, 1 the short texts, 2 the names. What comes again is known: it is said with
// less.
func (l *layout) level() int {
	level := map[Verbosity]int{Short: 1, Minimal: 2}[l.asked.Verbosity]
	if l.round > 0 {
		level++
	}
	return min(level, 2)
}

// texts lists what may be said for a step, the best first.
func (l *layout) texts(s *Step) []string {
	full := s.Say
	if l.asked.NoHolds && s.WithoutHolds != nil {
		full = *s.WithoutHolds
	}
	if full == "" {
		return nil
	}
	name := s.spokenName()
	switch level := l.level(); {
	case level == 0:
		return nonEmpty(full, s.Short, name)
	case level == 1 && s.Short != "":
		return nonEmpty(s.Short, name)
	case level == 1 && l.round == 0, name == "" && s.Kind != Say:
		return nonEmpty(full, s.Short, name)
	case s.Kind == Say && l.asked.Verbosity == Minimal:
		return nonEmpty(s.Short)
	case s.Kind == Say:
		return nonEmpty(s.Short, full)
	}
	return nonEmpty(name, s.Short)
}

// spokenName is the step's name where it can be said: not one cut off, the same again, or a word for the kind of step.
func (s *Step) spokenName() string {
	if strings.HasSuffix(s.Name, "…") || s.Name == s.Say || !s.named && s.Kind != Say {
		return ""
	}
	return s.Name
}

// cueTexts lists what may be said for a cue inside a step.
func (l *layout) cueTexts(c InnerCue) []string {
	switch {
	case l.asked.Verbosity == Minimal, l.asked.Verbosity == Short && c.Short != "":
		return nonEmpty(c.Short)
	}
	return nonEmpty(c.Say, c.Short)
}

// teaches is in how many rounds a step says the longer words of its phases.
func (l *layout) teaches(s *Step) int {
	switch {
	case l.round > 0 || l.asked.Verbosity == Minimal:
		return 0
	case l.asked.Verbosity == Short:
		return min(1, s.TeachFor)
	}
	return s.TeachFor
}

// caution speaks a step's caution as a step of its own, if it was not spoken before.
func (l *layout) caution(s *Step) {
	if s.Caution == "" || l.warned[s.Caution] {
		return
	}
	l.warned[s.Caution] = true
	l.step++
	c := Step{Line: s.Line, Kind: Say, Say: s.Caution, Short: s.Caution}
	c.Name = defaultName(c)
	start, mark := l.at, l.mark(Mark{Kind: StepMark, At: l.at, Name: c.Name})
	l.words(&c)
	l.advance(afterWords)
	l.score.Marks[mark].Len = l.at - start
}

// cautions speaks those of a step and of all in it.
func (l *layout) cautions(s *Step) {
	l.caution(s)
	inner := s.Steps
	if s.Kind == Include {
		inner = s.Routine.Steps
	}
	for i := range inner {
		l.cautions(&inner[i])
	}
}
