package output

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/jfreymuth/pulse/proto"

	"guided/audio"
	"guided/routines"
)

// specForms is what the setting audio.output may say.
const specForms = "auto, pulse, pulse:SINK, alsa, alsa:DEVICE, wav:FILE, snapcast:URL, or null"

// Open makes the output that spec names, which plays leadIn frames of silence before each Play. It opens no device:
// one that is away now may be there at Play.
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

func parseSpec(spec string, log *slog.Logger) (func(context.Context) (device, error), error) {
	kind, arg, more := strings.Cut(strings.TrimSpace(spec), ":")
	if more && arg == "" {
		return nil, fmt.Errorf("%q names nothing after the colon; use %s", spec, specForms)
	}
	alsa := &alsaOutput{lib: &alsaLib{}, name: arg, log: log}
	if !more {
		alsa.name = "default"
	}
	switch {
	case kind == "auto" && !more:
		return (&autoOutput{pulse: &pulseOutput{log: log}, alsa: alsa, log: log}).open, nil
	case kind == "pulse":
		return (&pulseOutput{arg, log}).open, nil
	case kind == "alsa":
		return alsa.open, nil
	case kind == "wav" && more:
		return (&wavFile{path: arg}).open, nil
	case kind == "null" && !more:
		return openNull, nil
	case kind == "snapcast" && more:
		o, err := parseSnapcast(arg, log)
		if err != nil {
			return nil, err
		}
		return o.open, nil
	}
	hint := ""
	if near := routines.Nearest(kind, []string{"auto", "pulse", "alsa", "wav", "snapcast", "null"}); near != "" {
		if !more {
			arg = map[string]string{"wav": "FILE", "snapcast": "URL"}[near]
		}
		if arg != "" && near != "auto" && near != "null" {
			near += ":" + arg
		}
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return nil, fmt.Errorf("there is no output %q; use %s%s", spec, specForms, hint)
}

// autoOutput is the output "auto": the sound server where one answers, else ALSA's default device. It looks anew at
// each Play, so a server that starts later is found. Play is called by one goroutine at a time.
type autoOutput struct {
	pulse  *pulseOutput
	alsa   *alsaOutput
	log    *slog.Logger
	chosen string
}

func (o *autoOutput) open(ctx context.Context) (device, error) {
	d, err := o.pulse.open(ctx)
	if none := (noServerError{}); !errors.As(err, &none) {
		if err == nil {
			o.logChoice("pulse")
		}
		return d, err
	}
	d, other := o.alsa.open(ctx)
	if other != nil {
		o.chosen = ""
		return nil, fmt.Errorf("there is nothing to play to: %w; and %w", err, other)
	}
	o.logChoice("alsa")
	return d, nil
}

func (o *autoOutput) logChoice(name string) {
	if o.chosen != name {
		o.log.Info("the output was chosen", "output", name)
		o.chosen = name
	}
}

// Try opens the device that spec names and closes it again: nil where a Play would sound now. It plays nothing.
func Try(ctx context.Context, spec string, log *slog.Logger) error {
	open, err := parseSpec(spec, log)
	if err != nil {
		return err
	}
	d, err := open(ctx)
	if err != nil {
		return err
	}
	return d.close(0)
}

// An OutputSpec is one of several outputs as the settings name it.
type OutputSpec struct {
	Spec   string
	Volume int // 0 to 100
}

// OpenAll makes one output of all that specs name, as Open does; the first is the clock, and is returned by its name.
// The error holds every problem.
func OpenAll(specs []OutputSpec, leadIn int, log *slog.Logger) (audio.Output, string, error) {
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
		leadIn = 0 // the others are silent while the clock is
	}
	if err := errors.Join(problems...); err != nil {
		return nil, "", err
	}
	clock := parts[0]
	if len(parts) == 1 && clock.Volume == 100 {
		return clock.Output, clock.Name, nil
	}
	if len(parts) > 1 {
		log.Info("the first output is the clock; the others follow it", "clock", clock.Name, "others", len(parts)-1)
	}
	return combine(log, clock, parts[1:]...), clock.Name, nil
}

// DeviceInfo is something that Open can play to on this machine, or the reason why a kind of output cannot be used.
type DeviceInfo struct {
	Spec    string `json:"spec"`              // for audio.output
	Name    string `json:"name,omitempty"`    // for people
	Default bool   `json:"default,omitempty"` // what its kind of output takes when none is named
	Problem string `json:"problem,omitempty"` // why Spec, then a kind of output, cannot be used
}

// Devices lists what can be opened now, the kind that "auto" takes first. It plays nothing.
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

func pulseDevices(ctx context.Context) []DeviceInfo {
	problem := func(err error) []DeviceInfo { return []DeviceInfo{{Spec: "pulse", Problem: err.Error()}} }
	link, err := dialPulse(ctx, func(any) {})
	if err != nil {
		return problem(err)
	}
	defer link.close()
	var server proto.GetServerInfoReply
	if err := link.request(&proto.GetServerInfo{}, &server); err != nil {
		return problem(err)
	}
	var sinks proto.GetSinkInfoListReply
	if err := link.request(&proto.GetSinkInfoList{}, &sinks); err != nil {
		return problem(err)
	}
	var list []DeviceInfo
	for _, s := range sinks {
		list = append(list, DeviceInfo{
			Spec:    "pulse:" + s.SinkName,
			Name:    s.Device,
			Default: s.SinkName == server.DefaultSinkName,
		})
	}
	if len(list) == 0 {
		return []DeviceInfo{{Spec: "pulse", Problem: "the sound server has no sink to play to; plug in a speaker"}}
	}
	return list
}
