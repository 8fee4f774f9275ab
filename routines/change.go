package routines

// What a listener asks for while a routine plays changes what lies ahead of him, and nothing before: everything that
// stands at a moment which depends on the length of its step is placed by the length that was known when it was heard.

// lengths is how long a body in time was known to be, change by change; the last one is how long it is.
func (l *layout) lengths(s *Step) []int {
	length := func(n int) int { return n }
	if s.For.Breaths > 0 {
		breath := l.breath.Len()
		length = func(n int) int { return n * breath }
	}
	n := length(l.size(s)) + l.carry()
	lengths := []int{n}
	used, more := l.used, 0
	for i, c := range l.asked.Changes {
		if i == used && c.At < l.at+n+more-leastLead {
			used++
			more += l.inTime(c.Extend)
		}
		lengths = append(lengths, n+more)
	}
	l.spend(used, more)
	l.flexible(s, length)
	return lengths
}

// extended is a silence of n samples after words, or a longer one that was asked for.
func (l *layout) extended(n int) int {
	n += l.carry()
	used, more := l.used, 0
	for used < len(l.asked.Changes) && l.asked.Changes[used].At < l.at+n+more-leastLead {
		more += l.inTime(l.asked.Changes[used].Extend)
		used++
	}
	l.spend(used, more)
	return n + more
}

// inTime is an extension in samples.
func (l *layout) inTime(a Amount) int { return a.Samples + a.Breaths*l.breath.Len() }

// spend notes which changes a step has taken, and keeps for the second side what the first was extended by.
func (l *layout) spend(used, more int) {
	l.used = used
	if l.first {
		l.carried = append(l.carried, more)
	}
}

// carry is what a step on the second side is extended by because it was on the first.
func (l *layout) carry() int {
	if l.first || len(l.carried) == 0 {
		return 0
	}
	n := l.carried[0]
	l.carried = l.carried[1:]
	return n
}

// settled is where something stands in a body whose length changed while it was heard, and how long the body was known
// to be then: at tells its place in a body of a length.
func (l *layout) settled(lengths []int, at func(n int) (int, bool)) (place, length int, inside bool) {
	length = lengths[0]
	place, inside = at(length)
	for i, c := range l.asked.Changes {
		if inside && l.at+place-maxBeat < c.At {
			break // it was heard before this change and all later ones
		}
		length = lengths[i+1]
		if place, inside = at(length); inside {
			place = max(place, c.At+maxBeat-l.at)
		}
	}
	return place, length, inside
}
