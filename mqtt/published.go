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

// A publishedStore is what we left with brokers, kept in a file beyond our own life: what we no longer say must be taken back,
// or it stays in the house for ever.
type publishedStore struct {
	file string // "": nothing is kept beyond our life
	log  *slog.Logger

	mu      sync.Mutex
	brokers map[string]*brokerRecord // by the broker's address
}

// A brokerRecord is one broker, and the Home Assistant on it.
type brokerRecord struct {
	Topics     []string                   `json:"topics"`     // where the broker keeps something of ours
	Components map[string]json.RawMessage `json:"components"` // of our device, as last made known
	Removed    map[string]json.RawMessage `json:"gone"`       // that Home Assistant may still have
}

// openStore reads the file. One that is missing or broken is an empty memory; the latter is told.
func openStore(file string, log *slog.Logger) *publishedStore {
	m := &publishedStore{file: file, log: log, brokers: map[string]*brokerRecord{}}
	if file == "" {
		return m
	}
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &m.brokers)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Warn("what was left with brokers is forgotten", "error", err)
		m.brokers = map[string]*brokerRecord{}
	}
	maps.DeleteFunc(m.brokers, func(_ string, h *brokerRecord) bool { return h == nil })
	return m
}

// change lets f change what is known of a broker, and keeps it where it differs then.
func (m *publishedStore) change(broker string, f func(h *brokerRecord)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before, _ := json.Marshal(m.brokers) // what was read as JSON, or written by us, can be written
	h := m.brokers[broker]
	if h == nil {
		h = &brokerRecord{}
		m.brokers[broker] = h
	}
	if h.Components == nil {
		h.Components = map[string]json.RawMessage{}
	}
	if h.Removed == nil {
		h.Removed = map[string]json.RawMessage{}
	}
	f(h)
	if len(h.Topics) == 0 {
		delete(m.brokers, broker)
	}
	after, _ := json.Marshal(m.brokers)
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

// setTopics notes what the broker is about to keep, and returns what it has of us beyond that.
func (m *publishedStore) setTopics(broker string, topics []string) (old []string) {
	m.change(broker, func(h *brokerRecord) {
		for _, t := range h.Topics {
			if !slices.Contains(topics, t) {
				old = append(old, t)
			}
		}
		h.Topics = slices.Concat(topics, old)
	})
	return old
}

// forgetTopics notes that the broker no longer has these.
func (m *publishedStore) forgetTopics(broker string, topics []string) {
	m.change(broker, func(h *brokerRecord) {
		h.Topics = slices.DeleteFunc(h.Topics, func(t string) bool { return slices.Contains(topics, t) })
	})
}

// setComponents notes what the device has now, and returns what Home Assistant may have beyond that.
func (m *publishedStore) setComponents(broker string, now map[string]json.RawMessage) (gone map[string]json.RawMessage) {
	m.change(broker, func(h *brokerRecord) {
		for key, c := range h.Components {
			if _, is := now[key]; !is {
				h.Removed[key] = c
			}
		}
		for key := range now {
			delete(h.Removed, key)
		}
		h.Components = now
		gone = maps.Clone(h.Removed)
	})
	return gone
}

// forgetRemoved notes that Home Assistant has nothing any more of what is gone.
func (m *publishedStore) forgetRemoved(broker string) {
	m.change(broker, func(h *brokerRecord) { clear(h.Removed) })
}
