package place

import (
	"slices"
	"testing"
	"time"
)

// fakeMachine is one in the morning, with a clock that is right.
func fakeMachine() Machine {
	return Machine{
		Boot: "this", Uptime: func() time.Duration { return 1000 * time.Second }, Now: func() time.Time { return time.Date(2026, 5, 1, 7, 40, 0, 0, time.UTC) },
		ClockTrusted: func() bool { return true }, Night: func() bool { return false },
	}
}

func TestPreviousEnding(t *testing.T) {
	for name, tt := range map[string]struct {
		process process
		none    bool
		want    ending
		crashes []int64
	}{
		"there was none":                     {process{}, true, firstStart, nil},
		"in good order":                      {process{"this", true, nil}, false, update, nil},
		"in good order, in another boot":     {process{"other", true, nil}, false, update, nil},
		"in good order, after two crashes":   {process{"this", true, []int64{900, 990}}, false, update, []int64{900, 990}},
		"another boot":                       {process{"other", false, []int64{900}}, false, powerCut, nil},
		"the same boot":                      {process{"this", false, nil}, false, crash, []int64{1000}},
		"the same boot, the third one":       {process{"this", false, []int64{800, 900}}, false, crash, []int64{800, 900, 1000}},
		"the same boot, the others long ago": {process{"this", false, []int64{100, 700}}, false, crash, []int64{1000}},
		"the same boot, the others later":    {process{"this", false, []int64{5000}}, false, crash, []int64{1000}},
		"an unknown boot":                    {process{"", false, nil}, false, crash, nil},
	} {
		t.Run(name, func(t *testing.T) {
			how, crashes := previousEnding(kept{Process: tt.process}, !tt.none, fakeMachine())
			if how != tt.want || !slices.Equal(crashes, tt.crashes) {
				t.Errorf("%s, %v", how, crashes)
			}
		})
	}
}

func TestPlanForALostSession(t *testing.T) {
	auto := Resume{Auto, 30 * time.Minute}
	for name, tt := range map[string]struct {
		resume Resume
		how    ending
		change func(l *lost, m *Machine)
		want   string
	}{
		"a power cut, auto":                       {auto, powerCut, nil, Auto},
		"an update, auto":                         {auto, update, nil, Auto},
		"a power cut, ask":                        {Resume{Ask, 30 * time.Minute}, powerCut, nil, Ask},
		"never":                                   {Resume{Never, 30 * time.Minute}, powerCut, nil, Never},
		"a crash, auto":                           {auto, crash, nil, Ask},
		"auto, paused":                            {auto, powerCut, func(l *lost, _ *Machine) { l.Paused = true }, Ask},
		"auto, offered before":                    {auto, update, func(l *lost, _ *Machine) { l.Offered = true }, Ask},
		"auto, in the night":                      {auto, powerCut, func(_ *lost, m *Machine) { m.Night = func() bool { return true } }, Ask},
		"auto, the clock is not trusted":          {auto, powerCut, func(_ *lost, m *Machine) { m.ClockTrusted = func() bool { return false } }, Ask},
		"auto, the clock was not trusted":         {auto, powerCut, func(l *lost, _ *Machine) { l.SavedAt = nil }, Ask},
		"auto, from the future":                   {auto, powerCut, func(_ *lost, m *Machine) { m.Now = func() time.Time { return time.Time{} } }, Ask},
		"auto, ten minutes ago, within five":      {Resume{Auto, 5 * time.Minute}, powerCut, nil, Never},
		"ask, ten minutes ago, within five":       {Resume{Ask, 5 * time.Minute}, powerCut, nil, Never},
		"ask, the clock is not trusted, any time": {Resume{Ask, 5 * time.Minute}, powerCut, func(_ *lost, m *Machine) { m.ClockTrusted = func() bool { return false } }, Ask},
	} {
		t.Run(name, func(t *testing.T) {
			l, m := *someKept().Session, fakeMachine() // lost ten minutes ago
			if tt.change != nil {
				tt.change(&l, &m)
			}
			if got := tt.resume.planFor(l, tt.how, m); got.do != tt.want || got.why == "" {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestRestoredVolumeAndSelection(t *testing.T) {
	k := kept{Selected: "yoga", Volume: 35, Setting: 60}
	if r := k.restored(true, 60); r.Volume != 35 || r.Selected != "yoga" {
		t.Errorf("%+v", r)
	}
	if r := k.restored(true, 20); r.Volume != 20 || r.Selected != "yoga" { // the setting was changed since
		t.Errorf("%+v", r)
	}
	if r := (kept{}).restored(false, 60); r.Volume != 60 || r.Selected != "" {
		t.Errorf("%+v", r)
	}
}
