package cli

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"
)

// stamp is the version of a release, its commit and the commit's date, with spaces between them. It is set at link time with
// -ldflags "-X 'guided/cli.stamp=...'".
var stamp string

// A Build says what this program was made from.
type Build struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"` // empty where it was not made in a checkout
	Date    string `json:"date,omitempty"`   // of the commit, RFC 3339
	Changed bool   `json:"changed,omitempty"`
	Go      string `json:"go"`
	System  string `json:"system"`
}

// thisBuild is what the stamp says, or what the Go toolchain recorded of the checkout.
func thisBuild() Build {
	b := Build{Version: "unknown", Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			b.Version = info.Main.Version
		}
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Commit = s.Value
			case "vcs.time":
				b.Date = s.Value
			case "vcs.modified":
				b.Changed = s.Value == "true"
			}
		}
	}
	if words := strings.Fields(stamp); len(words) == 3 {
		b.Version, b.Commit, b.Date = words[0], words[1], words[2]
	}
	return b
}

// version is what the daemon and the packages call this program.
func version() string { return thisBuild().Version }

// print writes the version to w in one line.
func (b Build) print(w io.Writer) error {
	text := "guided " + b.Version
	if b.Commit != "" {
		text += fmt.Sprintf(" (commit %.12s of %.10s", b.Commit, b.Date)
		if b.Changed {
			text += ", changed since"
		}
		text += ")"
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

type versionCommand struct{}

func (versionCommand) Run(p *process) error {
	if p.json {
		return p.printJSON(thisBuild())
	}
	return thisBuild().print(p.stdout)
}

// versionFlag is --version, which needs no command.
type versionFlag bool

func (versionFlag) BeforeReset(k *kong.Kong) error {
	if err := thisBuild().print(k.Stdout); err != nil {
		return err
	}
	k.Exit(0)
	return nil
}
