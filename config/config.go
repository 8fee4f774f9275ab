package config

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"guided/audio/voice"
	"guided/homeassistant"
	"guided/mqtt"
	"guided/routines"
	"guided/satellite"
	"guided/web"
)

// defaults is the commented settings file: documentation, defaults and the packaged file are one.
//
//go:embed guided.toml
var defaults string

type Config struct {
	Node string `toml:"node"`
	MQTT struct {
		mqtt.Config
		PhaseLead duration `toml:"phase_lead"`
	} `toml:"mqtt"`
	HomeAssistant homeassistant.Config `toml:"homeassistant"`

	Audio struct {
		Output string   `toml:"output"`
		LeadIn duration `toml:"lead_in"`
		Volume int      `toml:"volume"`
		Quiet  Hours    `toml:"quiet"`
		Also   []struct {
			Output string `toml:"output"`
			Volume *int   `toml:"volume"`
		} `toml:"also"`
	} `toml:"audio"`
	Routines struct {
		Dir   string `toml:"dir"`
		Holds bool   `toml:"holds"`
	} `toml:"routines"`
	Voice struct {
		Name         string   `toml:"name"`
		Engine       string   `toml:"engine"`
		Command      []string `toml:"command"`
		Wyoming      string   `toml:"wyoming"`
		WyomingVoice string   `toml:"wyoming_voice"`

		Verbosity routines.Verbosity `toml:"verbosity"`
	} `toml:"voice"`
	Web       web.Config       `toml:"web"`
	Satellite satellite.Config `toml:"satellite"`
}

// duration is a time as text: a bare number is refused, it would mean nanoseconds.
type duration struct{ time.Duration }

func (d *duration) UnmarshalTOML(v any) error {
	s, is := v.(string)
	if !is {
		return fmt.Errorf(`%v is a bare number; write it with its unit, such as "%vs"`, v, v)
	}
	var err error
	if d.Duration, err = time.ParseDuration(s); err != nil || d.Duration < 0 || d.Duration > time.Minute {
		return fmt.Errorf(`%q is not a time of up to a minute; write one such as "500ms" or "2s"`, s)
	}
	return nil
}

// Load reads the file named, or the first one that there is, over the defaults. The error holds every problem.
func Load(name string) (Config, error) {
	var c Config
	if _, err := toml.Decode(defaults, &c); err != nil {
		return c, fmt.Errorf("the built-in settings: %w", err)
	}
	file, data, err := Find(name)
	if err != nil {
		return c, err
	}
	meta, err := toml.Decode(string(data), &c)
	var syntax toml.ParseError
	if errors.As(err, &syntax) {
		return c, fmt.Errorf("%s:\n%s", file, syntax.ErrorWithPosition())
	}
	if err != nil {
		return c, fmt.Errorf("%s: %w", file, err)
	}
	var problems []error
	for _, key := range meta.Undecoded() {
		problems = append(problems, fmt.Errorf("%s: unknown setting %s; did you mean %q?", file, key, routines.Nearest(key.String(), settings())))
	}
	if err := errors.Join(problems...); err != nil {
		return c, err
	}
	return c, c.complete(file)
}

// settings lists every key of the defaults.
func settings() []string {
	var any map[string]any
	meta, err := toml.Decode(defaults, &any)
	if err != nil {
		return nil
	}
	var keys []string
	for _, k := range meta.Keys() {
		keys = append(keys, k.String())
	}
	sort.Strings(keys)
	return keys
}

func Find(name string) (string, []byte, error) {
	if name != "" {
		data, err := os.ReadFile(name)
		if err != nil {
			return name, nil, fmt.Errorf("reading the settings: %w", err)
		}
		return name, data, nil
	}
	for _, place := range standardPlaces() {
		data, err := os.ReadFile(place)
		if err == nil {
			return place, data, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return place, nil, fmt.Errorf("reading the settings: %w", err)
		}
	}
	return "the defaults", nil, nil
}

// standardPlaces are where settings lie that nobody names, the first first.
func standardPlaces() []string {
	const system = "/etc/guided/guided.toml"
	if dir, err := os.UserConfigDir(); err == nil {
		return []string{filepath.Join(dir, "guided", "guided.toml"), system}
	}
	return []string{system}
}

// complete fills in what depends on the machine, and checks the values.
func (c *Config) complete(file string) error {
	var problems []error
	tell := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf(file+": "+format, args...))
	}
	if c.Node == "" {
		host, err := os.Hostname()
		if err != nil || host == "" {
			host = "guided"
		}
		c.Node = regexp.MustCompile(`[^a-z0-9_-]+`).ReplaceAllString(strings.ToLower(host), "-")
	}
	for _, wrong := range c.MQTTOptions(nil).Check() {
		tell("%s", wrong)
	}
	for _, wrong := range c.Web.Check() {
		tell("%s", wrong)
	}
	for _, wrong := range c.Satellite.Check() {
		tell("%s", wrong)
	}
	if c.Audio.Volume < 0 || c.Audio.Volume > 100 {
		tell("audio.volume: %d is not from 0 to 100", c.Audio.Volume)
	}
	if err := (routines.Options{Verbosity: c.Voice.Verbosity}).Check(); err != nil {
		tell("voice.%v", err)
	}
	engines := []string{"auto", "none", "command", "wyoming"}
	switch c.Voice.Engine {
	case "auto", "none":
	case "command":
		if len(c.Voice.Command) == 0 {
			tell(`voice.command: engine = "command" needs the program, such as command = ["piper", "--model", "voice.onnx", "--output_file", "-"]`)
		}
	case "wyoming":
		if _, err := voice.NewWyoming(c.Voice.Wyoming, c.Voice.WyomingVoice); err != nil {
			tell("voice.wyoming: %v", err)
		}
	default:
		tell("voice.engine: %q is not known; use one of %s", c.Voice.Engine, strings.Join(engines, ", "))
	}
	c.Routines.Dir = ExpandHome(c.Routines.Dir)
	return errors.Join(problems...)
}

// MQTTOptions are the settings for package mqtt, with the identity of the process, or nil where it has none.
func (c Config) MQTTOptions(i *Identity) mqtt.Options {
	o := mqtt.Options{Config: c.MQTT.Config, Node: c.Node, HomeAssistant: c.HomeAssistant}
	if i != nil {
		o.ID, o.PublishedFile = i.ID, i.PublishedFile
	}
	return o
}

// ExpandHome replaces a leading ~ by the user's folder.
func ExpandHome(path string) string {
	if rest, is := strings.CutPrefix(path, "~"); is && (rest == "" || rest[0] == '/') {
		if dir, err := os.UserHomeDir(); err == nil {
			return dir + rest
		}
	}
	return path
}

// folder is where the program keeps a kind of file: where systemd says, where the user's session says, or in his home.
func folder(systemd, xdg, fallback string) string {
	if dir, _, _ := strings.Cut(os.Getenv(systemd), ":"); dir != "" {
		return dir
	}
	if dir := os.Getenv(xdg); filepath.IsAbs(dir) {
		return filepath.Join(dir, "guided")
	}
	return filepath.Join(ExpandHome("~"), fallback, "guided")
}

func CacheDir() string { return folder("CACHE_DIRECTORY", "XDG_CACHE_HOME", ".cache") }
func StateDir() string { return folder("STATE_DIRECTORY", "XDG_STATE_HOME", ".local/state") }
