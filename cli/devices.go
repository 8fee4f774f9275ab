package cli

import (
	"fmt"
	"log/slog"
	"text/tabwriter"

	"guided/audio/output"
)

type devicesCommand struct{}

// Run lists the outputs of this machine as audio.output names them.
func (devicesCommand) Run(p *process) error {
	list := output.Devices(p.ctx)
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
	if err := output.Probe(p.ctx, "auto", p.logger(slog.LevelWarn)); err != nil {
		fmt.Fprintf(p.stdout, "auto finds no sound here: %v\nwav:FILE and null work everywhere\n", err)
	}
	return nil
}
