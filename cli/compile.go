package cli

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"guided/audio/mix"
	"guided/player"
	"guided/routines"
)

// compiler turns the name of a routine into its score, with the voice and the options of the flags over the settings.
// It is the one way from a name to a score for every command that plays no session; the player has its own.
type compiler struct {
	p       *process
	library *routines.Index
	bank    *mix.Bank
	options routines.Options
	end     *player.Deadline // nil: it does not matter when it ends

	routinesProblem error // why the user's own routines are not in the library
}

// compiler loads the settings and puts the flags over them.
func (o parameters) compiler(p *process) (*compiler, error) {
	c, err := p.settings()
	if err != nil {
		return nil, err
	}
	options, err := o.options(c)
	if err != nil {
		return nil, err
	}
	end, err := o.deadline(c)
	if err != nil {
		return nil, err
	}
	l := newLibrary(c)
	b, err := newBank(c, l, p.logger(slog.LevelWarn))
	if err != nil {
		return nil, err
	}
	if b, err = b.ForVoice(o.Voice); err != nil {
		return nil, err
	}
	return &compiler{p, routines.NewIndex(l), b, options, end, c.RoutinesProblem()}, nil
}

// score finds a routine, synthesizes the phrases that the voice lacks, which may take minutes the first time, and
// compiles. Phrases that cannot be spoken are reported on stderr; tones take their place.
func (c *compiler) score(name string) (*routines.Routine, *routines.Score, error) {
	r, err := c.routine(name)
	if err != nil {
		return nil, nil, err
	}
	clips, err := routines.Clips(c.p.ctx, r)
	if err != nil {
		return nil, nil, err
	}
	if err := c.bank.Prepare(c.p.ctx, clips); err != nil {
		if c.p.ctx.Err() != nil {
			return nil, nil, err
		}
		fmt.Fprintf(c.p.stderr, "guided: some phrases cannot be spoken: %v\n", err)
	}
	options := c.options
	if c.end != nil {
		c.end.Fit(&options, time.Now())
	}
	score, err := routines.Compile(c.p.ctx, r, c.bank.Measure, options)
	if c.end != nil && err != nil {
		err = c.end.Explain(err, time.Now())
	}
	return r, score, err
}

// routine parses a file, whatever its ending, or finds the name or title in the library.
func (c *compiler) routine(name string) (*routines.Routine, error) {
	if !strings.HasSuffix(name, ".toml") && !(strings.Contains(name, ".") && isFile(name)) {
		return c.library.Load(c.p.ctx, name)
	}
	data, err := routines.ReadFile(c.p.ctx, name)
	if err != nil {
		return nil, err
	}
	return c.library.Check(c.p.ctx, name, data)
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && !info.IsDir()
}

// renderer compiles a routine; its sounds are loaded as they come.
func (c *compiler) renderer(name string) (*routines.Score, *mix.OfflineRenderer, error) {
	_, score, err := c.score(name)
	if err != nil {
		return nil, nil, err
	}
	sound, err := c.bank.RenderOffline(c.p.ctx, score)
	return score, sound, err
}
