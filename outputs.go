package main

import (
	"fmt"
	"log/slog"

	"guided/audio"
	"guided/audio/output"
	"guided/routines"
)

// outputs is what the settings name, as one: the first is the clock, and clock tells which that is.
func (c config) outputs(log *slog.Logger) (out audio.Output, clock string, err error) {
	specs := []output.OutputSpec{{Spec: c.Audio.Output, Volume: 100}}
	for _, a := range c.Audio.Also {
		volume := 100
		if a.Volume != nil {
			volume = *a.Volume
		}
		specs = append(specs, output.OutputSpec{Spec: a.Output, Volume: volume})
	}
	out, clock, err = output.OpenAll(specs, routines.Samples(c.Audio.LeadIn.Duration), log)
	if err != nil {
		return nil, "", fmt.Errorf("audio.output: %w", err)
	}
	return out, clock, nil
}

// outputNames lists them as observers are told them, the clock first.
func (c config) outputNames() []string {
	names := []string{c.Audio.Output}
	for _, a := range c.Audio.Also {
		names = append(names, a.Output)
	}
	return names
}
