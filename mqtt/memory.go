package mqtt

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/google/renameio/v2"
)

// A memory is what we left with brokers, kept in a file beyond our own life: what we no longer say must be taken back,
// or it stays in the house for ever.
type memory struct {
	file string // "": nothing is kept beyond our life
	log  *slog.Logger

	mu     sync.Mutex
	houses map[string]*house // by the broker's address
}

// A house is one broker, and the Home Assistant on it.
type house struct {
	Topics     []string                   `json:"topics"`     // where the broker keeps something of ours
	Components map[string]json.RawMessage `json:"components"` // of our device, as last made known
	Gone       map[string]json.RawMessage `json:"gone"`       // that Home Assistant may still have
}

// remember reads the file. One that is missing or broken is an empty memory; the latter is told.
func remember(file string, log *slog.Logger) *memory {
	m := &memory{file: file, log: log, houses: map[string]*house{}}
	if file == "" {
		return m
	}
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &m.houses)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Warn("what was left with brokers is forgotten", "error", err)
		m.houses = map[string]*house{}
	}
	maps.DeleteFunc(m.houses, func(_ string, h *house) bool { return h == nil })
	return m
}

// change lets f change what is known of a broker, and keeps it where it differs then.
func (m *memory) change(broker string, f func(h *house)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before, _ := json.Marshal(m.houses) // what was read as JSON, or written by us, can be written
	h := m.houses[broker]
	if h == nil {
		h = &house{}
		m.houses[broker] = h
	}
	if h.Components == nil {
		h.Components = map[string]json.RawMessage{}
	}
	if h.Gone == nil {
		h.Gone = map[string]json.RawMessage{}
	}
	f(h)
	if len(h.Topics) == 0 {
		delete(m.houses, broker)
	}
	after, _ := json.Marshal(m.houses)
	if m.file == "" || string(before) == string(after) {
		return
	}
	err := os.MkdirAll(filepath.Dir(m.file), 0o755)
	if err == nil {
		err = renameio.WriteFile(m.file, append(after, '\n'), 0o644)
	}
	if err != nil {
		m.log.Warn("what is left with the broker cannot be remembered", "error", fmt.Errorf("keeping it: %w", err))
	}
}

// keeps notes what the broker is about to keep, and returns what it has of us beyond that.
func (m *memory) keeps(broker string, topics []string) (old []string) {
	m.change(broker, func(h *house) {
		for _, t := range h.Topics {
			if !slices.Contains(topics, t) {
				old = append(old, t)
			}
		}
		h.Topics = slices.Concat(topics, old)
	})
	return old
}

// lost notes that the broker no longer has these.
func (m *memory) lost(broker string, topics []string) {
	m.change(broker, func(h *house) {
		h.Topics = slices.DeleteFunc(h.Topics, func(t string) bool { return slices.Contains(topics, t) })
	})
}

// components notes what the device has now, and returns what Home Assistant may have beyond that.
func (m *memory) components(broker string, now map[string]json.RawMessage) (gone map[string]json.RawMessage) {
	m.change(broker, func(h *house) {
		for key, c := range h.Components {
			if _, is := now[key]; !is {
				h.Gone[key] = c
			}
		}
		for key := range now {
			delete(h.Gone, key)
		}
		h.Components = now
		gone = maps.Clone(h.Gone)
	})
	return gone
}

// buried notes that Home Assistant has nothing any more of what is gone.
func (m *memory) buried(broker string) {
	m.change(broker, func(h *house) { clear(h.Gone) })
}
