package mqtt

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"guided/homeassistant"
)

// storeWith opens a store whose file has this content.
func storeWith(t *testing.T, content string) *publishedStore {
	t.Helper()
	file := filepath.Join(t.TempDir(), "published.json")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return openStore(file, slog.New(slog.DiscardHandler))
}

// exercise does with a store what the program does with it.
func exercise(t *testing.T, s *publishedStore) {
	t.Helper()
	const discovery = `{"cmps":{"a":{"p":"button"}}}`
	former := s.setTopics("x", []string{"guided/mat/status"})
	r := &retained{payloads: map[string][]byte{}}
	if own := r.withoutForeign(former); !slices.Equal(own, former) {
		t.Errorf("of the former topics %q only %q are own", former, own)
	}
	removed := s.setComponents("x", map[string]json.RawMessage{"a": json.RawMessage(`{"p":"button"}`)})
	stages, err := homeassistant.Stages([]byte(discovery), removed)
	if err != nil || len(stages) == 0 {
		t.Errorf("%d stages: %v", len(stages), err)
	}
	s.forgetRemoved("x", map[string]json.RawMessage{"a": nil})
	s.forgetDevice("x")
	s.forgetTopics("x", former)
	if topics := s.brokers["x"].Topics; len(topics) != 1 {
		t.Errorf("topics %q are left", topics)
	}
	s.forgetBroker("x")
}

func TestPublishedStoreWithDamagedFile(t *testing.T) {
	for situation, content := range map[string]string{
		"empty":                         ``,
		"cut short":                     `{"x":{"topics":["guided/mat`,
		"null":                          `null`,
		"a list":                        `[]`,
		"a number":                      `7`,
		"no brokers":                    `{}`,
		"a broker that is null":         `{"x":null}`,
		"a broker that is a list":       `{"x":[]}`,
		"a broker without anything":     `{"x":{}}`,
		"topics that are null":          `{"x":{"topics":null,"components":null,"gone":null}}`,
		"topics of other types":         `{"x":{"topics":[7,null,{}]}}`,
		"a topic without a slash":       `{"x":{"topics":["status"]}}`,
		"topics that cannot be":         `{"x":{"topics":["","/","#","a/#","+/b","a//b","/a","a b/c","$SYS/x","a/\u0000"]}}`,
		"topics and no maps":            `{"x":{"topics":["guided/bed/status"]}}`,
		"components that are null":      `{"x":{"topics":["a/b"],"components":{"b":null},"gone":{"c":null}}}`,
		"components of other types":     `{"x":{"topics":["a/b"],"components":{"b":7,"c":"d","e":[]},"gone":{"f":true}}}`,
		"components without a platform": `{"x":{"topics":["a/b"],"components":{"b":{}},"gone":{"c":{"p":7}}}}`,
		"components in a list":          `{"x":{"topics":["a/b"],"components":[1]}}`,
	} {
		t.Run(situation, func(t *testing.T) { exercise(t, storeWith(t, content)) })
	}
}

func FuzzPublishedStore(f *testing.F) {
	f.Add(`{"x":{"topics":["guided/mat/status","status"],"components":{"a":{"p":"scene"}},"gone":{"b":null}}}`)
	f.Add(`{"x":null,"y":{"topics":null}}`)
	f.Fuzz(func(t *testing.T, content string) {
		brokers, _ := decodeRecords([]byte(content))
		exercise(t, &publishedStore{brokers: brokers})
	})
}

func TestPublishedStoreKeepsWhatIsUsable(t *testing.T) {
	s := storeWith(t, `{"x":{"topics":["guided/bed/status","status"],"components":{"a":{"p":"scene"},"b":null},"gone":{"c":{"p":"button"}}}}`)
	if former := s.setTopics("x", nil); !slices.Equal(former, []string{"guided/bed/status"}) {
		t.Errorf("former topics %q", former)
	}
	removed := s.setComponents("x", nil)
	if len(removed) != 2 || string(removed["a"]) != `{"p":"scene"}` || string(removed["c"]) != `{"p":"button"}` {
		t.Errorf("removed components %s", removed)
	}
}

func TestRetainedWithoutForeign(t *testing.T) {
	r := &retained{payloads: map[string][]byte{"guided/bed/status": []byte("online"), "guided/mat/status": []byte("offline")}}
	got := r.withoutForeign([]string{"guided/bed/state", "guided/mat/state", "guided/sofa/state", "status", ""})
	if want := []string{"guided/mat/state", "guided/sofa/state"}; !slices.Equal(got, want) {
		t.Errorf("own %q, want %q", got, want)
	}
}

func TestPublishedStoreWithFileThatIsNone(t *testing.T) {
	dir := t.TempDir()
	make := map[string]func(file string) error{
		"a folder": func(file string) error { return os.Mkdir(file, 0o700) },
		"a pipe":   func(file string) error { return syscall.Mkfifo(file, 0o600) },
		"far too large": func(file string) error {
			if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
				return err
			}
			return os.Truncate(file, 1<<40)
		},
		"a folder's entry": func(file string) error { return os.Symlink("/dev/zero", file) },
		"a loop":           func(file string) error { return os.Symlink(file, file) },
	}
	for situation, create := range make {
		file := filepath.Join(dir, situation)
		if err := create(file); err != nil {
			t.Fatal(err)
		}
		log := &logRecorder{}
		s := openStore(file, slog.New(log))
		if lines := log.with(""); len(lines) != 1 || !strings.Contains(lines[0], situation) {
			t.Errorf("%s: logged %q", situation, lines)
		}
		s.setTopics("mqtt://a", []string{"guided/mat/status"}) // it must not panic
	}
}

func TestPublishedStoreThatCannotBeWrittenIsToldOnce(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "state"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	log := &logRecorder{}
	s := openStore(filepath.Join(dir, "state", "published.json"), slog.New(log)) // below a file, as root may write everywhere
	log.lines = nil
	for _, topic := range []string{"guided/a/status", "guided/b/status", "guided/c/status"} {
		s.setTopics("mqtt://a", []string{topic})
	}
	if lines := log.with("cannot be stored"); len(lines) != 1 || !strings.Contains(lines[0], "published.json") {
		t.Errorf("logged %q", lines)
	}
	if former := s.setTopics("mqtt://a", nil); len(former) != 3 {
		t.Errorf("it remembers %q in memory", former)
	}
}
