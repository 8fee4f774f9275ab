package routines

import "strings"

// brevity is how little is spoken now: 0 everything, 1 the short texts, 2 the names. From the second round on it is one
// more, as the listener knows the step.
func (c *compiler) brevity() int {
	level := 0
	switch c.options.Verbosity {
	case Short:
		level = 1
	case Minimal:
		level = 2
	}
	if c.round > 0 {
		level++
	}
	return min(level, 2)
}

// stepTexts lists what may be spoken for a step, the best first.
func (c *compiler) stepTexts(s *Step) []string {
	full := s.Say
	if c.options.NoHolds && s.WithoutHolds != nil {
		full = *s.WithoutHolds
	}
	if full == "" {
		return nil
	}
	name := s.spokenName()
	switch level := c.brevity(); {
	case level == 0:
		return nonEmpty(full, s.Short, name)
	case level == 1 && s.Short != "":
		return nonEmpty(s.Short, name)
	case level == 1 && c.round == 0, name == "" && s.Kind != Say:
		return nonEmpty(full, s.Short, name)
	case s.Kind == Say && c.options.Verbosity == Minimal:
		return nonEmpty(s.Short)
	case s.Kind == Say:
		return nonEmpty(s.Short, full)
	}
	return nonEmpty(name, s.Short)
}

// spokenName is the step's name where it is worth speaking: not cut off, not the text itself, not just the kind of
// step.
func (s *Step) spokenName() string {
	if strings.HasSuffix(s.Name, "…") || s.Name == s.Say || !s.named && s.Kind != Say {
		return ""
	}
	return s.Name
}

// cueTexts lists what may be spoken for a cue inside a step, the best first.
func (c *compiler) cueTexts(cue StepCue) []string {
	switch {
	case c.options.Verbosity == Minimal, c.options.Verbosity == Short && cue.Short != "":
		return nonEmpty(cue.Short)
	}
	return nonEmpty(cue.Say, cue.Short)
}

// teachRounds is in how many breaths the step's teaching words are spoken.
func (c *compiler) teachRounds(s *Step) int {
	switch {
	case c.round > 0 || c.options.Verbosity == Minimal:
		return 0
	case c.options.Verbosity == Short:
		return min(1, s.TeachFor)
	}
	return s.TeachFor
}

// speakCaution writes a step's caution as a step of its own, once in a score. No verbosity leaves it out.
func (c *compiler) speakCaution(s *Step) {
	if s.Caution == "" || c.cautionSpoken[s.Caution] {
		return
	}
	c.cautionSpoken[s.Caution] = true
	c.stepNumber++
	step := Step{Line: s.Line, Kind: Say, Say: s.Caution, Short: s.Caution}
	step.Name = defaultName(step, c.lang)
	start, mark := c.at, c.addMark(Mark{Kind: StepMark, At: c.at, Name: step.Name})
	c.layOutWords(&step)
	c.cautions = append(c.cautions, span{start, max(c.at, c.speechEnd)})
	c.advance(silenceAfterWords)
	c.score.Marks[mark].Len = c.at - start
}

// speakCautions writes the cautions of a step and of everything inside it. It visits each step of a file once, however
// often routines include it.
func (c *compiler) speakCautions(s *Step) {
	if c.cautionsOf[s] || !c.spend(1) {
		return
	}
	c.cautionsOf[s] = true
	c.speakCaution(s)
	inner := s.Steps
	if s.Kind == Include {
		inner = s.Routine.Steps
	}
	for i := range inner {
		c.speakCautions(&inner[i])
	}
}
