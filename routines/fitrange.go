package routines

// parseFit reads how far a step may be changed for a length asked for.
func (t *tableReader) parseFit(s *Step, in scope) {
	v, found := t.values["fit"]
	if !found {
		return
	}
	list, is := v.([]any)
	if !is || len(list) != 2 {
		t.problemf("fit", "want the least and the most, such as %s; found %s", fitExample(s.Kind), describe(v))
		return
	}
	least, ok := t.fitBound(s, in, list[0], true)
	most, okay := t.fitBound(s, in, list[1], false)
	switch own := s.units(in.breath); {
	case !ok || !okay:
	case least > most:
		t.problemf("fit", "the least is more than the most; write the smaller one first")
	case own > 0 && (own < least || own > most):
		t.problemf("fit", "the step itself lies outside what it may be; widen fit, or change the step")
	default:
		s.Fit = Range{least, most}
	}
}

func fitExample(k StepKind) string {
	switch k {
	case Breathe:
		return `["4 breaths", "12 breaths"]`
	case Group:
		return `[1, 3]`
	case Reps:
		return `[6, 12]`
	}
	return `["15s", "45s"]`
}

// fitBound is one end of a range, in what the step counts.
func (t *tableReader) fitBound(s *Step, in scope, v any, least bool) (int, bool) {
	wrong := func() (int, bool) {
		t.problemf("fit", "want the least and the most, such as %s; found %s in it", fitExample(s.Kind), describe(v))
		return 0, false
	}
	if s.Kind == Group || s.Kind == Reps {
		most := int64(maxRepeat)
		if s.Kind == Reps {
			most = int64(len(in.lang.Numbers.List))
		}
		if n, is := v.(int64); is && n >= 1 && n <= most {
			return int(n), true
		}
		return wrong()
	}
	text, is := v.(string)
	if !is || len(text) > 60 {
		return wrong()
	}
	a, err := ParseAmount(text)
	switch {
	case err != nil:
		t.problemf("fit", "%v", err)
		return 0, false
	case s.Pattern == nil && a.Breaths > 0 != (s.For.Breaths > 0):
		t.problemf("fit", "%q: write it as the step's own length is written, in time or in breaths", text)
		return 0, false
	case s.Pattern == nil || a.Breaths > 0:
		return a.Samples + a.Breaths, true
	case least:
		return max(1, (a.Samples+s.Pattern.Len()-1)/s.Pattern.Len()), true
	default:
		return max(1, a.Samples/s.Pattern.Len()), true
	}
}

// units is what the step counts, as it is written: breaths, repeats, reps or samples.
func (s *Step) units(breath Pattern) int {
	switch {
	case s.Kind == Group:
		return s.Repeat
	case s.Kind == Reps:
		return s.Reps
	case s.Pattern != nil:
		return s.wholeBreaths()
	case s.For.Breaths > 0:
		return s.For.Breaths
	}
	return s.For.Samples
}
