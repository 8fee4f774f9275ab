package routines

import (
	"math"
	"strings"
)

// breathTone is the tone of each phase; a rep's phases move as a breath does.
func breathTone(phase string) string {
	switch phase {
	case "move":
		return "in"
	case "back":
		return "out"
	}
	return phase
}

// breaths is how many whole breaths a step has: as asked, or the nearest to its time, at least one.
func (s *Step) breaths() int {
	if s.For.Breaths > 0 {
		return s.For.Breaths
	}
	return max(1, int(math.Round(float64(s.For.Samples)/float64(s.Pattern.Len()))))
}

// breaths writes the breaths of a breathing step, or of the pacer inside a hold.
func (l *layout) breaths(s *Step) {
	mode := l.mode(s)
	if s.Kind == Hold && s.Count == "" && mode == Spoken {
		mode = Words // numbers would fill a hold with talk
	}
	turns, lengths := l.paced(s)
	list := l.innerCues(s, lengths)
	for i, b := range turns {
		at := l.at + b.at
		breath := l.mark(Mark{Kind: BreathMark, At: at, Len: b.Len(), N: i + 1})
		for _, p := range b.phases(breathPhases) {
			p.At += at
			mark := l.mark(Mark{Kind: PhaseMark, At: p.At, Len: p.Len, Name: p.Name, N: i + 1})
			word := l.lang.Phases[p.Name]
			if own, has := s.Words[p.Name]; has {
				word = own
			}
			f := phrase{rank: onBeat, at: p.At, end: p.At + p.Len, tone: breathTone(p.Name), mark: mark, marked: true}
			if p.At == at {
				f.breath, f.opens = breath, true
			}
			seconds := (p.Len + b.second - 1) / b.second
			if i < l.teaches(s) && s.Teach[p.Name] != "" {
				f.texts = append(f.texts, s.Teach[p.Name])
			}
			f.texts = append(f.texts, said(word, mode != Spoken || seconds == 1))
			list = append(list, l.counted(s, mode, f, p, b.second)...)
		}
	}
	l.place(s, list)
	l.advance(lengths[len(lengths)-1])
}

// counted is one phase in the mode asked for: its word and counts, its tones, its swell, or nothing. second is how long
// a count lasts at the pace of the moment.
func (l *layout) counted(s *Step, mode CountMode, word phrase, p Phase, second int) []phrase {
	var list []phrase
	switch mode {
	case Spoken, Words:
		list = append(list, word)
	case Tones:
		l.sound(s, word.tone, p.At)
	case Swells:
		l.swell(s, p)
	}
	for c := 2; (c-1)*second < p.Len; c++ {
		at := p.At + (c-1)*second
		mark := l.mark(Mark{Kind: CountMark, At: at, Len: min(second, p.At+p.Len-at), Name: p.Name, N: c})
		switch number := l.lang.number(c); {
		case mode == Tones:
			l.sound(s, "tick", at)
		case mode == Spoken && number != "":
			list = append(list, phrase{rank: asCount, at: at, texts: []string{said(number, c*second >= p.Len)}, end: p.At + p.Len, tone: "tick", mark: mark, marked: true})
		}
	}
	return list
}

// swell is the sound of a phase in which air moves.
func (l *layout) swell(s *Step, p Phase) {
	if name := "swell-" + breathTone(p.Name); contains(SwellNames(), name) {
		l.clip(s, Clip{Sound: name, Len: p.Len}, p.At)
	}
}

// reps writes counted movements: the number on each move, and words on its other phases where the step gives them.
func (l *layout) reps(s *Step) {
	mode := l.mode(s)
	turns, lengths := l.paced(s)
	list := l.innerCues(s, lengths)
	for i, r := range turns {
		at := l.at + r.at
		rep := l.mark(Mark{Kind: RepMark, At: at, Len: r.Len(), N: i + 1})
		for _, p := range r.phases(repPhases) {
			p.At += at
			mark := l.mark(Mark{Kind: PhaseMark, At: p.At, Len: p.Len, Name: p.Name, N: i + 1})
			f := phrase{rank: onBeat, at: p.At, end: p.At + p.Len, tone: breathTone(p.Name), mark: mark, marked: true}
			word := s.Words[p.Name]
			if p.At == at {
				f.breath, f.opens = rep, true
				if word = l.lang.number(i + 1); mode == Words {
					word = ""
				}
			}
			switch {
			case mode == Tones:
				l.sound(s, f.tone, p.At)
			case mode == Swells:
				l.swell(s, p)
			case mode != Silent && word != "":
				f.texts = []string{said(word, p.At > at || i == len(turns)-1)}
				list = append(list, f)
			}
		}
	}
	l.place(s, list)
	l.advance(lengths[len(lengths)-1])
}

func (l *layout) mode(s *Step) CountMode {
	if s.Count != "" {
		return s.Count
	}
	return l.count
}

// said is a word of a count as text: a comma keeps the voice up, a full stop lets it fall at the end.
func said(word string, last bool) string {
	word = strings.TrimRight(word, ".,")
	if last {
		return word + "."
	}
	return word + ","
}
