//go:build homeassistant

package e2e

import (
	"fmt"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"guided/cli"
	"guided/homeassistant"
	"guided/player"
)

// blueprintAutomations fill in every blueprint, as the editor of Home Assistant does, for a lamp, a speaker and two voice
// assistants.
const blueprintAutomations = `
automation:
  - alias: Start
    use_blueprint:
      path: guided/start.yaml
      input:
        trigger_list: [{trigger: event, event_type: test_start}]
        routine: Coherent breathing
        length: 12
        volume: 33
  - alias: Start what is selected
    use_blueprint:
      path: guided/start.yaml
      input:
        trigger_list: [{trigger: event, event_type: test_selected}]
  - alias: Start what ends at a time, and fades
    use_blueprint:
      path: guided/start.yaml
      input:
        trigger_list: [{trigger: event, event_type: test_until}]
        routine: coherent
        length: 12
        until: "%s"
        fade_in: 1
        fade_out: 2
  - alias: Lights
    use_blueprint:
      path: guided/lights.yaml
      input:
        lights: [light.lamp]
        low: 10
        afterwards: [{action: mqtt.publish, data: {topic: test/lamp/afterwards, payload: over}}]
  - alias: Duck
    use_blueprint:
      path: guided/duck.yaml
      input:
        satellites: [assist_satellite.mat, assist_satellite.door]
  - alias: Speaker
    use_blueprint:
      path: guided/speaker.yaml
      input:
        trigger_list: [{trigger: event, event_type: test_speaker}]
        speakers: [media_player.kitchen]
        routine: 4-4-6
        base: http://192.168.1.50:8099/audio/7f3a/
        length: 5
media_player:
  - platform: universal
    name: Kitchen
    commands:
      play_media:
        action: mqtt.publish
        data: {topic: test/kitchen/plays, payload: "{{ media_content_type }} {{ media_content_id }}"}
`

func TestHomeAssistantRunsBlueprints(t *testing.T) {
	h := newHomeAssistant(t)
	d := h.startDaemon("mat", "")
	h.waitForState("sensor.guided_state", "idle")
	all, err := homeassistant.Blueprints()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range all {
		code, out := d.run("ha", "blueprint", b.Name, "-o", filepath.Join(h.dir, "hass/blueprints/automation/guided", b.Name+".yaml"))
		if code != cli.Done {
			t.Fatal(out)
		}
	}
	until := time.Now().Add(15 * time.Minute).Truncate(time.Minute)
	h.writeFile("hass/packages/automations.yaml", fmt.Sprintf(blueprintAutomations, until.Format("15:04")))
	visitor := connectMQTT(t, h.brokerPort)
	t.Cleanup(func() { visitor.Disconnect(0) })
	visitor.Publish("homeassistant/light/lamp/config", 1, true, `{"schema":"json","name":"Lamp","unique_id":"lamp","command_topic":"test/lamp/set","brightness":true,"transition":true}`).Wait()
	h.core.stop()
	h.startCore()
	h.waitForState("automation.speaker", "on")
	h.waitForState("light.lamp", "unknown")
	h.waitForState("sensor.guided_state", "idle")
	seen, messages := d.observe(), h.subscribe("guided/mat/command", "guided/mat/response", "test/#")
	t.Cleanup(func() {
		t.Logf("at last: %s, %s, %s", messages.last("command"), messages.last("response"), messages.last("set"))
	})
	fire := func(event string) { h.mustRequest("POST", "/api/events/"+url.PathEscape(event), map[string]any{}, nil) }

	t.Run("a trigger starts a routine as it was filled in", func(t *testing.T) {
		fire("test_start")
		d.waitForState(seen, "to play it", func(s player.State) bool {
			return s.Routine == "coherent" && s.State == player.Playing && s.Volume == 33 && s.Length > 700 && s.Length < 740
		})
	})
	t.Run("the routine is ducked while a voice assistant is not idle", func(t *testing.T) {
		say := func(satellite, state string) {
			h.mustRequest("POST", "/api/states/assist_satellite."+satellite, map[string]any{"state": state}, nil)
		}
		say("mat", "idle")
		say("door", "idle")
		waitFor(t, "both to be idle", func() bool { return messages.count("command", "unduck") == 2 })
		ducked, back := 0, 2
		hears := func() {
			t.Helper()
			waitFor(t, fmt.Sprintf("%d times duck, %d times unduck", ducked, back), func() bool {
				return messages.count("command", "unduck") == back && messages.count("command", "duck")-messages.count("command", "unduck") == ducked
			})
		}
		say("mat", "listening")
		ducked++
		hears()
		say("door", "responding")
		ducked++
		hears()
		say("mat", "idle") // the other still speaks
		ducked++
		hears()
		say("door", "unavailable")
		back++
		hears()
	})
	t.Run("a trigger without a name starts what is selected", func(t *testing.T) {
		h.callService("select.select_option", "select.guided_routine", map[string]any{"option": "Box breathing"})
		d.waitForState(seen, "to have it selected", func(s player.State) bool { return s.Selected == "box" })
		fire("test_selected")
		d.waitForState(seen, "to play it", func(s player.State) bool { return s.Routine == "box" && s.State == player.Playing })
	})
	t.Run("a trigger starts a routine that ends at a time, and fades", func(t *testing.T) {
		fire("test_until")
		d.waitForState(seen, "to play until then", func(s player.State) bool {
			return s.Routine == "coherent" && s.State == player.Playing && s.EndsAt != nil && !s.EndsAt.After(until.Add(time.Second)) && until.Sub(*s.EndsAt) < 12*time.Second
		})
		waitFor(t, "both fades", func() bool { return messages.count("command", `"fade_in"`, `"1m"`, `"fade_out"`, `"2m"`) == 1 })
		visitor.Publish("guided/mat/command", 1, false, "start box").Wait()
		d.waitForState(seen, "to play box again", func(s player.State) bool { return s.Routine == "box" && s.State == player.Playing })
	})
	t.Run("the lamp follows the breath", func(t *testing.T) {
		waitFor(t, "an in and an out", func() bool {
			return messages.count("set", `"brightness":178`, `"transition":4`) > 0 && messages.count("set", `"brightness":26`, `"transition":4`) > 0
		})
		before := messages.count("afterwards", "over") // of those that another start ended
		h.callService("button.press", "button.guided_stop", nil)
		waitFor(t, "what comes afterwards", func() bool { return messages.count("afterwards", "over") == before+1 })
	})
	t.Run("a speaker plays a file", func(t *testing.T) {
		fire("test_speaker")
		waitFor(t, "the speaker to play", func() bool {
			return messages.count("plays", "music http://192.168.1.50:8099/audio/7f3a/4-4-6.wav?for=5m") == 1
		})
	})
	if n := messages.count("response", `"error"`); n > 0 {
		t.Errorf("%d commands were refused", n)
	}
}
