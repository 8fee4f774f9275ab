package main

import (
	"fmt"
	"strings"

	"guided/audio"
	"guided/routines"
)

type voicesCommand struct {
	List  voicesListCommand  `cmd:"" default:"1" help:"List the embedded voices, and what speaks the rest."`
	Build voicesBuildCommand `cmd:"" help:"Record a voice with a speech program: a folder of clips and an index."`
}

type voicesListCommand struct{}

// Run tells which voices there are.
func (voicesListCommand) Run(p *process) error {
	c, err := p.settings()
	if err != nil {
		return err
	}
	for _, name := range audio.EmbeddedVoices() {
		v, err := voice(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "%s: %d phrases, %s\n", name, len(v.Clips), v.About)
	}
	if args := engine(c); args != nil {
		fmt.Fprintf(p.stdout, "what it lacks is spoken by: %s\n", strings.Join(args, " "))
	} else {
		fmt.Fprintln(p.stdout, "what it lacks is a tone: no speech program is set or installed")
	}
	return nil
}

type voicesBuildCommand struct {
	Dir     string   `arg:"" help:"The voice's folder. What it has already is kept." type:"path"`
	Speaker []string `arg:"" passthrough:"" help:"After --: the program that reads a text and writes a WAV file, and its arguments."`
}

// Run speaks every phrase of the library that the folder does not have yet.
func (o *voicesBuildCommand) Run(p *process) error {
	c, err := p.settings()
	if err != nil {
		return err
	}
	texts, err := phrases(library(c))
	if err != nil {
		return err
	}
	speaker := o.Speaker
	if len(speaker) > 0 && speaker[0] == "--" {
		speaker = speaker[1:]
	}
	if len(speaker) == 0 {
		return fmt.Errorf("voices build: name the speech program after --, such as: -- espeak-ng --stdin --stdout")
	}
	b := audio.Builder{Dir: o.Dir, Speaker: speaker, Told: func(text string) { fmt.Fprintln(p.stdout, text) }}
	return b.Build(p.ctx, texts)
}

// phrases are every text that the library's routines may want.
func phrases(l routines.Library) ([]string, error) {
	names, err := l.Names()
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, name := range names {
		r, err := l.Load(name)
		if err != nil {
			return nil, err
		}
		clips, err := routines.Clips(r)
		if err != nil {
			return nil, err
		}
		for _, c := range clips {
			if c.Say != "" {
				texts = append(texts, c.Say)
			}
		}
	}
	return texts, nil
}
