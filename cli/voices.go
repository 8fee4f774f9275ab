package cli

import (
	"fmt"
	"guided/audio/voice"
	"strings"
)

type voicesCommand struct {
	List  voicesListCommand  `cmd:"" default:"1" help:"List the embedded voices, and what speaks the rest."`
	Build voicesBuildCommand `cmd:"" help:"Record a voice with a speech program or a Wyoming server: a folder of clips and an index."`
}

type voicesListCommand struct{}

// Run tells which voices there are.
func (voicesListCommand) Run(p *process) error {
	c, err := p.settings()
	if err != nil {
		return err
	}
	for _, name := range voice.EmbeddedVoices() {
		v, err := v(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "%s: %d phrases, %s\n", name, len(v.Clips), v.About)
	}
	e, err := engine(c)
	if err != nil {
		return err
	}
	if e == nil {
		_, err = fmt.Fprintln(p.stdout, "what it lacks is a tone: no engine is set or installed")
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "what it lacks is spoken by: %s\n", strings.TrimSpace(strings.Join(e.Name(), " ")))
	return err
}
