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
	"strings"
	"sync"

	"github.com/google/renameio/v2"
)

// A publishedStore remembers in a file what we published retained on which broker, because what we no longer publish
// must be cleared, or it stays there for ever.
type publishedStore struct {
	file string // "": nothing is remembered beyond the life of the program
	log  *slog.Logger

	mu       sync.Mutex
	reported bool                     // that the file cannot be written
	brokers  map[string]*brokerRecord // by the broker's address
}

// A brokerRecord is what one broker retains of us, and what the Home Assistant on it knows.
type brokerRecord struct {
	Topics     []string                   `json:"topics"`     // on which the broker may retain something of ours
	Components map[string]json.RawMessage `json:"components"` // of our device, as announced last
	Removed    map[string]json.RawMessage `json:"gone"`       // components that Home Assistant may still have
}

// openStore reads the file. Where it is missing or damaged, the store is empty; the latter is logged.
func openStore(file string, log *slog.Logger) *publishedStore {
	s := &publishedStore{file: file, log: log, brokers: map[string]*brokerRecord{}}
	if file == "" {
		return s
	}
	b, err := readPublished(file)
	if err == nil {
		s.brokers, err = decodeRecords(b)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Warn("the list of what was published on brokers cannot be read, and is forgotten", "file", file, "error", err,
			"hint", "it is written anew; entities of a former name that stay in Home Assistant are removed with: guided ha purge")
	}
	return s
}

// maxPublishedFile is the size of the largest list that is read, in bytes: two devices with all their entities, on several
// brokers.
const maxPublishedFile = 4 << 20

// readPublished reads a list that is a file of a sensible size: opening a pipe would wait for ever.
func readPublished(file string) ([]byte, error) {
	about, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, err
	case !about.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no file", file)
	case about.Size() > maxPublishedFile:
		return nil, fmt.Errorf("%s has %d bytes; more than %d are not ours", file, about.Size(), maxPublishedFile)
	}
	return os.ReadFile(file)
}

// decodeRecords decodes a file's records, and takes of them what is usable. The map is never nil, nor is what it holds.
func decodeRecords(b []byte) (map[string]*brokerRecord, error) {
	var decoded map[string]*brokerRecord
	usable := map[string]*brokerRecord{}
	if err := json.Unmarshal(b, &decoded); err != nil {
		return usable, err
	}
	for broker, r := range decoded {
		if r == nil {
			continue
		}
		usable[broker] = &brokerRecord{
			Topics:     slices.DeleteFunc(r.Topics, func(t string) bool { return !isTopicOfNode(t) }),
			Components: validComponents(r.Components),
			Removed:    validComponents(r.Removed),
		}
	}
	return usable, nil
}

// isTopicOfNode tells whether t can be a topic below some node: two or more levels, none of them a pattern.
func isTopicOfNode(t string) bool {
	return strings.Contains(t, "/") && len(checkTopic("", t, "", "")) == 0
}

// validComponents are those that are an object with a platform, in a map that is not nil.
func validComponents(components map[string]json.RawMessage) map[string]json.RawMessage {
	valid := map[string]json.RawMessage{}
	for key, c := range components {
		var object struct {
			Platform string `json:"p"`
		}
		if json.Unmarshal(c, &object) == nil && object.Platform != "" {
			valid[key] = c
		}
	}
	return valid
}

// update lets change change the record of a broker, and writes the file where it differs then. A record without topics
// is removed.
func (s *publishedStore) update(broker string, change func(r *brokerRecord)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, _ := json.Marshal(s.brokers) // strings and valid JSON cannot fail
	r := s.brokers[broker]
	if r == nil {
		r = &brokerRecord{Components: map[string]json.RawMessage{}, Removed: map[string]json.RawMessage{}}
		s.brokers[broker] = r
	}
	change(r)
	if len(r.Topics) == 0 {
		delete(s.brokers, broker)
	}
	after, _ := json.Marshal(s.brokers)
	if s.file == "" || string(before) == string(after) {
		return
	}
	err := os.MkdirAll(filepath.Dir(s.file), 0o755)
	if err == nil {
		err = renameio.WriteFile(s.file, append(after, '\n'), 0o644)
	}
	if err != nil && !s.reported {
		s.log.Warn("the list of what is published on the broker cannot be stored", "file", s.file, "error", err,
			"hint", "let the user who runs guided write to this folder; until then what a former name left in Home Assistant may stay there")
	}
	s.reported = err != nil
}

// setTopics takes the topics on which we are about to publish retained messages, and returns the former ones on which
// the broker may still retain something.
func (s *publishedStore) setTopics(broker string, topics []string) (former []string) {
	s.update(broker, func(r *brokerRecord) {
		for _, t := range r.Topics {
			if !slices.Contains(topics, t) {
				former = append(former, t)
			}
		}
		r.Topics = slices.Concat(topics, former)
	})
	return former
}

// forgetTopics takes topics on which the broker no longer retains anything of ours.
func (s *publishedStore) forgetTopics(broker string, topics []string) {
	s.update(broker, func(r *brokerRecord) {
		r.Topics = slices.DeleteFunc(r.Topics, func(t string) bool { return slices.Contains(topics, t) })
	})
}

// setComponents takes the components that the device has now, and returns those that Home Assistant may have beside
// them.
func (s *publishedStore) setComponents(broker string, now map[string]json.RawMessage) (removed map[string]json.RawMessage) {
	s.update(broker, func(r *brokerRecord) {
		for key, c := range r.Components {
			if _, is := now[key]; !is {
				r.Removed[key] = c
			}
		}
		for key := range now {
			delete(r.Removed, key)
		}
		r.Components = now
		removed = maps.Clone(r.Removed)
	})
	return removed
}

// forgetRemoved takes note that Home Assistant no longer has these removed components.
func (s *publishedStore) forgetRemoved(broker string, components map[string]json.RawMessage) {
	s.update(broker, func(r *brokerRecord) {
		for key := range components {
			delete(r.Removed, key)
		}
	})
}

// forgetDevice takes note that Home Assistant no longer has the device.
func (s *publishedStore) forgetDevice(broker string) {
	s.update(broker, func(r *brokerRecord) {
		r.Components, r.Removed = map[string]json.RawMessage{}, map[string]json.RawMessage{}
	})
}

// forgetBroker removes the record of a broker.
func (s *publishedStore) forgetBroker(broker string) {
	s.update(broker, func(r *brokerRecord) { r.Topics = nil })
}
