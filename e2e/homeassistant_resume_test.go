//go:build homeassistant

package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"guided/player"
)

// loseSession starts the long routine, and kills the daemon when a start after it can know where it stood.
func (d *daemonProcess) loseSession(seen *observer) {
	d.ha.t.Helper()
	d.ha.callService("scene.turn_on", "scene.guided_long", nil)
	d.waitForState(seen, "to play", func(s player.State) bool { return s.State == player.Playing })
	waitFor(d.ha.t, "its place to be on the disk", func() bool {
		files, _ := filepath.Glob(filepath.Join(d.ha.dir, "state", "guided", "place*.json"))
		return slices.ContainsFunc(files, func(file string) bool {
			text, _ := os.ReadFile(file)
			return bytes.Contains(text, []byte(`"session":{"routine":"long"`))
		})
	})
	d.process.kill()
	d.ha.waitForState("sensor.guided_state", "unavailable")
}

func TestHomeAssistantOffersLostSession(t *testing.T) {
	h := newHomeAssistant(t)
	h.writeFile("hass/packages/ask.yaml", h.docsAutomation("resume_offered"))
	d := h.startDaemon("mat", "[voice]\nengine = \"none\"\n")
	seen, messages := d.observe(), h.subscribe("guided/mat/#")
	h.waitForState("sensor.guided_state", "idle") // in the middle of it, its end would be logged
	h.core.stop()
	h.startCore()
	h.waitForState("automation.ask_whether_to_go_on", "on")
	h.waitForState("sensor.guided_state", "idle")
	h.waitForState("button.guided_resume", "unavailable")
	const button = "button.guided_resume"
	stands := func(t *testing.T) {
		t.Helper()
		h.waitFor("the offer to stand", func(all map[string]entity) bool {
			return all[button].State != "unavailable" && all[button].State != "" && all["sensor.guided_state"].State == "idle"
		})
	}

	d.loseSession(seen)
	d.start()
	t.Run("it is offered, and the automation of the documents asks", func(t *testing.T) {
		stands(t)
		h.waitFor("the event", func(all map[string]entity) bool {
			return all["event.guided"].attribute("event_type") == "resume_offered" && all["event.guided"].attribute("title") == "Long"
		})
		waitFor(t, "the question", func() bool { return messages.count("command", "Shall we go on with Long?") == 1 })
	})
	for situation, turns := range map[string][]restart{
		"Home Assistant is restarted":         {h.coreRestart()},
		"the broker is restarted and forgets": {h.brokerWipe()},
	} {
		t.Run(situation+": the offer stands, and comes once", func(t *testing.T) {
			for _, p := range turns {
				p.stop()
				p.start()
			}
			stands(t)
			if n := messages.count("event", "resume_offered"); n != 1 {
				t.Errorf("it was offered %d times", n)
			}
		})
	}
	t.Run("the button takes it up, and is gone", func(t *testing.T) {
		h.callService("button.press", button, nil)
		d.waitForState(seen, "to go on", func(s player.State) bool {
			return s.Routine == "long" && s.State == player.Playing && s.ResumeOffer == nil
		})
		h.waitForState(button, "unavailable")
		h.waitForState("sensor.guided_state", "playing")
	})
	t.Run("another start takes its place, and the button is gone", func(t *testing.T) {
		h.callService("button.press", "button.guided_stop", nil)
		h.waitForState("sensor.guided_state", "idle")
		d.loseSession(seen)
		d.start()
		stands(t)
		h.callService("scene.turn_on", "scene.guided_mine", nil)
		d.waitForState(seen, "to play another", func(s player.State) bool { return s.Routine == "mine" && s.State == player.Playing })
		h.waitForState(button, "unavailable")
	})
}
