package cli

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"guided/audio/mix"
	"guided/config"
	"guided/player"
	"guided/routines"
)

// parameters are what a start may be given; play, render, show and prove take them as flags.
type parameters struct {
	For       time.Duration `help:"The whole length, such as 5m." placeholder:"5m"`
	Voice     string        `help:"Who speaks: an embedded voice, or a folder of recordings." placeholder:"NAME"`
	Verbosity string        `help:"How much is said: full, short or minimal." placeholder:"short"`
	Holds     *bool         `help:"Breathe with the breath holds, or without." negatable:""`
	Bed       string        `help:"What sounds under it: rain, waves, brown, drone, a sound file, or none." placeholder:"rain"`
	Quiet     bool          `help:"Softly, as in the quiet hours."`
}

// player is the flags as the transport takes them.
func (o parameters) player() player.Parameters {
	return player.Parameters{For: o.For, Voice: strings.ToLower(o.Voice), Verbosity: routines.Verbosity(o.Verbosity), Holds: o.Holds, Bed: o.Bed}
}

// options is the flags over the settings.
func (o parameters) options(c config.Config) (routines.Options, error) {
	options := routines.Options{
		For: o.For, Verbosity: cmp.Or(routines.Verbosity(o.Verbosity), c.Voice.Verbosity), NoHolds: !c.Routines.Holds, Bed: o.Bed, Quiet: o.Quiet || c.QuietNow(),
	}
	if o.Holds != nil {
		options.NoHolds = !*o.Holds
	}
	if err := options.Check(); err != nil {
		return options, fmt.Errorf("--%w", err)
	}
	return options, nil
}

// open is process.open with the voice and the options asked for.
func (o parameters) open(p *process) (routines.Library, *mix.Bank, routines.Options, error) {
	c, err := p.settings()
	if err != nil {
		return nil, nil, routines.Options{}, err
	}
	options, err := o.options(c)
	if err != nil {
		return nil, nil, options, err
	}
	l, b, err := p.open()
	if err == nil {
		b, err = b.In(strings.ToLower(o.Voice))
	}
	return l, b, options, err
}
