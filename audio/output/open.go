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

// outputForms is what the setting audio.output may say.
const outputForms = "auto, pulse, pulse:SINK, alsa, alsa:DEVICE, wav:FILE, snapcast:URL, or null"

// Open makes the output that spec names, which plays leadIn frames of silence before each Play. It opens no device:
// one that is away now may be there at Play.
func Open(spec string, leadIn int, log *slog.Logger) (audio.Output, error) {
	if leadIn < 0 {
		return nil, fmt.Errorf("a lead-in of %d frames is negative", leadIn)
	}
	open, err := opener(spec, log)
	if err != nil {
		return nil, err
	}
	return &speaker{open, leadIn}, nil
}

func opener(spec string, log *slog.Logger) (func(context.Context) (device, error), error) {
	kind, arg, more := strings.Cut(strings.TrimSpace(spec), ":")
	if more && arg == "" {
		return nil, fmt.Errorf("%q names nothing after the colon; use %s", spec, outputForms)
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
		o, err := newSnapcast(arg, log)
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
	return nil, fmt.Errorf("there is no output %q; use %s%s", spec, outputForms, hint)
}

// autoOutput is the output "auto": the sound server where one answers, else ALSA's default device. It looks anew at
// each Play, so a server that starts later is found. Play is called by one goroutine at a time.
type autoOutput struct {
	pulse  *pulseOutput
	alsa   *alsaOutput
	log    *slog.Logger
	choice string
}

func (o *autoOutput) open(ctx context.Context) (device, error) {
	d, err := o.pulse.open(ctx)
	if none := (noServer{}); !errors.As(err, &none) {
		if err == nil {
			o.chosen("pulse")
		}
		return d, err
	}
	d, other := o.alsa.open(ctx)
	if other != nil {
		o.choice = ""
		return nil, fmt.Errorf("there is nothing to play to: %w; and %w", err, other)
	}
	o.chosen("alsa")
	return d, nil
}

func (o *autoOutput) chosen(name string) {
	if o.choice != name {
		o.log.Info("the output was chosen", "output", name)
		o.choice = name
	}
}

// Try opens the device that spec names and closes it again: nil where a Play would sound now. It plays nothing.
func Try(ctx context.Context, spec string, log *slog.Logger) error {
	open, err := opener(spec, log)
	if err != nil {
		return err
	}
	d, err := open(ctx)
	if err != nil {
		return err
	}
	return d.close(0)
}
