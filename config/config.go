// Package config reads the settings file: guided.toml of this folder, which is embedded, holds every key with its default,
// and the user's file is decoded over it. Beside it lie the folders of the machine (paths.go), the identity under which
// brokers and Home Assistant know a daemon (identity.go), the quiet hours (quiet.go), and whether the system's clock can
// be trusted (clock.go) and in which time zone it stands (zone.go).
//
// Other packages do not import this one: cli passes them their values. Begin at [Load].
package config

import (
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"guided/audio/voice"
	"guided/homeassistant"
	"guided/keys"
	"guided/mqtt"
	"guided/routines"
	"guided/satellite"
	"guided/schedule"
	"guided/web"
)

// defaults is the commented settings file: the documentation, the defaults and the packaged file in one.
//
//go:embed guided.toml
var defaults string

// Defaults is the commented settings file with every default, to be read by people.
func Defaults() string { return defaults }

// Config is the settings. The keys are documented in guided.toml; sections that belong to one package have its type.
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
	Web     web.Config `toml:"web"`
	History struct {
		Keep bool `toml:"keep"`
	} `toml:"history"`
	Resume struct {
		Mode   string `toml:"mode"`
		Within string `toml:"within"`
	} `toml:"resume"`
	Satellite satellite.Config `toml:"satellite"`
	Keys      keys.Config      `toml:"keys"`
	Log       struct {
		Level logLevel `toml:"level"`
	} `toml:"log"`
	Schedule schedule.Tables `toml:"schedule"`

	source           string            // the file that was read; "": none, these are the defaults
	entries          []*schedule.Entry // of Schedule, checked
	routinesDirNamed bool              // the user's file names routines.dir, so that it should exist
	zone             *time.Location    // in which quiet hours are given
	zoneProblem      error             // why zone is not what was asked for
	tokenProblem     error             // why web.token_file cannot be read by this user
}

// duration is a time of up to a minute, written as text such as "500ms". A bare number would mean nanoseconds and is an
// error.
type duration struct{ time.Duration }

func (d *duration) UnmarshalTOML(v any) error {
	s, is := v.(string)
	if n, whole := v.(int64); whole && n >= 0 {
		return fmt.Errorf(`%d is a bare number; write it with its unit, such as "%ds"`, n, n)
	}
	var err error
	if d.Duration, err = time.ParseDuration(s); !is || err != nil || d.Duration < 0 || d.Duration > time.Minute {
		return fmt.Errorf(`%q is not a time of up to a minute; write one such as "500ms" or "2s"`, fmt.Sprint(v))
	}
	return nil
}

// logLevel is the least level that is logged: debug, info, warn or error.
type logLevel struct{ slog.Level }

func (l *logLevel) UnmarshalTOML(v any) error {
	s, is := v.(string)
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if is && strings.EqualFold(s, level.String()) {
			l.Level = level
			return nil
		}
	}
	return fmt.Errorf("%q is no level of the log; use one of debug, info, warn, error", fmt.Sprint(v))
}

// Load decodes the file at name, or the first standard file that exists, over the defaults. The error names every problem,
// with the file and the key.
func Load(name string) (Config, error) {
	var c Config
	if _, err := toml.Decode(defaults, &c); err != nil {
		return c, fmt.Errorf("the built-in settings: %w", err)
	}
	file, data, err := Find(name)
	if err != nil {
		return c, err
	}
	if data != nil {
		c.source = file
	}
	meta, err := toml.Decode(string(data), &c)
	var syntax toml.ParseError
	if errors.As(err, &syntax) {
		return c, fmt.Errorf("%s:\n%s", file, syntax.ErrorWithPosition())
	}
	if err != nil {
		return c, fmt.Errorf("%s: %w", file, err)
	}
	if err := unknownSettings(file, meta.Undecoded()); err != nil {
		return c, err
	}
	c.routinesDirNamed = meta.IsDefined("routines", "dir")
	c.zone, c.zoneProblem = LocalZone()
	var problems []error
	c.entries, problems = schedule.Decode(file, data, c.Schedule)
	return c, errors.Join(append(problems, c.complete(file))...)
}

// Source is the file that was read; "" where there is none, and these are the defaults.
func (c Config) Source() string { return c.source }

// ScheduleEntries are the [[schedule]] of the settings.
func (c Config) ScheduleEntries() []*schedule.Entry {
	if c.Schedule == nil { // taken out since
		return nil
	}
	return c.entries
}

// complete fills in the values that depend on the machine, and checks all values.
func (c *Config) complete(file string) error {
	var problems []error
	report := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("%s: %w", file, fmt.Errorf(format, args...)))
	}
	if c.Node == "" {
		host, err := os.Hostname()
		if err != nil || host == "" {
			host = "guided"
		}
		c.Node = regexp.MustCompile(`[^a-z0-9_-]+`).ReplaceAllString(strings.ToLower(host), "-")
	}
	for _, named := range []struct {
		key  string
		path *string
	}{
		{"routines.dir", &c.Routines.Dir}, {"mqtt.password_file", &c.MQTT.PasswordFile}, {"mqtt.ca_file", &c.MQTT.CAFile},
		{"mqtt.cert_file", &c.MQTT.CertFile}, {"mqtt.key_file", &c.MQTT.KeyFile}, {"web.token_file", &c.Web.TokenFile},
	} {
		if *named.path = ExpandHome(*named.path); strings.HasPrefix(*named.path, "~") {
			report("%s: %q lies in the home of another user; write the whole path", named.key, *named.path)
		}
		if given, err := handedOver(*named.path); err != nil {
			report("%s: %v", named.key, err)
			*named.path = ""
		} else {
			*named.path = given
		}
	}
	if strings.HasPrefix(c.Routines.Dir, noFolder) {
		c.Routines.Dir = "" // Warnings tells that there is no home folder
	}
	c.readToken(report)
	c.checkNetwork(report)
	c.checkAudio(report)
	c.checkVoice(report)
	c.checkResume(report)
	return errors.Join(problems...)
}

// reporter adds a problem of the settings, with the key that it is about.
type reporter func(format string, args ...any)

func (c *Config) checkNetwork(report reporter) {
	for _, problem := range c.MQTTOptions(nil).Check() {
		report("%s", problem)
	}
	for _, problem := range c.Web.Check() {
		report("%s", problem)
	}
	if _, port, err := net.SplitHostPort(c.Web.Listen); err == nil && !isPort(port) {
		report("web.listen: %q is no port; use one from 0 to 65535", port)
	}
	for key, address := range map[string]string{"mqtt.broker": c.MQTT.Broker, "satellite.url": c.Satellite.URL} {
		if u, err := url.Parse(address); err == nil && u.Port() != "" && !isPort(u.Port()) {
			report("%s: %q is no port; use one from 0 to 65535", key, u.Port())
		}
	}
	for _, problem := range c.Satellite.Check() {
		report("%s", problem)
	}
	for _, problem := range c.Keys.Check() {
		report("%s", problem)
	}
}

func (c *Config) checkAudio(report reporter) {
	if c.Audio.Volume < 0 || c.Audio.Volume > 100 {
		report("audio.volume: %d is not from 0 to 100", c.Audio.Volume)
	}
	for i, a := range c.Audio.Also {
		if a.Output == "" {
			report("audio.also: the output number %d names none; write output = \"pulse:SINK\" or another of `guided devices`", i+1)
		}
		if a.Volume != nil && (*a.Volume < 0 || *a.Volume > 100) {
			report("audio.also.volume: %d is not from 0 to 100", *a.Volume)
		}
	}
}

func (c *Config) checkVoice(report reporter) {
	if err := (routines.Options{Verbosity: c.Voice.Verbosity}).Check(); err != nil {
		report("voice.%v", err)
	}
	engines := []string{"auto", "none", "command", "wyoming"}
	switch c.Voice.Engine {
	case "auto", "none":
	case "command":
		if len(c.Voice.Command) == 0 {
			report(`voice.command: engine = "command" needs the program, such as command = ["piper", "--model", "voice.onnx", "--output_file", "-"]`)
		}
	case "wyoming":
		if _, err := voice.NewWyoming(c.Voice.Wyoming, c.Voice.WyomingVoice); err != nil {
			report("voice.wyoming: %v", err)
		}
	default:
		report("voice.engine: %q is not known; use one of %s", c.Voice.Engine, strings.Join(engines, ", "))
	}
}

func (c *Config) checkResume(report reporter) {
	if modes := []string{"ask", "auto", "never"}; !slices.Contains(modes, c.Resume.Mode) {
		report("resume.mode: %q is not known; %s", c.Resume.Mode, routines.DidYouMean(c.Resume.Mode, modes))
	}
	if within, err := time.ParseDuration(c.Resume.Within); err != nil || within < time.Minute || within > 24*time.Hour {
		report(`resume.within: %q is no time from "1m" to "24h"`, c.Resume.Within)
	}
}

// ResumeWithin is resume.within.
func (c Config) ResumeWithin() time.Duration {
	within, _ := time.ParseDuration(c.Resume.Within) // complete has checked it
	return within
}

// isPort reports whether text is the number or the name of a TCP port.
func isPort(text string) bool {
	_, err := net.LookupPort("tcp", text)
	return err == nil
}

// MQTTOptions are the settings for package mqtt, with the identity of the process; id is nil where it has none.
func (c Config) MQTTOptions(id *Identity) mqtt.Options {
	o := mqtt.Options{Config: c.MQTT.Config, Node: c.Node, HomeAssistant: c.HomeAssistant}
	if id != nil {
		o.ID, o.PublishedFile = id.ID, id.PublishedFile
	}
	return o
}
