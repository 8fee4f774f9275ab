package cli

import (
	"fmt"
	"strings"
	"time"

	"guided/config"
	"guided/player"
	"guided/routines"
)

// parameters are the parameters of a start, as flags of play, render, show, check and prove.
type parameters struct {
	For       time.Duration `help:"The whole length, such as 5m." placeholder:"5m" xor:"end"`
	Until     string        `help:"When it ends, if it starts now: a time of the day, such as 08:10." placeholder:"08:10" xor:"end"`
	Voice     string        `help:"Who speaks: an embedded voice, or a folder of recordings." placeholder:"NAME"`
	Verbosity string        `help:"How much is said: full, short or minimal." placeholder:"short"`
	Holds     *bool         `help:"Breathe with the breath holds, or without." negatable:""`
	Bed       string        `help:"What sounds under it: rain, waves, brown, drone, a sound file, or none." placeholder:"rain"`
	FadeIn    time.Duration `help:"Let the sound rise over so long at the start." placeholder:"2m"`
	FadeOut   time.Duration `help:"Let the sound sink to silence over so long at the end." placeholder:"5m"`
	Quiet     bool          `help:"Softly, as in the quiet hours."`
}

// player converts the flags to the parameters of a player's command.
func (o parameters) player() player.Parameters {
	return player.Parameters{
		For: o.For, Until: o.Until, Voice: o.Voice, Verbosity: routines.Verbosity(o.Verbosity), Holds: o.Holds, Bed: o.Bed, FadeIn: o.FadeIn, FadeOut: o.FadeOut,
	}
}

// options puts the flags over the settings.
func (o parameters) options(c config.Config) (routines.Options, error) {
	options := defaults(c).Options(o.player())
	options.Quiet = options.Quiet || o.Quiet
	if err := options.Check(); err != nil {
		return options, fmt.Errorf("--%s", strings.Replace(err.Error(), "fade_", "fade-", 1))
	}
	return options, nil
}

// deadline is when the routine has to end that starts now; nil where it does not matter.
func (o parameters) deadline(c config.Config) (*player.Deadline, error) {
	if o.Until == "" {
		return nil, nil
	}
	d, err := player.NewDeadline(o.Until, time.Now().In(c.Zone()), 0)
	if err != nil {
		return nil, fmt.Errorf("--%w", err)
	}
	return d, nil
}

// defaults are the settings that the parameters of a start override.
func defaults(c config.Config) player.Defaults {
	return player.Defaults{Verbosity: c.Voice.Verbosity, NoHolds: !c.Routines.Holds, Quiet: c.QuietNow, Zone: c.Zone()}
}
