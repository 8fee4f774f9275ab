// Package homeassistant makes what Home Assistant receives from guided: the MQTT discovery payload, by which it knows
// the daemon as a device with entities, and the files that a user copies into its configuration (sentences for Assist,
// the package that answers them, blueprints for automations).
//
// Its law: everything here is text made from settings and routines. It opens no connection and keeps no state; package
// mqtt publishes the payloads, and gives the topics as strings.
//
// Begin with [Device.Discovery] for the payload, and with [Sentences], [Package] and [Blueprints] for the files.
package homeassistant

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Config is the section [homeassistant] of the settings.
type Config struct {
	Discovery bool   `toml:"discovery"`
	Prefix    string `toml:"prefix"` // of the discovery topics and the birth message, most often "homeassistant"
	Name      string `toml:"name"`   // of the device, as people read and say it
}

// BirthTopic is where Home Assistant publishes "online" when it has started, and "offline" when it ends.
// https://www.home-assistant.io/integrations/mqtt/#birth-and-last-will-messages
func (c Config) BirthTopic() string { return c.Prefix + "/status" }

// DeviceTopic is the discovery topic of the device with this [Device.ID].
func (c Config) DeviceTopic(id string) string {
	return c.Prefix + "/device/" + Device{ID: id}.identifier() + "/config"
}

// DeviceID is the [Device.ID] of a discovery topic; false when it is not that of a guided daemon.
func (c Config) DeviceID(topic string) (id string, is bool) {
	id, is = strings.CutPrefix(topic, c.Prefix+"/device/"+Device{}.identifier())
	if !is {
		return "", false
	}
	return strings.CutSuffix(id, "/config")
}

// DeviceTopics is the pattern of the discovery topics of all devices, those of other programs included.
func (c Config) DeviceTopics() string { return c.Prefix + "/device/+/config" }

// Check reports what is wrong with the device's name, with what to do about it. The prefix is checked by package mqtt,
// which knows what a topic may be.
func (c Config) Check() []string {
	if !c.Discovery {
		return nil
	}
	switch n := utf8.RuneCountInString(singleLine(c.Name)); {
	case n == 0:
		return []string{"homeassistant.name is empty; give the device a name, such as \"Guided\""}
	case n > 100:
		return []string{fmt.Sprintf("homeassistant.name: %d characters are too many; 100 are allowed", n)}
	}
	return nil
}

// EncodeJSON encodes v as one line of JSON with < > & as they are, because people read these payloads.
func EncodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("writing %T as JSON: %w", v, err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
