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

// breathCount is that number, or the one that fits the length asked for.
func (l *layout) breathCount(s *Step) int {
	if n, stretched := l.fitted[s]; stretched {
		return n
	}
	return s.breaths()
}

// breaths writes the breaths of a breathing step, or of the pacer inside a hold.
func (l *layout) breaths(s *Step) {
	mode := l.mode(s)
	if s.Kind == Hold && s.Count == "" && mode == Spoken {
		mode = Words // numbers would fill a hold with talk
	}
	l.paced = append(l.paced, s)
	n, length := l.breathCount(s), s.Pattern.Len()
	list := l.innerCues(s, n*length)
	for i := 0; i < n; i++ {
		at := l.at + i*length
		breath := l.mark(Mark{Kind: BreathMark, At: at, Len: length, N: i + 1})
		for _, p := range s.Pattern.phases(breathPhases) {
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
			seconds := (p.Len + Rate - 1) / Rate
			if i < s.TeachFor && s.Teach[p.Name] != "" {
				f.texts = append(f.texts, s.Teach[p.Name])
			}
			f.texts = append(f.texts, said(word, mode != Spoken || seconds == 1))
			list = append(list, l.counted(s, mode, f, p)...)
		}
	}
	l.place(s, list)
	l.advance(n * length)
}

// counted is one phase in the mode asked for: its word and counts, its tones, or nothing.
func (l *layout) counted(s *Step, mode CountMode, word phrase, p Phase) []phrase {
	var list []phrase
	switch mode {
	case Spoken, Words:
		list = append(list, word)
	case Tones:
		l.sound(s, word.tone, p.At)
	}
	for c := 2; (c-1)*Rate < p.Len; c++ {
		at := p.At + (c-1)*Rate
		mark := l.mark(Mark{Kind: CountMark, At: at, Len: min(Rate, p.At+p.Len-at), Name: p.Name, N: c})
		switch number := l.lang.number(c); {
		case mode == Tones:
			l.sound(s, "tick", at)
		case mode == Spoken && number != "":
			list = append(list, phrase{rank: asCount, at: at, texts: []string{said(number, c*Rate >= p.Len)}, end: p.At + p.Len, tone: "tick", mark: mark, marked: true})
		}
	}
	return list
}

// reps writes counted movements: the number on each move, and words on its other phases where the step gives them.
func (l *layout) reps(s *Step) {
	mode := l.mode(s)
	length := s.Pattern.Len()
	list := l.innerCues(s, s.Reps*length)
	for i := 0; i < s.Reps; i++ {
		at := l.at + i*length
		rep := l.mark(Mark{Kind: RepMark, At: at, Len: length, N: i + 1})
		for _, p := range s.Pattern.phases(repPhases) {
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
			case mode != Silent && word != "":
				f.texts = []string{said(word, p.At > at || i == s.Reps-1)}
				list = append(list, f)
			}
		}
	}
	l.place(s, list)
	l.advance(s.Reps * length)
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
