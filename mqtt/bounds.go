package mqtt

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"guided/history"
	"guided/homeassistant"
	"guided/player"
)

// The bounds of what we publish. Our embedded broker takes maxPacket; others are left out message by message (acceptance.go).
const (
	maxInfo  = 192 << 10 // bytes; the built-in library has a tenth of it
	maxStage = 240 << 10 // bytes; a device has at most 200 KiB
	maxText  = 500       // letters of one text in a state, event or response; Home Assistant shows 255
	maxNames = 100       // outputs
)

// boundedStages are the stages of an announcement, each of at most maxStage bytes. Where the removed components are too
// many for that, some of them are removed now, and the others at the next announcement.
func boundedStages(discovery []byte, removed map[string]json.RawMessage) (stages [][]byte, removing map[string]json.RawMessage, err error) {
	keys := slices.Sorted(maps.Keys(removed))
	for {
		removing = map[string]json.RawMessage{}
		for _, key := range keys {
			removing[key] = removed[key]
		}
		stages, err = homeassistant.Stages(discovery, removing)
		if err != nil || len(keys) == 0 || len(stages[0]) <= maxStage {
			return stages, removing, err
		}
		keys = keys[:len(keys)/2]
	}
}

// cut is at most maxText letters of a text, with a sign where some are missing.
func cut(text string) string {
	if len(text) <= maxText || utf8.RuneCountInString(text) <= maxText {
		return text
	}
	return string([]rune(text[:min(len(text), maxText*utf8.UTFMax)])[:maxText-1]) + "…"
}

func boundState(s player.State) player.State {
	for _, text := range []*string{&s.Routine, &s.Title, &s.Selected, &s.Step, &s.NextStep, &s.Side, &s.Error} {
		*text = cut(*text)
	}
	return s
}

func boundSummary(s history.Summary) history.Summary {
	if s.Last != nil {
		last := *s.Last
		for _, text := range []*string{&last.Routine, &last.Title, &last.Step, &last.Side, &last.Reason, &last.From} {
			*text = cut(*text)
		}
		s.Last = &last
	}
	return s
}

func boundEvent(e player.Event) player.Event {
	for _, text := range []*string{&e.Type, &e.Routine, &e.Title, &e.Step, &e.Side, &e.Schedule, &e.Error} {
		*text = cut(*text)
	}
	return e
}

func boundResponse(r player.Response) player.Response {
	for _, text := range []*string{&r.Command, &r.Error, &r.Note, &r.Transaction} {
		*text = cut(*text)
	}
	return r
}

// boundInfo is info as JSON of at most maxInfo bytes. What is too much for that is left out in this order: the names of
// the steps; texts, file addresses and other facts about routines; and then routines from the end of the list. leftOut
// says what, "" for nothing.
func boundInfo(i player.Info) (b []byte, leftOut string, err error) {
	if b, fits, err := encodeInfo(i); err != nil || fits {
		return b, "", err
	}
	i.Routines = slices.Clone(i.Routines)
	var without []string
	for _, step := range []struct {
		what string
		do   func(r *player.RoutineInfo)
	}{
		{"steps", func(r *player.RoutineInfo) { r.Steps = []string{} }},
		{"about, urls", func(r *player.RoutineInfo) { r.About, r.URLs = "", nil }},
		{"the rest of long texts", func(r *player.RoutineInfo) { // the name stays: commands use it
			*r = player.RoutineInfo{Name: r.Name, Title: cut(r.Title), Length: r.Length, Steps: []string{}, Error: cut(r.Error)}
		}},
	} {
		for n := range i.Routines {
			step.do(&i.Routines[n])
		}
		without = append(without, step.what)
		if b, fits, err := encodeInfo(i); err != nil || fits {
			return b, strings.Join(without, ", "), err
		}
	}
	i.Outputs = slices.Clone(i.Outputs[:min(len(i.Outputs), maxNames)])
	for n := range i.Outputs {
		i.Outputs[n] = cut(i.Outputs[n])
	}
	all := len(i.Routines)
	for {
		if b, err = homeassistant.EncodeJSON(i); err != nil || len(b) <= maxInfo || len(i.Routines) == 0 {
			return b, strings.Join(append(without, fmt.Sprintf("%d of %d routines", i.RoutinesLeftOut, all)), ", "), err
		}
		i.Routines = i.Routines[:len(i.Routines)*maxInfo/(len(b)+1)] // fewer, even where all are equally long
		i.RoutinesLeftOut = all - len(i.Routines)
	}
}

// encodeInfo is info as JSON, and whether it has at most maxInfo bytes. Where its texts alone are more, it is not encoded:
// that of thousands of routines has megabytes.
func encodeInfo(i player.Info) (b []byte, fits bool, err error) {
	texts := 0
	add := func(list ...string) {
		for _, text := range list {
			texts += len(text) // JSON has no shorter form
		}
	}
	for _, r := range i.Routines {
		add(r.Name, r.Title, r.About, r.Level, r.Error)
		add(r.Steps...)
		add(r.Tags...)
		add(r.Equipment...)
		add(r.Position...)
		add(r.Cautions...)
		if texts > maxInfo {
			return nil, false, nil
		}
	}
	b, err = homeassistant.EncodeJSON(i)
	return b, len(b) <= maxInfo, err
}
