package cli

import (
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"path"
	"strings"
	"text/tabwriter"

	"guided/config"
	"guided/homeassistant"
	"guided/routines"
	"guided/web"
)

type blueprintCommand struct {
	Name string `arg:"" optional:"" help:"The blueprint to write; without it they are listed."`
	sheet
}

// Run writes a blueprint with our topics in it, or lists them all.
func (o *blueprintCommand) Run(p *process) error {
	all, err := homeassistant.Blueprints()
	if err != nil {
		return err
	}
	switch {
	case o.Name == "" && p.json:
		return p.printJSON(all)
	case o.Name == "":
		t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		for _, b := range all {
			fmt.Fprintf(t, "%s\t%s\n", b.Name, b.Title)
		}
		return t.Flush()
	}
	c, err := p.settings()
	if err != nil {
		return err
	}
	var names []string
	for _, b := range all {
		if b.Name == o.Name {
			return o.put(p, b.For(c.MQTT.Prefix+"/"+c.Node, speakerFiles(p, c)))
		}
		names = append(names, b.Name)
	}
	if near := routines.Nearest(o.Name, names); near != "" {
		return fmt.Errorf("no blueprint %q; did you mean %q?", o.Name, near)
	}
	return fmt.Errorf("no blueprint %q; there are %s", o.Name, strings.Join(names, ", "))
}

// speakerFiles is where the files for speakers lie, "" where no speaker reaches them.
func speakerFiles(p *process, c config.Config) string {
	at := c.Web
	at.State = config.StateDir()
	urls := web.URLs(at, p.logger(slog.LevelWarn))
	if urls == nil {
		return ""
	}
	where, _ := path.Split(urls("x")["wav"])
	u, err := url.Parse(where)
	if err != nil {
		return ""
	}
	if host := u.Hostname(); host == "localhost" || net.ParseIP(host).IsLoopback() {
		return ""
	}
	return where
}
