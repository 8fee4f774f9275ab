package mqtt

import (
	"encoding/json"
	"fmt"
	"maps"
)

// componentsOf reads the components of an announcement.
func componentsOf(payload []byte) (map[string]json.RawMessage, error) {
	var d struct {
		Components map[string]json.RawMessage `json:"cmps"`
	}
	if err := json.Unmarshal(payload, &d); err != nil {
		return nil, fmt.Errorf("reading our own announcement: %w", err)
	}
	return d.Components, nil
}

// removal is the announcement in three stages, after which Home Assistant has nothing left of what is gone: with it
// as it was, so that one that was restarted knows it again; with no more of it than its platform, which removes it;
// and without it. One that leaves it out alone, or a removal of what it does not know, leaves a dead entity for ever.
func removal(m message, gone map[string]json.RawMessage) ([]message, error) {
	if len(gone) == 0 {
		return []message{m}, nil
	}
	stubs := map[string]json.RawMessage{}
	for key, c := range gone {
		var kind struct {
			Platform string `json:"p"`
		}
		if err := json.Unmarshal(c, &kind); err != nil {
			return nil, fmt.Errorf("reading the component %s that was: %w", key, err)
		}
		stubs[key] = json.RawMessage(fmt.Sprintf(`{"p":%q}`, kind.Platform))
	}
	var stages []message
	for _, more := range []map[string]json.RawMessage{gone, stubs} {
		b, err := with(m.payload, more)
		if err != nil {
			return nil, err
		}
		stages = append(stages, message{m.topic, b, m.qos, m.retained})
	}
	return append(stages, m), nil
}

// with is an announcement with more components.
func with(payload []byte, more map[string]json.RawMessage) ([]byte, error) {
	components, err := componentsOf(payload)
	if err != nil {
		return nil, err
	}
	maps.Copy(components, more)
	var root map[string]any
	if err := json.Unmarshal(payload, &root); err != nil {
		return nil, fmt.Errorf("reading our own announcement: %w", err)
	}
	root["cmps"] = components
	return encode(root)
}
