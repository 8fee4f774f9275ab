//go:build homeassistant

package e2e

import (
	"path/filepath"
	"testing"

	"guided/player"
)

func TestHomeAssistantAnswersWithThePackage(t *testing.T) {
	h := newHouse(t)
	l := h.daemon("mat", "")
	h.write(filepath.Join("mat", "patient.toml"), "title = \"Patient\"\n[[step]]\nname = \"Lie down\"\nhold = \"until next\"\n[[step]]\nname = \"Rest\"\nrest = \"10m\"\n")
	h.shows("sensor.guided_state", "idle")
	h.learn(l)
	f := l.follow()
	for _, order := range []struct {
		words string
		ok    func(player.State) bool
	}{
		{"start coherent breathing for 12 minutes", func(s player.State) bool { return s.State == player.Playing && s.Length > 700 && s.Length < 740 }},
		{"set the routine volume to 40 percent", func(s player.State) bool { return s.Volume == 40 }},
		{"guided volume thirty", func(s player.State) bool { return s.Volume == 30 }},
		{"start patient", func(s player.State) bool { return s.State == player.Waiting }},
		{"I am ready", func(s player.State) bool { return s.State == player.Playing && s.Step == "Rest" }},
		{"end the session", func(s player.State) bool { return s.State == player.Idle }},
	} {
		if order.words == "I am ready" {
			h.shows("sensor.guided_state", "waiting")
		}
		h.say(t, order.words)
		l.does(f, "to obey \""+order.words+"\"", order.ok)
	}
	h.shows("number.guided_volume", "30")
	h.say(t, "make the routine louder")
	l.does(f, "to be louder", func(s player.State) bool { return s.Volume == 40 })
}
