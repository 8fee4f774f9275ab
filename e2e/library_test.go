package e2e

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"guided/audio"
	"guided/audio/mix"
	"guided/audio/voice"
	"guided/routines"
)

// builtinLibrary returns the built-in routines and a bank with one embedded voice and no speech engine.
func builtinLibrary(t *testing.T, speaker string) (routines.Library, *mix.Bank) {
	t.Helper()
	files, err := voice.EmbeddedFS(speaker)
	if err != nil {
		t.Fatal(err)
	}
	recorded, err := voice.OpenRecordedVoice(files)
	if err != nil {
		t.Fatal(err)
	}
	l := routines.Library{routines.Builtin()}
	return l, mix.NewBank([]voice.Voice{recorded}, nil, audio.InFolders(l...), slog.New(slog.DiscardHandler))
}

// compileBuiltin compiles a built-in routine.
func compileBuiltin(t *testing.T, l routines.Library, b *mix.Bank, name string, o routines.Options) *routines.Score {
	t.Helper()
	r, err := l.Load(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := routines.Compile(t.Context(), r, b.Measure, o)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return s
}

// expectation is what must hold for the score of a built-in routine.
type expectation struct {
	least, most time.Duration // the length
	breaths     int           // in the breathing step with the most breaths
	breath      string        // the phases of that step, in seconds
	sides       bool
	fits        []time.Duration
}

func expectations() map[string]expectation {
	const s, m = time.Second, time.Minute
	return map[string]expectation{
		"4-4-6":                  {3*m + 2*s, 4 * m, 13, "in 4 hold 4 out 6", false, []time.Duration{2 * m, 5 * m, 10 * m}},
		"box":                    {4 * m, 5 * m, 15, "in 4 hold 4 out 4 wait 4", false, []time.Duration{3 * m, 6 * m}},
		"4-7-8":                  {76 * s, 150 * s, 4, "in 4 hold 7 out 8", false, nil},
		"coherent":               {5 * m, 6 * m, 30, "in 5 out 5", false, []time.Duration{10 * m, 20 * m}},
		"long-exhale":            {5 * m, 6 * m, 30, "in 4 out 6", false, []time.Duration{3 * m, 10 * m}},
		"sigh":                   {297 * s, 6 * m, 33, "in 2 again 1 out 6", false, []time.Duration{3 * m}},
		"three-breaths":          {50 * s, 75 * s, 3, "", false, nil},
		"belly-breathing":        {4 * m, 5 * m, 0, "", false, []time.Duration{5 * m}},
		"mobility":               {5 * m, 10 * m, 0, "", true, []time.Duration{5 * m, 7 * m, 10 * m}},
		"morning":                {285 * s, 315 * s, 0, "", true, nil},
		"posture-reset":          {45 * s, 60 * s, 1, "", false, nil},
		"posture-reset-standing": {45 * s, 60 * s, 0, "", false, nil},
		"desk":                   {8 * m, 11 * m, 0, "", true, []time.Duration{10 * m}},
		"seated-twist":           {2 * m, 3 * m, 5, "in 4 out 5", true, nil},
		"neck-tilts":             {2 * m, 6 * m, 0, "", false, nil},
		"neck-release":           {2 * m, 5 * m, 0, "", true, nil},
		"stiff-neck":             {7 * m, 9 * m, 0, "", true, nil},
		"floor-twist":            {90 * s, 4 * m, 0, "", true, nil},
		"rhomboid":               {90 * s, 4 * m, 0, "", false, nil},
		"long-fold":              {90 * s, 4 * m, 0, "", false, nil},
		"strength":               {6 * m, 15 * m, 0, "", false, nil},
		"yoga":                   {5 * m, 15 * m, 0, "", true, []time.Duration{5 * m, 10 * m, 15 * m}},
		"chair":                  {9*m + 40*s, 10*m + 20*s, 0, "", true, nil},
		"unwind":                 {8 * m, 10 * m, 0, "", false, []time.Duration{8 * m, 10 * m}},
	}
}

func TestLibraryLengthsBreathsAndSides(t *testing.T) {
	for _, speaker := range voice.EmbeddedVoices() {
		l, b := builtinLibrary(t, speaker)
		names, err := l.Names(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := expectations()
		for _, name := range names {
			if _, has := want[name]; !has {
				t.Errorf("%s has no expectation", name)
			}
		}
		for name, p := range want {
			t.Run(speaker+"/"+name, func(t *testing.T) {
				s := compileBuiltin(t, l, b, name, routines.Options{})
				for _, n := range s.Notes {
					t.Errorf("line %d, %s: %s", n.Line, n.Step, n.What)
				}
				if d := routines.Duration(s.Len); d < p.least || d > p.most {
					t.Errorf("it lasts %v, want %v to %v", d, p.least, p.most)
				}
				p.checkBreath(t, s)
				p.checkSides(t, s)
				for _, length := range p.fits {
					fitted := compileBuiltin(t, l, b, name, routines.Options{For: length})
					turn := 0 // the longest breath: where no rest takes the difference, half of it may remain
					for _, m := range fitted.Marks {
						if m.Kind == routines.BreathMark {
							turn = max(turn, m.Len)
						}
					}
					if off := routines.Duration(fitted.Len) - length; off.Abs() > max(5*time.Second, routines.Duration(turn/2)) {
						t.Errorf("asked for %v, it lasts %v", length, routines.Duration(fitted.Len))
					}
				}
			})
		}
	}
}

// checkBreath checks the breathing step with the most breaths.
func (p expectation) checkBreath(t *testing.T, s *routines.Score) {
	t.Helper()
	most, breath := 0, ""
	for i := 0; i < len(s.Marks); i = s.NextStep(i) {
		in := s.Marks[i:s.NextStep(i)]
		n, phases := 0, ""
		for _, m := range in {
			switch m.Kind {
			case routines.BreathMark:
				n++
				phases = ""
			case routines.PhaseMark:
				phases += " " + m.Name + " " + strings.TrimSuffix(routines.Duration(m.Len).String(), "s")
			}
		}
		if n > most {
			most, breath = n, strings.TrimSpace(phases)
		}
	}
	if p.breaths > 0 && most != p.breaths || p.breath != "" && breath != p.breath {
		t.Errorf("%d breaths of %q, want %d of %q", most, breath, p.breaths, p.breath)
	}
}

// checkSides checks that left and right have the same length.
func (p expectation) checkSides(t *testing.T, s *routines.Score) {
	t.Helper()
	total := map[string]int{}
	for _, m := range s.Marks {
		if m.Kind == routines.StepMark {
			total[m.Side] += m.Len
		}
	}
	if p.sides != (total["left"] > 0) || total["left"] != total["right"] {
		t.Errorf("%d samples on the left, %d on the right", total["left"], total["right"])
	}
}

func TestLibraryCautionsInEveryVariant(t *testing.T) {
	l, b := builtinLibrary(t, "heart")
	names, err := l.Names(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		r, err := l.Load(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if f := r.Metadata; len(f.Position) == 0 || len(f.Tags) == 0 || f.Level == "" || len(f.Cautions) == 0 || r.About == "" {
			t.Errorf("%s does not tell people what they choose: %+v", name, f)
		}
		for _, o := range []routines.Options{{}, {Verbosity: routines.Short}, {Verbosity: routines.Minimal}, {NoHolds: true}, {NoHolds: true, Verbosity: routines.Minimal}} {
			s := compileBuiltin(t, l, b, name, o)
			for _, n := range s.Notes {
				t.Errorf("%s, %+v: line %d, %s: %s", name, o, n.Line, n.Step, n.What)
			}
			said := map[string]int{}
			for _, c := range s.Cues {
				said[c.Clip.Say]++
				if word, _, _ := strings.Cut(c.Clip.Say, " "); o.NoHolds && len(strings.Fields(c.Clip.Say)) < 3 && (word == "Hold," || word == "Wait,") {
					t.Errorf("%s: %q is said, though holds are left out", name, c.Clip.Say)
				}
			}
			warned := 0
			for _, warning := range []string{"Stop if you feel pain, dizziness, numbness, or tingling.", "If you feel dizzy, stop, and breathe normally."} {
				if said[warning] > 1 {
					t.Errorf("%s, %+v: warns %d times", name, o, said[warning])
				}
				warned += said[warning]
			}
			if warned == 0 {
				t.Errorf("%s, %+v: no word of when to stop", name, o)
			}
			if quiet := routines.Duration(s.SpeechStats().Longest); quiet > 75*time.Second {
				t.Errorf("%s, %+v: %v without a word", name, o, quiet)
			}
		}
	}
	for _, name := range []string{"4-4-6", "box", "4-7-8"} {
		if !slices.ContainsFunc(compileBuiltin(t, l, b, name, routines.Options{}).Marks, func(m routines.Mark) bool { return m.Kind == routines.PhaseMark && m.Name == "hold" }) {
			t.Errorf("%s has no hold that could be left out", name)
		}
	}
}
