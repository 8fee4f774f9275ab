package mqtt

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"guided/homeassistant"
	"guided/player"
)

// manyRoutines is info with so many routines, each with so many steps, whose texts have so many letters.
func manyRoutines(routines, steps, letters int) player.Info {
	i := player.Info{Version: "1", Outputs: []string{"null"}, Verbs: []string{"start"}, Routines: []player.RoutineInfo{}}
	text := strings.Repeat("ä", letters)
	for n := range routines {
		i.Routines = append(i.Routines, player.RoutineInfo{
			Name: fmt.Sprintf("r%d", n), Title: text, About: text, Length: 1, Steps: slices.Repeat([]string{text}, steps), URLs: map[string]string{"wav": text},
		})
	}
	return i
}

func TestInfoIsBounded(t *testing.T) {
	for situation, c := range map[string]struct {
		info      player.Info
		left      string
		fewer     bool
		withSteps bool
	}{
		"an ordinary library":             {manyRoutines(40, 20, 10), "", false, true},
		"one routine with long steps":     {manyRoutines(1, 1000, 300), "steps", false, false},
		"routines with long texts":        {manyRoutines(400, 2, 200), "steps, about, urls", false, false},
		"one title larger than all":       {manyRoutines(1, 2, 500_000), "the rest of long texts", false, false},
		"thousands of routines":           {manyRoutines(20_000, 1, 5), "routines", true, false},
		"thousands of routines with more": {manyRoutines(3000, 5, 600), "routines", true, false},
	} {
		b, left, err := boundInfo(c.info)
		if err != nil {
			t.Fatal(err)
		}
		var got player.Info
		if err := json.Unmarshal(b, &got); err != nil || len(b) > maxInfo {
			t.Errorf("%s: %d bytes, %v", situation, len(b), err)
		}
		if !strings.Contains(left, c.left) || (left == "") != (c.left == "") {
			t.Errorf("%s: left out %q", situation, left)
		}
		if len(got.Routines)+got.RoutinesLeftOut != len(c.info.Routines) || (got.RoutinesLeftOut > 0) != c.fewer {
			t.Errorf("%s: %d routines, %d left out", situation, len(got.Routines), got.RoutinesLeftOut)
		}
		if len(got.Routines) == 0 || (len(got.Routines[0].Steps) > 0) != c.withSteps || got.Routines[0].Name != "r0" {
			t.Errorf("%s: the first routine is %.200v", situation, got.Routines)
		}
		if c.fewer && len(b) < maxInfo/4 {
			t.Errorf("%s: only %d bytes are used", situation, len(b))
		}
		if len(c.info.Routines[0].Steps) == 0 {
			t.Errorf("%s: the player's own info was changed", situation)
		}
	}
}

func TestStagesOfAnAnnouncementAreBounded(t *testing.T) {
	device := homeassistant.Device{ID: "0123456789abcdef", Name: "Mat", Topic: "guided/mat"}
	discovery, _, err := device.Discovery(manyRoutines(2000, 0, 120))
	if err != nil {
		t.Fatal(err)
	}
	removed := map[string]json.RawMessage{}
	for i := range 500 {
		removed[fmt.Sprintf("old_%d", i)] = json.RawMessage(fmt.Sprintf(`{"p":"scene","name":%q}`, strings.Repeat("x", 300)))
	}
	rounds := 0
	for ; len(removed) > 0 && rounds < 50; rounds++ {
		stages, removing, err := boundedStages(discovery, removed)
		if err != nil || len(stages) != 3 || len(removing) == 0 {
			t.Fatalf("%d stages that remove %d: %v", len(stages), len(removing), err)
		}
		for i, stage := range stages {
			if len(stage) > maxStage {
				t.Errorf("stage %d has %d bytes", i, len(stage))
			}
		}
		for key := range removing {
			delete(removed, key)
		}
	}
	if len(removed) > 0 || rounds < 2 {
		t.Errorf("%d are left after %d rounds", len(removed), rounds)
	}
}

func TestMessagesWithHugeTextsAreBounded(t *testing.T) {
	at := Options{Config: Config{Prefix: "guided"}, Node: "mat"}.topics()
	for _, huge := range []string{strings.Repeat("x", 1<<20), strings.Repeat("\x00", 1<<20), strings.Repeat("🧘", 300_000), strings.Repeat("\xff", 1<<20)} {
		state, _ := at.state(player.State{Routine: huge, Title: huge, Selected: huge, Step: huge, NextStep: huge, Side: huge, Error: huge})
		event, _ := at.event(player.Event{Type: huge, Routine: huge, Title: huge, Step: huge, Side: huge, Error: huge})
		response := at.response(player.Response{Command: huge, Error: huge, Transaction: huge})
		for _, m := range []message{state, event, response} {
			if len(m.payload) > 32<<10 || !json.Valid(m.payload) || !utf8.Valid(m.payload) {
				t.Errorf("%s has %d bytes", m.topic, len(m.payload))
			}
		}
	}
	if text := strings.Repeat("ä", maxText); cut(text) != text || utf8.RuneCountInString(cut(text+"b")) != maxText {
		t.Error("a text is cut at the wrong place")
	}
}
