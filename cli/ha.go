package cli

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"guided/config"
	"guided/homeassistant"
	"guided/mqtt"
	"guided/routines"
	"guided/web"
)

// haCommand holds the commands that make or remove what Home Assistant keeps of the daemon.
type haCommand struct {
	Sentences sentencesCommand `cmd:"" help:"Write the sentences that Assist understands, for your routines."`
	Package   packageCommand   `cmd:"" help:"Write the package that answers the sentences."`
	Blueprint blueprintCommand `cmd:"" help:"List the blueprints for automations, or write one."`
	Purge     purgeCommand     `cmd:"" help:"Take everything that the daemon left with the broker away, and its device in Home Assistant."`
}

type sentencesCommand struct {
	Lang string `help:"The language of the sentences." enum:"en" default:"en"`
	outputFile
}

// Run writes the sentences of Assist for the routines of the library.
func (o *sentencesCommand) Run(p *process) error {
	c, err := p.settings()
	if err != nil {
		return err
	}
	text, err := homeassistant.Sentences(p.ctx, newLibrary(c))
	if err != nil {
		return err
	}
	return o.write(p, text)
}

type packageCommand struct{ outputFile }

// Run writes the package of scripts that carry out the sentences.
func (o *packageCommand) Run(p *process) error {
	c, err := p.settings()
	if err != nil {
		return err
	}
	return o.write(p, homeassistant.Package(c.MQTT.Prefix+"/"+c.Node, c.HomeAssistant.Name))
}

type blueprintCommand struct {
	Name string `arg:"" optional:"" help:"The blueprint to write; without it they are listed."`
	outputFile
}

// Run writes a blueprint with the daemon's topics in it, or lists all blueprints.
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
			return o.write(p, b.For(c.MQTT.Prefix+"/"+c.Node, speakerFiles(p, c)))
		}
		names = append(names, b.Name)
	}
	if near := routines.Nearest(o.Name, names); near != "" {
		return fmt.Errorf("no blueprint %q; did you mean %q?", o.Name, near)
	}
	return fmt.Errorf("no blueprint %q; there are %s", o.Name, strings.Join(names, ", "))
}

// speakerFiles is the URL of the folder with the files for speakers; "" when speakers cannot reach it, or when the
// daemon's token cannot be read, which is said with what to do.
func speakerFiles(p *process, c config.Config) string {
	if c.Web.Listen == "" || web.PageURL(c.Web) == "" {
		return ""
	}
	token, err := web.ReadToken(c.Web, config.StateDir())
	if err != nil {
		fmt.Fprintf(p.stderr, "The address of the files for speakers is left out: only the daemon knows its token (%v).\n"+
			"Run this command as the user of the daemon, or take an address of \"urls\" from the topic %s/%s/info, or set web.token.\n", err, c.MQTT.Prefix, c.Node)
		return ""
	}
	folder, _ := path.Split(web.FileURLs(c.Web, token)("x")["wav"])
	u, err := url.Parse(folder)
	if err != nil {
		return ""
	}
	if host := u.Hostname(); host == "localhost" || net.ParseIP(host).IsLoopback() {
		return ""
	}
	return folder
}

type purgeCommand struct{}

// Run removes the retained messages of the daemon from the broker, and its record of them. It refuses while the daemon
// runs.
func (purgeCommand) Run(p *process) error {
	c, err := p.settings()
	if err != nil {
		return err
	}
	if c.MQTT.Broker == "" {
		return errors.New("the broker inside guided keeps nothing when it ends: there is nothing to remove; where Home Assistant still shows the device, delete it there")
	}
	log := p.logger(slog.LevelWarn)
	id, err := config.TakeIdentity(p.config)
	switch {
	case errors.Is(err, config.ErrIdentityTaken):
		return mqtt.ErrOnline
	case err != nil:
		log.Warn("the daemon's record of what it published cannot be read; the retained messages on the broker are used", "err", err)
	default:
		defer id.Release()
	}
	removed, err := mqtt.Purge(p.ctx, c.MQTTOptions(id), log)
	if err != nil && len(removed) == 0 {
		return err
	}
	if p.json {
		if removed == nil {
			removed = []string{}
		}
		return errors.Join(err, p.printJSON(map[string]any{"broker": c.MQTT.Broker, "removed": removed}))
	}
	for _, topic := range removed {
		fmt.Fprintln(p.stdout, "removed", topic)
	}
	if len(removed) == 0 {
		fmt.Fprintf(p.stdout, "%s keeps nothing of %s\n", c.MQTT.Broker, c.Node)
	}
	for _, broker := range mqtt.OtherBrokers(c.MQTTOptions(id), log) {
		fmt.Fprintf(p.stdout, "%s may keep something too; name it as mqtt.broker, and purge again\n", broker)
	}
	return err
}

// outputFile is the flag for the file that a command writes.
type outputFile struct {
	Output string `short:"o" help:"The file to write; standard output by default." placeholder:"FILE"`
}

// write replaces the file once the text is whole, and makes its folders where they are missing.
func (s outputFile) write(p *process, text string) error {
	if dir := filepath.Dir(s.Output); s.Output != "" {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("writing to %s: %w", s.Output, err)
		}
	}
	t, err := newTarget(s.Output, p.stdout, false)
	if err != nil {
		return err
	}
	if err := t.write(p.ctx, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}); err != nil {
		return fmt.Errorf("writing to %s: %w", s.Output, err)
	}
	if !t.stdout {
		fmt.Fprintf(p.stderr, "%s is written\n", s.Output)
	}
	return nil
}
