package cli

import (
	"fmt"
	"time"

	"guided/config"
	"guided/player"
	"guided/routines"
)

// parameters are the parameters of a start, as flags of play, render, show, check and prove.
type parameters struct {
	For       time.Duration `help:"The whole length, such as 5m." placeholder:"5m"`
	Voice     string        `help:"Who speaks: an embedded voice, or a folder of recordings." placeholder:"NAME"`
	Verbosity string        `help:"How much is said: full, short or minimal." placeholder:"short"`
	Holds     *bool         `help:"Breathe with the breath holds, or without." negatable:""`
	Bed       string        `help:"What sounds under it: rain, waves, brown, drone, a sound file, or none." placeholder:"rain"`
	Quiet     bool          `help:"Softly, as in the quiet hours."`
}

// player converts the flags to the parameters of a player's command.
func (o parameters) player() player.Parameters {
	return player.Parameters{For: o.For, Voice: o.Voice, Verbosity: routines.Verbosity(o.Verbosity), Holds: o.Holds, Bed: o.Bed}
}

// options puts the flags over the settings.
func (o parameters) options(c config.Config) (routines.Options, error) {
	options := defaults(c).Options(o.player())
	options.Quiet = options.Quiet || o.Quiet
	if err := options.Check(); err != nil {
		return options, fmt.Errorf("--%w", err)
	}
	return options, nil
}

// defaults are the settings that the parameters of a start override.
func defaults(c config.Config) player.Defaults {
	return player.Defaults{Verbosity: c.Voice.Verbosity, NoHolds: !c.Routines.Holds, Quiet: c.QuietNow}
}
