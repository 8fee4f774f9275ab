package cli

import "guided/homeassistant"

type sentencesCommand struct {
	Lang string `help:"The language of the sentences." enum:"en" default:"en"`
	sheet
}

// Run writes what a person may say to Assist, for the routines that there are.
func (o *sentencesCommand) Run(p *process) error {
	c, err := p.settings()
	if err != nil {
		return err
	}
	text, err := homeassistant.Sentences(library(c))
	if err != nil {
		return err
	}
	return o.put(p, text)
}
