package mqtt

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// HomeAssistant says whether and how we make ourselves known to Home Assistant, which then has a device of our name.
type HomeAssistant struct {
	Discovery bool   `toml:"discovery"`
	Prefix    string `toml:"prefix"` // of its discovery topics and its birth message, most often "homeassistant"
	Name      string `toml:"name"`   // the device's, as people see and speak it
}

// announces tells whether there is a device to make known. It must have an identity that outlives every name.
func (c Config) announces() bool { return c.HomeAssistant.Discovery && c.ID != "" }

// device is the identifier of our device, and of all that it has the beginning.
func (c Config) device() string { return "guided_" + c.ID }

// deviceTopic is where our device is made known.
func (c Config) deviceTopic() string {
	return c.HomeAssistant.Prefix + "/device/" + c.device() + "/config"
}

// birthTopic is where Home Assistant says that it listens.
func (c Config) birthTopic() string { return c.HomeAssistant.Prefix + "/status" }

// kept lists the topics on which the broker keeps something of ours.
func (c Config) kept() []string {
	p := c.place()
	topics := []string{p.node + "/status", p.node + "/state", p.node + "/info"}
	if c.announces() {
		topics = append(topics, c.deviceTopic())
	}
	return topics
}

func (h HomeAssistant) check() []string {
	if !h.Discovery {
		return nil
	}
	var wrong []string
	for l := range strings.SplitSeq(h.Prefix, "/") {
		if why := level(l); why != "" {
			wrong = append(wrong, fmt.Sprintf("homeassistant.prefix: %q: the level %q %s; use the discovery prefix of Home Assistant's MQTT settings, most often \"homeassistant\"", h.Prefix, l, why))
			break
		}
	}
	if strings.HasPrefix(h.Prefix, "$") {
		wrong = append(wrong, "homeassistant.prefix: topics that begin with $ belong to the broker; use \"homeassistant\"")
	}
	switch n := utf8.RuneCountInString(clean(h.Name)); {
	case n == 0:
		wrong = append(wrong, "homeassistant.name is empty; give the device a name, such as \"Guided\"")
	case n > 100:
		wrong = append(wrong, fmt.Sprintf("homeassistant.name: %d characters are too many; 100 are allowed", n))
	}
	return wrong
}
