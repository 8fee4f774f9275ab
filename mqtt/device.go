package mqtt

import "guided/player"

// A device is the discovery message of Home Assistant, by its short keys. Its own keys, and those of dev and o, are a
// closed list there: one more, and the whole device is refused. In components what is not known is passed over.
// https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload
type device struct {
	Device       identity             `json:"dev"`
	Origin       origin               `json:"o"`
	Availability []availability       `json:"avty"`
	Components   map[string]component `json:"cmps"`
}

type identity struct {
	Identifiers  []string `json:"ids"`
	Name         string   `json:"name"`
	Manufacturer string   `json:"mf"`
	Model        string   `json:"mdl"`
	Software     string   `json:"sw"`
	Page         string   `json:"cu,omitempty"` // an empty address would have the whole device refused
}

type origin struct {
	Name     string `json:"name"`
	Software string `json:"sw"`
}

type availability struct {
	Topic string `json:"t"`
}

// A component is one entity of the device.
type component map[string]any

// What Home Assistant and brokers bear in one message. What is beyond it has no scene, and then no option.
const (
	maxScenes = 200
	maxDevice = 200 << 10
)

// announcement is the message that makes us known, and how many routines have no scene in it.
func (c Config) announcement(i player.Info) (m message, without int, err error) {
	all := labels(i.Routines, clean(c.HomeAssistant.Name))
	options, scenes := len(all), min(len(all), maxScenes)
	for {
		b, err := encode(c.describe(i, all[:options], all[:scenes]))
		switch {
		case err != nil:
			return message{}, 0, err
		case len(b) <= maxDevice || options == 0:
			return message{c.deviceTopic(), b, 1, true}, len(all) - scenes, nil
		case scenes > 0:
			scenes /= 2
		default:
			options /= 2
		}
	}
}

func (c Config) describe(i player.Info, options, scenes []label) device {
	e := &entities{
		id: c.device(), place: c.place(), device: clean(c.HomeAssistant.Name), all: map[string]component{},
	}
	e.choice(options)
	e.buttons()
	e.sensors()
	e.others()
	e.scenes(scenes)
	software := i.Version
	if software == "" {
		software = "unknown"
	}
	return device{
		Device:       identity{[]string{e.id}, e.device, "guided", "guided daemon", software, c.Page},
		Origin:       origin{"guided", software},
		Availability: []availability{{e.place.node + "/status"}},
		Components:   e.all,
	}
}
