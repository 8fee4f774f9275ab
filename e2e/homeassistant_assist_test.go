//go:build homeassistant

package e2e

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"guided/cli"
	"guided/player"
)

func TestHomeAssistantAssistStartsRoutines(t *testing.T) {
	h := newHomeAssistant(t)
	d := h.startDaemon("mat", scheduleEntry("Lunch"))
	seen := d.observe()
	h.waitForState("sensor.guided_state", "idle")

	stop := func() {
		h.callService("button.press", "button.guided_stop", nil)
		d.waitForState(seen, "to stop", func(s player.State) bool { return s.State == player.Idle })
	}
	for words, routine := range map[string]string{
		"guided morning":                  "morning",
		"activate guided box breathing":   "box",
		"turn on guided my own evening":   "mine",
		"activate guided four four six":   "4-4-6",
		"turn on guided Morning, please.": "morning",
	} {
		t.Run("without sentences: "+words, func(t *testing.T) {
			h.sayToAssist(t, words)
			d.waitForState(seen, "to play it", func(s player.State) bool { return s.Routine == routine && s.State == player.Playing })
			stop()
		})
	}

	t.Run("without sentences: a switch of the schedule", func(t *testing.T) {
		h.sayToAssist(t, "turn off guided schedule lunch")
		d.waitForState(seen, "to have it off", func(s player.State) bool { return slices.Equal(s.EntriesOff, []string{"Lunch"}) })
	})

	h.installSentences(d)
	seen = d.observe()
	for words, routine := range map[string]string{
		"start the morning routine":          "morning",
		"Guide me through box breathing.":    "box",
		"begin four four six":                "4-4-6",
		"play my own evening":                "mine",
		"start the four seven eight routine": "4-7-8",
	} {
		t.Run("with sentences: "+words, func(t *testing.T) {
			h.sayToAssist(t, words)
			d.waitForState(seen, "to play it", func(s player.State) bool { return s.Routine == routine && s.State == player.Playing })
			stop()
		})
	}
	t.Run("a session controlled by voice", func(t *testing.T) {
		h.sayToAssist(t, "start the long routine")
		d.waitForState(seen, "to play it", func(s player.State) bool { return s.State == player.Playing && s.Step == "First" })
		for _, order := range []struct {
			words string
			ok    func(player.State) bool
		}{
			{"pause the routine", func(s player.State) bool { return s.State == player.Paused }},
			{"continue the routine", func(s player.State) bool { return s.State == player.Playing }},
			{"skip the routine", func(s player.State) bool { return s.Step == "Second" }},
			{"stop the routine", func(s player.State) bool { return s.State == player.Idle }},
		} {
			h.sayToAssist(t, order.words)
			d.waitForState(seen, "to carry out \""+order.words+"\"", order.ok)
		}
	})
}

// sayToAssist passes a sentence to Assist. An answer other than "done" fails the test.
func (h *homeAssistant) sayToAssist(t *testing.T, words string) {
	t.Helper()
	var answer struct {
		Response struct {
			Type   string `json:"response_type"`
			Speech struct{ Plain struct{ Speech string } }
		}
	}
	h.mustRequest("POST", "/api/conversation/process", map[string]string{"text": words, "language": "en"}, &answer)
	if answer.Response.Type != "action_done" {
		t.Fatalf("%q: %s: %s", words, answer.Response.Type, answer.Response.Speech.Plain.Speech)
	}
}

// installSentences writes the sentences and the package into Home Assistant's configuration and restarts it.
func (h *homeAssistant) installSentences(d *daemonProcess) {
	h.t.Helper()
	for file, command := range map[string]string{"hass/custom_sentences/en/guided.yaml": "sentences", "hass/packages/guided.yaml": "package"} {
		code, out := d.run("ha", command)
		if code != cli.Done {
			h.t.Fatalf("guided ha %s: %d: %s", command, code, out)
		}
		h.writeFile(file, out)
	}
	h.core.stop()
	h.startCore()
	h.waitForState("sensor.guided_state", "idle")
}

func TestHomeAssistantPackageCarriesOutSentences(t *testing.T) {
	h := newHomeAssistant(t)
	d := h.startDaemon("mat", scheduleEntry("Lunch"))
	h.writeFile(filepath.Join("mat", "patient.toml"), "title = \"Patient\"\n[[step]]\nname = \"Lie down\"\nhold = \"until next\"\n[[step]]\nname = \"Rest\"\nrest = \"10m\"\n")
	h.waitForState("sensor.guided_state", "idle")
	h.installSentences(d)
	seen := d.observe()
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
			h.waitForState("sensor.guided_state", "waiting")
		}
		h.sayToAssist(t, order.words)
		d.waitForState(seen, "to carry out \""+order.words+"\"", order.ok)
	}
	messages := h.subscribe("guided/mat/response", "guided/mat/command")
	berlin, err := time.LoadLocation("Europe/Berlin") // where this Home Assistant is
	if err != nil {
		t.Fatal(err)
	}
	until := time.Now().In(berlin).Add(16 * time.Minute).Truncate(time.Minute)
	if until.Minute() == 0 { // nobody says it as minutes past or to
		until = until.Add(time.Minute)
	}
	twelve := until.Format("3:04")
	if until.Hour() == 0 {
		twelve = until.Format("15:04")
	}
	past := until.Minute()
	for _, words := range []string{
		"start coherent breathing until " + twelve,
		"coherent breathing until " + until.Format("15:04"),
		fmt.Sprintf("begin coherent breathing until %d past %s", past, until.Format("3 PM")),
		fmt.Sprintf("play coherent breathing until %d minutes to %s", 60-past, until.Add(time.Hour).Format("3")),
	} {
		t.Run(words, func(t *testing.T) {
			h.sayToAssist(t, words)
			d.waitForState(seen, "to play until then", func(s player.State) bool {
				return s.Routine == "coherent" && s.State == player.Playing && s.EndsAt != nil && !s.EndsAt.After(until.Add(time.Second)) && until.Sub(*s.EndsAt) < 12*time.Second
			})
			h.sayToAssist(t, "end the session")
			d.waitForState(seen, "to stop", func(s player.State) bool { return s.State == player.Idle })
		})
	}
	for _, x := range [][2]string{{"snooze the routine for 20 minutes", "Lunch comes at "}, {"skip the next routine", "skipped: Lunch on "}} {
		t.Run(x[0], func(t *testing.T) {
			h.sayToAssist(t, x[0])
			waitFor(t, x[1], func() bool { return messages.count("response", `"status":"ok"`, x[1]) == 1 })
		})
	}
	h.waitForState("number.guided_volume", "30")
	h.sayToAssist(t, "make the routine louder")
	d.waitForState(seen, "to be louder", func(s player.State) bool { return s.Volume == 40 })
}
