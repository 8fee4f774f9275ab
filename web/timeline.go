package web

import "guided/routines"

// step is a step of a timeline, or one of its sides. Times are seconds.
type step struct {
	Name    string  `json:"name"`
	Side    string  `json:"side"`
	From    float64 `json:"from_s"`
	Len     float64 `json:"len_s"`
	Kind    string  `json:"kind"` // breathe, reps, count (a hold or a rest that is counted), or say
	Breaths int     `json:"breaths"`
}

// timeline is the steps of a score in the order of time.
func timeline(score *routines.Score) []step {
	list := []step{}
	for i := 0; i < len(score.Marks); i = score.NextStep(i) {
		m := score.Marks[i]
		if m.Kind != routines.StepMark {
			continue
		}
		t := step{Name: m.Name, Side: m.Side, From: seconds(m.At), Len: seconds(m.Len), Kind: "say"}
		for _, in := range score.Marks[i+1 : score.NextStep(i)] {
			switch {
			case in.Kind == routines.BreathMark:
				t.Kind = "breathe"
				t.Breaths++
			case in.Kind == routines.RepMark:
				t.Kind = "reps"
			case in.Kind == routines.CountMark && t.Kind == "say":
				t.Kind = "count"
			}
		}
		list = append(list, t)
	}
	return list
}

// breath is one breath or rep. Times are seconds.
type breath struct {
	At     float64 `json:"at_s"`
	Phases []phase `json:"phases"`
}

type phase struct {
	Name string  `json:"name"`
	At   float64 `json:"at_s"`
	Len  float64 `json:"len_s"`
}

// breaths are all of a score in the order of time.
func breaths(score *routines.Score) []breath {
	list := []breath{}
	for _, m := range score.Marks {
		switch m.Kind {
		case routines.BreathMark, routines.RepMark:
			list = append(list, breath{At: seconds(m.At), Phases: []phase{}})
		case routines.PhaseMark:
			if n := len(list); n > 0 {
				list[n-1].Phases = append(list[n-1].Phases, phase{m.Name, seconds(m.At), seconds(m.Len)})
			}
		}
	}
	return list
}

// seconds rounds samples to milliseconds.
func seconds(samples int) float64 { return float64(samples/(routines.Rate/1000)) / 1000 }
