// Package output plays a streamer on a device: PulseAudio, ALSA, a Snapcast server, a WAV file, or none.
//
// An audio.Output is made by [Open] from a setting such as "pulse:SINK". It holds no device: each Play opens one, carries
// one streamer to it and closes it, so a device that was lost may be there again at the next Play.
//
// The law of the pump: the output pulls and the device is the clock. A device takes sound when it has room for it, and
// nothing else paces the program; the position that Play reports is what the device says was heard. Everything pulled
// ahead of that is provisional: when an audio.Rewinder changes, the pump rewinds the device as far as it can, and the
// source gives those frames anew. Such a device is filled once or twice a second, and in between the pump sleeps until the
// source wants to know that something was heard. A device that cannot rewind keeps little more than audio.Depth ahead instead.
//
// Begin reading at pump.run in pump.go, which is the whole journey of a block, and at the interface device beside it. Each
// device has a file of its own. [Tap] hands on what is heard, and a combined output (see [OpenAll]) makes one output of
// several.
package output

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"guided/audio"
	"guided/routines"
)

// specForms is what the setting audio.output may be.
const specForms = "auto, pulse, pulse:SINK, alsa, alsa:DEVICE, wav:FILE, snapcast:URL, or null"

// An opener opens a device for one Play.
type opener func(context.Context) (device, error)

// Open makes the output that spec names, which plays leadIn frames of silence before each Play. It opens no device, so a
// device that is missing now is no error; a spec that cannot be parsed is.
func Open(spec string, leadIn int, log *slog.Logger) (audio.Output, error) {
	if leadIn < 0 {
		return nil, fmt.Errorf("a lead-in of %d frames is negative", leadIn)
	}
	open, err := parseSpec(spec, log)
	if err != nil {
		return nil, err
	}
	return &deviceOutput{open, leadIn}, nil
}

func parseSpec(spec string, log *slog.Logger) (opener, error) {
	kind, arg, hasArg := strings.Cut(strings.TrimSpace(spec), ":")
	if hasArg && arg == "" {
		return nil, fmt.Errorf("%q names nothing after the colon; use %s", spec, specForms)
	}
	lib := &alsaLib{}
	switch {
	case kind == "auto" && !hasArg:
		return newAutoOutput(lib, log).open, nil
	case kind == "pulse":
		return (&pulseOutput{sink: arg, log: log}).open, nil
	case kind == "alsa":
		if !hasArg {
			arg = "default"
		}
		return (&alsaOutput{lib: lib, name: arg, log: log}).open, nil
	case kind == "wav" && hasArg:
		return (&wavFile{path: arg}).open, nil
	case kind == "null" && !hasArg:
		return openNull, nil
	case kind == "snapcast" && hasArg:
		o, err := parseSnapcast(arg, log)
		if err != nil {
			return nil, err
		}
		return o.open, nil
	}
	return nil, fmt.Errorf("there is no output %q; use %s%s", spec, specForms, specHint(kind, arg))
}

// specHint proposes the output that was probably meant, or is empty.
func specHint(kind, arg string) string {
	near := routines.Nearest(kind, []string{"auto", "pulse", "alsa", "wav", "snapcast", "null"})
	if near == "" {
		return ""
	}
	if arg == "" {
		arg = map[string]string{"wav": "FILE", "snapcast": "URL"}[near]
	}
	if arg != "" && near != "auto" && near != "null" {
		near += ":" + arg
	}
	return fmt.Sprintf("; did you mean %q?", near)
}

// autoOutput is the output "auto": the sound server if one answers, else ALSA's default device. It decides at each Play,
// so a server that was started later is found. open is called by one goroutine at a time.
type autoOutput struct {
	pulse  *pulseOutput
	alsa   *alsaOutput
	log    *slog.Logger
	chosen string
}

func newAutoOutput(lib *alsaLib, log *slog.Logger) *autoOutput {
	return &autoOutput{pulse: &pulseOutput{log: log}, alsa: &alsaOutput{lib: lib, name: "default", log: log}, log: log}
}

func (o *autoOutput) open(ctx context.Context) (device, error) {
	d, err := o.pulse.open(ctx)
	if err == nil {
		o.logChoice("pulse")
		return d, nil
	}
	if none := (noServerError{}); !errors.As(err, &none) {
		return nil, err
	}
	d, alsaErr := o.alsa.open(ctx)
	if alsaErr != nil {
		o.chosen = ""
		return nil, fmt.Errorf("there is nothing to play to: %w; and %w", err, alsaErr)
	}
	o.logChoice("alsa")
	return d, nil
}

// logChoice logs a choice that differs from the last one.
func (o *autoOutput) logChoice(name string) {
	if o.chosen != name {
		o.log.Info("the output was chosen", "output", name)
		o.chosen = name
	}
}

// An Config is one of several outputs as the settings name it.
type Config struct {
	Spec   string
	Volume int // 0 to 100
}

// OpenAll makes one output of all that specs name, as Open does. The first is the clock, whose spec is returned; the
// others follow it. The error holds every problem.
func OpenAll(specs []Config, leadIn int, log *slog.Logger) (audio.Output, string, error) {
	if len(specs) == 0 {
		return nil, "", errors.New("no output is named; use " + specForms)
	}
	var parts []part
	var problems []error
	known := map[string]bool{}
	for _, s := range specs {
		out, err := Open(s.Spec, leadIn, log)
		switch {
		case err != nil:
		case s.Volume < 0 || s.Volume > 100:
			err = fmt.Errorf("the volume %d of %q is not from 0 to 100", s.Volume, s.Spec)
		case known[s.Spec]:
			err = fmt.Errorf("the output %q is named twice; each plays once", s.Spec)
		}
		if err != nil {
			problems = append(problems, err)
		}
		known[s.Spec] = true
		parts = append(parts, part{s.Spec, out, s.Volume})
		leadIn = 0 // a follower is silent during the lead-in of the clock
	}
	if err := errors.Join(problems...); err != nil {
		return nil, "", err
	}
	clock := parts[0]
	if len(parts) == 1 && clock.volume == 100 {
		return clock.output, clock.name, nil
	}
	if len(parts) > 1 {
		log.Info("the first output is the clock; the others follow it", "clock", clock.name, "others", len(parts)-1)
	}
	return combine(log, clock, parts[1:]...), clock.name, nil
}

// Probe opens the device that spec names and closes it again, without playing. It is nil where Play would find its device
// now.
func Probe(ctx context.Context, spec string, log *slog.Logger) error {
	open, err := parseSpec(spec, log)
	if err != nil {
		return err
	}
	d, err := open(ctx)
	if err != nil {
		return err
	}
	return guard(ctx, d, func() error { return d.close(0) })
}

// DeviceInfo is a device that Open can play to on this machine, or the reason why a kind of output cannot be used.
type DeviceInfo struct {
	Spec    string `json:"spec"`              // for the setting audio.output; only its kind where there is a problem
	Name    string `json:"name,omitempty"`    // for people
	Default bool   `json:"default,omitempty"` // used when no device of its kind is named
	Problem string `json:"problem,omitempty"` // why this kind of output cannot be used
}

// Devices lists what can be opened now, first the kind that "auto" prefers. It plays nothing.
func Devices(ctx context.Context) []DeviceInfo {
	list := pulseDevices(ctx)
	lib := &alsaLib{}
	if err := lib.load(); err != nil {
		return append(list, DeviceInfo{Spec: "alsa", Problem: err.Error()})
	}
	found := lib.devices()
	if len(found) == 0 {
		found = []DeviceInfo{{Spec: "alsa", Problem: "ALSA knows no device to play to; plug in a speaker"}}
	}
	return append(list, found...)
}
