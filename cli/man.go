package cli

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"

	"guided/config"
)

type manCommand struct {
	Section string `arg:"" default:"1" enum:"1,5" help:"1: the commands; 5: the settings."`
}

// Run prints a page of the manual in the language of man(7), made from the help of the commands, or from the commented settings. It holds
// no date: the same program prints the same page.
func (o *manCommand) Run(p *process, c *kong.Context) error {
	page := commandsPage
	if o.Section == "5" {
		page = func(*kong.Application) string { return settingsPage() }
	}
	_, err := io.WriteString(p.stdout, page(c.Model))
	return err
}

// roff escapes a text for the body of a page: hyphens that are typed, backslashes, and what begins a line as a request would.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	return regexp.MustCompile(`(?m)^([.'])`).ReplaceAllString(text, `\&$1`)
}

// commandsPage is guided(1).
func commandsPage(app *kong.Application) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH GUIDED 1 \"\" \"guided\" \"User Commands\"\n.SH NAME\nguided \\- %s\n", roff(strings.TrimSuffix(strings.ToLower(app.Help[:1])+app.Help[1:], ".")))
	b.WriteString(".SH SYNOPSIS\n.B guided\n[flags] command [arguments]\n.SH DESCRIPTION\n")
	b.WriteString(roff("guided plays voice-guided routines: spoken cues, breathing counts, holds, sides and reps, at exact times. "+
		"The daemon (guided serve) is told over MQTT, by the page, by keys or by guided send; the other commands need none unless they say so.") + "\n")
	b.WriteString(".SH FLAGS OF EVERY COMMAND\n")
	writeFlags(&b, app.Flags)
	b.WriteString(".SH COMMANDS\n")
	for _, command := range app.Leaves(true) {
		fmt.Fprintf(&b, ".SS %s\n%s\n", roff("guided "+command.Summary()), roff(command.Help))
		for _, argument := range command.Positional {
			fmt.Fprintf(&b, ".TP\n.I %s\n%s\n", roff(argument.Summary()), roff(argument.Help))
		}
		for node := command; node.Type == kong.CommandNode; node = node.Parent {
			writeFlags(&b, node.Flags)
		}
	}
	b.WriteString(".SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage.\n.SH FILES\n")
	for _, f := range [][2]string{
		{"~/.config/guided/guided.toml, /etc/guided/guided.toml", "The settings; the first that exists is read. See guided.toml(5)."},
		{"/etc/guided/secrets/", "What the service alone may read: the broker's password, the page's token."},
		{"/var/lib/guided/", "What the service keeps: its identity, the history, the place of a lost session; routines/ holds your own routines."},
		{"/var/cache/guided/", "What the service can make again."},
		{"~/.local/state/guided/, ~/.cache/guided/", "The same of a guided that runs as a user."},
	} {
		fmt.Fprintf(&b, ".TP\n.I %s\n%s\n", roff(f[0]), roff(f[1]))
	}
	b.WriteString(".SH SEE ALSO\n.BR guided.toml (5),\nthe documents in /usr/share/doc/guided\n")
	return b.String()
}

func writeFlags(b *strings.Builder, flags []*kong.Flag) {
	for _, f := range flags {
		if f.Hidden {
			continue
		}
		name := "--" + f.Name
		if f.Tag.Negatable != "" {
			name = "--[no-]" + f.Name
		}
		if !f.IsBool() && !f.IsCounter() {
			name += "=" + f.FormatPlaceHolder()
		}
		if f.Short != 0 {
			name = fmt.Sprintf("-%c, %s", f.Short, name)
		}
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roff(name), roff(f.Help))
	}
}

// settingsPage is guided.toml(5): the commented file of defaults as it is.
func settingsPage() string {
	return ".TH GUIDED.TOML 5 \"\" \"guided\" \"File Formats\"\n.SH NAME\nguided.toml \\- the settings of guided\n.SH DESCRIPTION\n" +
		roff("Every line below is the default, and everything may be left out. guided doctor tells what is wrong in your file.") +
		"\n.PP\n.nf\n" + roff(config.Defaults()) + ".fi\n.SH SEE ALSO\n.BR guided (1)\n"
}
