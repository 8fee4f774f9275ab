package routines

// What a listener asks for while a routine plays changes what lies ahead of him, and nothing before: everything that
// stands at a moment which depends on the length of its step is placed by the length that was known when it was heard.

// bodyLengths is how long a body in time was known to be, change by change; the last one is how long it is.
func (c *compiler) bodyLengths(s *Step) []int {
	length := func(n int) int { return n }
	if s.For.Breaths > 0 {
		breath := c.breath.Len()
		length = func(n int) int { return n * breath }
	}
	n := length(c.units(s)) + c.firstSideExtension()
	lengths := []int{n}
	used, more := c.changesUsed, 0
	for i, change := range c.options.Changes {
		if i == used && change.At < c.at+n+more-minLead {
			used++
			more += c.extension(change.Extend)
		}
		lengths = append(lengths, n+more)
	}
	c.useChanges(used, more)
	c.addFlexible(s, length)
	return lengths
}

// extendedSilence is a silence of n samples after words, or a longer one that was asked for.
func (c *compiler) extendedSilence(n int) int {
	n += c.firstSideExtension()
	used, more := c.changesUsed, 0
	for used < len(c.options.Changes) && c.options.Changes[used].At < c.at+n+more-minLead {
		more += c.extension(c.options.Changes[used].Extend)
		used++
	}
	c.useChanges(used, more)
	return n + more
}

// extension is an extension in samples.
func (c *compiler) extension(a Amount) int { return a.Samples + a.Breaths*c.breath.Len() }

// useChanges notes which changes a step has taken, and keeps for the second side what the first was extended by.
func (c *compiler) useChanges(used, more int) {
	c.changesUsed = used
	if c.firstSide {
		c.extensions = append(c.extensions, more)
	}
}

// firstSideExtension is what a step on the second side is extended by because it was on the first.
func (c *compiler) firstSideExtension() int {
	if c.firstSide || len(c.extensions) == 0 {
		return 0
	}
	n := c.extensions[0]
	c.extensions = c.extensions[1:]
	return n
}

// offsetWhenHeard is where something stands in a body whose length changed while it was heard, and how long the body was known
// to be then: at tells its place in a body of a length.
func (c *compiler) offsetWhenHeard(lengths []int, at func(n int) (int, bool)) (place, length int, inside bool) {
	length = lengths[0]
	place, inside = at(length)
	for i, change := range c.options.Changes {
		if inside && c.at+place-maxBeat < change.At {
			break // it was heard before this change and all later ones
		}
		length = lengths[i+1]
		if place, inside = at(length); inside {
			place = max(place, change.At+maxBeat-c.at)
		}
	}
	return place, length, inside
}
