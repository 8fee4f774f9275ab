package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"guided/audio"
)

type devicesCommand struct{}

// Run lists what could be opened on this machine, as it is written in the settings.
func (devicesCommand) Run(p *process) error {
	list := audio.Devices(p.ctx)
	if p.json {
		return p.printJSON(list)
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, d := range list {
		switch {
		case d.Problem != "":
			fmt.Fprintf(t, "%s\tcannot be used: %s\n", d.Spec, d.Problem)
		case d.Default:
			fmt.Fprintf(t, "%s\t%s (default)\n", d.Spec, d.Name)
		default:
			fmt.Fprintf(t, "%s\t%s\n", d.Spec, d.Name)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if !playable(list) {
		fmt.Fprintln(p.stdout, "there is no sound device on this machine; wav:FILE and null work everywhere")
	}
	return nil
}

// playable tells whether there is a device that makes a sound.
func playable(list []audio.Device) bool {
	for _, d := range list {
		if d.Problem == "" && (strings.HasPrefix(d.Spec, "pulse") || strings.HasPrefix(d.Spec, "alsa")) {
			return true
		}
	}
	return false
}
