package cli

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"

	"guided/audio/output"
	"guided/keys"
)

type devicesCommand struct{}

// Run lists the outputs of this machine as audio.output names them, and its remotes and keyboards as keys.devices does.
func (devicesCommand) Run(p *process) error {
	list := output.Devices(p.ctx)
	c, err := p.settings()
	inputs := keys.Devices(c.Keys)
	if p.json {
		if err != nil {
			return err
		}
		return p.printJSON(struct {
			Outputs []output.DeviceInfo `json:"outputs"`
			Keys    []keys.DeviceInfo   `json:"keys"`
		}{list, inputs})
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
	if err != nil { // what a device's keys ask for is unknown
		return err
	}
	for _, d := range inputs {
		if err := printKeys(p.stdout, d); err != nil {
			return err
		}
	}
	return nil
}

// printKeys prints a device with keys, and what they ask for.
func printKeys(w io.Writer, d keys.DeviceInfo) error {
	says := "not used: " + d.Why
	if d.Used {
		says = "used"
	}
	var asks []string
	for _, k := range d.Keys {
		asks = append(asks, k.Name+" "+k.Command)
	}
	_, err := fmt.Fprintf(w, "\n%s  %s\n    %s\n    %s\n", d.Path, d.Name, says, strings.Join(asks, ", "))
	return err
}
