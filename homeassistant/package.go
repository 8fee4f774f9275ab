package homeassistant

import (
	"regexp"
	"strings"
)

// Package is the package that answers the sentences: for the daemon whose topics lie below node, and its device in Home
// Assistant by its name.
func Package(node, device string) string { return here(packageText, node, device) }

// packageText is the package of the node "mat". Assist gives numbers that were
// written in figures a decimal point.
// https://www.home-assistant.io/integrations/intent_script/
const packageText = `# What Home Assistant does when it hears the sentences (guided ha sentences), made by: guided ha package
# Put it into packages/ of Home Assistant's configuration, which configuration.yaml must name:
#   homeassistant:
#     packages: !include_dir_named packages
intent_script:
  GuidedStart:
    description: "Starts a voice-guided routine for breathing or stretching."
    action:
      - action: mqtt.publish
        data:
          topic: "guided/mat/command"
          qos: 1
          payload: >-
            {% set length = {'for': (minutes | int) ~ 'm'} if minutes is defined else {} %}
            {{ dict({'command': 'start', 'routine': guided_routine}, **length) | to_json }}
    speech:
      text: "Starting."
  GuidedControl:
    description: "Pauses, resumes, skips, repeats, stops, slows or hurries the routine that plays."
    action:
      - if: "{{ guided_verb != 'ready' or is_state('sensor.guided_state', 'waiting') }}"
        then:
          - action: mqtt.publish
            data:
              topic: "guided/mat/command"
              qos: 1
              payload: "{{ 'next' if guided_verb == 'ready' else guided_verb }}"
    speech:
      text: >-
        {{ 'Nothing is waiting for you.' if guided_verb == 'ready' and not is_state('sensor.guided_state', 'waiting') else 'OK.' }}
  GuidedVolume:
    description: "Sets the volume of the voice-guided routine, 0 to 100."
    action:
      - action: mqtt.publish
        data:
          topic: "guided/mat/command"
          qos: 1
          payload: >-
            {% set now = states('number.guided_volume') | int(60) %}
            volume {{ (volume if volume is defined else [0, [now + change, 100] | min] | max) | int }}
    speech:
      text: "OK."
`

// here makes a text that speaks of the node "mat" and the device "Guided" speak of others: of the topics below node, and of
// the entities of a device by its name.
func here(text, node, device string) string {
	device = strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(device), "_"), "_")
	if device == "" {
		device = "guided"
	}
	text = strings.ReplaceAll(text, "guided/mat", node)
	return regexp.MustCompile(`\b(sensor|number|select)\.guided_`).ReplaceAllString(text, "${1}."+device+"_")
}
