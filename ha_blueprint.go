package main

import (
	"embed"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"path"
	"regexp"
	"strings"
	"text/tabwriter"

	"guided/routines"
	"guided/web"
)

// blueprintFiles are automations for people to fill in. Each can also be imported as it stands in the repository.
// https://www.home-assistant.io/docs/blueprint/schema/
//
//go:embed blueprints/*.yaml
var blueprintFiles embed.FS

type blueprintCommand struct {
	Name string `arg:"" optional:"" help:"The blueprint to write; without it they are listed."`
	sheet
}

// blueprint is one of them.
type blueprint struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	text  string
}

// Run writes a blueprint with our topics in it, or lists them all.
func (o *blueprintCommand) Run(p *process) error {
	all, err := blueprints()
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
			return o.put(p, c.base(c.here(b.text), p))
		}
		names = append(names, b.Name)
	}
	if near := routines.Nearest(o.Name, names); near != "" {
		return fmt.Errorf("no blueprint %q; did you mean %q?", o.Name, near)
	}
	return fmt.Errorf("no blueprint %q; there are %s", o.Name, strings.Join(names, ", "))
}

// blueprints are those inside the program, by name.
func blueprints() ([]blueprint, error) {
	files, err := blueprintFiles.ReadDir("blueprints")
	if err != nil {
		return nil, err
	}
	var all []blueprint
	for _, file := range files {
		text, err := blueprintFiles.ReadFile(path.Join("blueprints", file.Name()))
		if err != nil {
			return nil, err
		}
		title := regexp.MustCompile(`(?m)^  name: "(.*)"$`).FindSubmatch(text)
		if title == nil {
			return nil, fmt.Errorf("the blueprint %s has no name", file.Name())
		}
		all = append(all, blueprint{strings.TrimSuffix(file.Name(), ".yaml"), string(title[1]), string(text)})
	}
	return all, nil
}

// base fills in where our files are, when speakers can reach them.
func (c config) base(text string, p *process) string {
	at := c.Web
	at.State = stateFolder()
	urls := web.URLs(at, p.logger(slog.LevelWarn))
	if urls == nil {
		return text
	}
	where, _ := path.Split(urls("x")["wav"])
	u, err := url.Parse(where)
	if err != nil {
		return text
	}
	if host := u.Hostname(); host == "localhost" || net.ParseIP(host).IsLoopback() {
		return text
	}
	return regexp.MustCompile(`(?s)(    base:\n.*?default: )""`).ReplaceAllString(text, "${1}"+quoted(where))
}
