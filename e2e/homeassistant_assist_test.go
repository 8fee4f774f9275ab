//go:build homeassistant

package e2e

import (
	"path/filepath"
	"testing"

	"guided/cli"
	"guided/player"
)

func TestHomeAssistantUnderstandsSpeech(t *testing.T) {
	h := newHouse(t)
	l := h.daemon("mat", "")
	f := l.follow()
	h.shows("sensor.guided_state", "idle")

	stop := func() {
		h.act("button.press", "button.guided_stop", nil)
		l.does(f, "to stop", func(s player.State) bool { return s.State == player.Idle })
	}
	for words, routine := range map[string]string{
		"guided morning":                  "morning",
		"activate guided box breathing":   "box",
		"turn on guided my own evening":   "mine",
		"activate guided four four six":   "4-4-6",
		"turn on guided Morning, please.": "morning",
	} {
		t.Run("with nothing set up: "+words, func(t *testing.T) {
			h.say(t, words)
			l.does(f, "to play it", func(s player.State) bool { return s.Routine == routine && s.State == player.Playing })
			stop()
		})
	}

	h.learn(l)
	f = l.follow()
	for words, routine := range map[string]string{
		"start the morning routine":          "morning",
		"Guide me through box breathing.":    "box",
		"begin four four six":                "4-4-6",
		"play my own evening":                "mine",
		"start the four seven eight routine": "4-7-8",
	} {
		t.Run("with the sentences: "+words, func(t *testing.T) {
			h.say(t, words)
			l.does(f, "to play it", func(s player.State) bool { return s.Routine == routine && s.State == player.Playing })
			stop()
		})
	}
	t.Run("a routine is led by voice", func(t *testing.T) {
		h.say(t, "start the long routine")
		l.does(f, "to play it", func(s player.State) bool { return s.State == player.Playing && s.Step == "First" })
		for _, order := range []struct {
			words string
			ok    func(player.State) bool
		}{
			{"pause the routine", func(s player.State) bool { return s.State == player.Paused }},
			{"continue the routine", func(s player.State) bool { return s.State == player.Playing }},
			{"skip the routine", func(s player.State) bool { return s.Step == "Second" }},
			{"stop the routine", func(s player.State) bool { return s.State == player.Idle }},
		} {
			h.say(t, order.words)
			l.does(f, "to obey \""+order.words+"\"", order.ok)
		}
	})
}

// say is what Assist hears; an answer that it did not understand fails the test.
func (h *house) say(t *testing.T, words string) {
	t.Helper()
	var answer struct {
		Response struct {
			Type   string `json:"response_type"`
			Speech struct{ Plain struct{ Speech string } }
		}
	}
	h.mustRest("POST", "/api/conversation/process", map[string]string{"text": words, "language": "en"}, &answer)
	if answer.Response.Type != "action_done" {
		t.Fatalf("%q: %s: %s", words, answer.Response.Type, answer.Response.Speech.Plain.Speech)
	}
}

// learn gives Home Assistant the sentences and the package that the daemon's program writes, as the manual says.
func (h *house) learn(l *lodger) {
	h.t.Helper()
	for file, command := range map[string]string{"hass/custom_sentences/en/guided.yaml": "sentences", "hass/packages/guided.yaml": "package"} {
		code, out := l.guided("ha", command)
		if code != cli.Done {
			h.t.Fatalf("guided ha %s: %d: %s", command, code, out)
		}
		h.write(file, out)
	}
	h.hass.stop()
	h.startHass()
	h.shows("sensor.guided_state", "idle")
}

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
