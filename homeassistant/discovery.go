package homeassistant

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"guided/player"
)

// A Device is what the discovery payload needs to know of one daemon.
type Device struct {
	ID      string // random, made once and stored: it must outlive every name
	Name    string // as people read and say it
	Page    string // the address of its web page as others in the network reach it; "" for none
	History bool   // there is a topic history
	Topic   string // prefix and node, such as "guided/mat": status, state, event and command lie directly below
}

// identifier is the device's identity in Home Assistant, and the beginning of those of its entities.
func (d Device) identifier() string { return "guided_" + d.ID }

// The limits of one payload, with which Home Assistant and brokers still work well. Routines beyond maxScenes have no
// scene; to stay below maxPayload, scenes are left out first and options of the select after them.
const (
	maxScenes  = 200
	maxPayload = 200 << 10 // bytes
)

// payload is the discovery payload by its short keys. The keys of payload, identity and origin are closed lists in Home
// Assistant: one unknown key, and the whole device is refused. Unknown keys of a component are ignored.
// https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload
type payload struct {
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

// Discovery is the payload by which Home Assistant knows the device and its entities, and how many of the playable
// routines got no scene in it.
func (d Device) Discovery(info player.Info) (discovery []byte, withoutScene int, err error) {
	all := labels(info.Routines, singleLine(d.Name))
	options, scenes := len(all), min(len(all), maxScenes)
	for {
		b, err := EncodeJSON(d.payload(info.Version, info.Schedule, all[:options], all[:scenes]))
		switch {
		case err != nil:
			return nil, 0, err
		case len(b) <= maxPayload || options == 0:
			return b, len(all) - scenes, nil
		case scenes > 0:
			scenes /= 2
		default:
			options /= 2
		}
	}
}

func (d Device) payload(version string, schedule []player.ScheduleEntry, options, scenes []label) payload {
	name := singleLine(d.Name)
	e := &entities{identifier: d.identifier(), topic: d.Topic, device: name, slug: slug(name, "guided"), all: map[string]component{}}
	e.addRoutineSelect(options)
	e.addButtons()
	e.addSensors()
	if d.History {
		e.addHistory()
	}
	e.addVolume()
	e.addEvents()
	e.addSay()
	e.addSchedule(schedule)
	e.addScenes(scenes)
	if version == "" {
		version = "unknown"
	}
	return payload{
		Device:       identity{[]string{e.identifier}, e.device, "guided", "guided daemon", version, d.Page},
		Origin:       origin{"guided", version},
		Availability: []availability{{d.Topic + "/status"}},
		Components:   e.all,
	}
}

// IsDiscoveryOf tells whether what is retained on a discovery topic was published by a guided daemon whose topics lie
// below topic, under whatever identity.
func IsDiscoveryOf(topic, retainedOn string, discovery []byte) bool {
	var p payload
	return strings.Contains(retainedOn, "/device/"+Device{}.identifier()) &&
		json.Unmarshal(discovery, &p) == nil && p.Origin.Name == "guided" &&
		len(p.Availability) == 1 && p.Availability[0].Topic == topic+"/status"
}

// Components are the components of a discovery payload by their keys, as they stand in it.
func Components(discovery []byte) (map[string]json.RawMessage, error) {
	var p struct {
		Components map[string]json.RawMessage `json:"cmps"`
	}
	if err := json.Unmarshal(discovery, &p); err != nil {
		return nil, fmt.Errorf("reading our own discovery payload: %w", err)
	}
	return p.Components, nil
}

// Stages are the payloads to publish one after the other, so that Home Assistant has the entities of discovery and none
// of the removed ones: first with the removed components as they were, so that one that was restarted knows them; then
// with nothing but their platform, which removes them; then discovery itself. Leaving a component out without that, or
// removing one that Home Assistant does not know, leaves a dead entity for ever. One that takes the entity id of a removed
// one is announced in the last stage only, or Home Assistant would number it. Without removed components there is one
// stage.
// https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload
func Stages(discovery []byte, removed map[string]json.RawMessage) ([][]byte, error) {
	if len(removed) == 0 {
		return [][]byte{discovery}, nil
	}
	stubs := map[string]json.RawMessage{}
	freed := map[string]bool{}
	for key, c := range removed {
		var kind struct {
			Platform string `json:"p"`
		}
		if err := json.Unmarshal(c, &kind); err != nil {
			return nil, fmt.Errorf("reading the removed component %s: %w", key, err)
		}
		stubs[key], _ = json.Marshal(kind) // a string cannot fail
		freed[entityID(c)] = true
	}
	stay, err := Components(discovery)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(stay, func(_ string, c json.RawMessage) bool { id := entityID(c); return id != "" && freed[id] })
	known, err := withComponents(discovery, stay, removed)
	if err != nil {
		return nil, err
	}
	removal, err := withComponents(discovery, stay, stubs)
	if err != nil {
		return nil, err
	}
	return [][]byte{known, removal, discovery}, nil
}

// entityID is the proposed entity id of a component; "" for none.
func entityID(c json.RawMessage) string {
	var proposed struct {
		ID string `json:"def_ent_id"`
	}
	_ = json.Unmarshal(c, &proposed) // what cannot be read proposes none
	return proposed.ID
}

// withComponents is a discovery payload with these components in place of its own.
func withComponents(discovery []byte, stay, more map[string]json.RawMessage) ([]byte, error) {
	components := maps.Clone(stay)
	maps.Copy(components, more)
	var root map[string]any
	if err := json.Unmarshal(discovery, &root); err != nil {
		return nil, fmt.Errorf("reading our own discovery payload: %w", err)
	}
	root["cmps"] = components
	return EncodeJSON(root)
}
