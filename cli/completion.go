package cli

import (
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"guided/audio/voice"
	"guided/config"
	"guided/player"
	"guided/routines"
)

// What connects a shell with `guided complete`, which knows the words.
var (
	//go:embed completion.bash
	bashCompletion string
	//go:embed completion.zsh
	zshCompletion string
	//go:embed completion.fish
	fishCompletion string
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"The shell: bash, zsh or fish."`
}

// Run prints the script of a shell.
func (o *completionCommand) Run(p *process) error {
	scripts := map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}
	_, err := io.WriteString(p.stdout, scripts[o.Shell])
	return err
}

type completeCommand struct {
	Words []string `arg:"" optional:"" passthrough:"" help:"After --: the words behind guided; the last one is to be completed."`
}

// A candidate is a word that may stand at a place, with what it means.
type candidate struct{ word, about string }

// Run prints every word that the last one could become, a line each, with a tab before its meaning. It prints nothing where a
// file is meant, and where nothing is known.
func (o *completeCommand) Run(p *process, c *kong.Context) error {
	words := o.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	if len(words) == 0 {
		words = []string{""}
	}
	last := words[len(words)-1]
	for _, candidate := range candidates(p, c.Model.Node, words[:len(words)-1], last) {
		if !strings.HasPrefix(candidate.word, last) {
			continue
		}
		if _, err := fmt.Fprintf(p.stdout, "%s\t%s\n", candidate.word, candidate.about); err != nil {
			return err
		}
	}
	return nil
}

// candidates lists what may stand behind the words before.
func candidates(p *process, root *kong.Node, before []string, last string) (all []candidate) {
	node, arguments, flags := root, []string{}, slices.Clone(root.Flags)
	var awaits *kong.Flag // its value is the next word
	for _, word := range before {
		child := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == word && !n.Hidden })
		isFlag := strings.HasPrefix(word, "-") && word != "-"
		switch {
		case awaits != nil:
			if awaits.Name == "config" {
				p.config = word
			}
			awaits = nil
		case isFlag && !node.Passthrough:
			named := func(f *kong.Flag) bool { return word == "--"+f.Name || f.Short != 0 && word == "-"+string(f.Short) }
			if i := slices.IndexFunc(flags, named); i >= 0 && !flags[i].IsBool() {
				awaits = flags[i]
			}
		case child >= 0:
			node = node.Children[child]
			flags = append(flags, node.Flags...)
		default:
			arguments = append(arguments, word)
		}
	}
	switch {
	case awaits != nil:
		return flagValues(awaits)
	case strings.HasPrefix(last, "-"):
		for _, f := range flags {
			if !f.Hidden {
				all = append(all, candidate{"--" + f.Name, f.Help})
			}
		}
		return all
	}
	for _, child := range node.Children {
		if !child.Hidden {
			all = append(all, candidate{child.Name, child.Help})
		}
	}
	return append(all, argumentValues(p, node.Name, arguments)...)
}

// flagValues lists what a flag may be set to, where that is a short list.
func flagValues(f *kong.Flag) (all []candidate) {
	values := f.EnumSlice()
	switch f.Name {
	case "voice":
		values = voice.EmbeddedVoices()
	case "verbosity":
		values = routines.Verbosities()
	case "position":
		values = routines.Positions()
	case "level":
		values = routines.Levels()
	}
	for _, v := range values {
		all = append(all, candidate{v, ""})
	}
	return all
}

// argumentValues lists what may stand behind the arguments of a command.
func argumentValues(p *process, command string, before []string) (all []candidate) {
	switch {
	case command == "completion" && len(before) == 0:
		return []candidate{{"bash", ""}, {"zsh", ""}, {"fish", ""}}
	case command == "send" && len(before) == 0:
		for _, verb := range player.Verbs() {
			all = append(all, candidate{verb, ""})
		}
		return all
	case command == "send" && len(before) == 1 && slices.Contains([]string{"start", "select"}, before[0]),
		command == "check",
		slices.Contains([]string{"play", "render", "show", "prove"}, command) && len(before) == 0:
		c, err := config.Load(p.config)
		if err != nil { // the command itself will say so
			return nil
		}
		index := routines.NewIndex(newLibrary(c))
		names, _ := index.Names(p.ctx)
		for _, name := range names {
			about := ""
			if r, err := index.Load(p.ctx, name); err == nil {
				about = r.Title
			}
			all = append(all, candidate{name, about})
		}
	}
	return all
}
