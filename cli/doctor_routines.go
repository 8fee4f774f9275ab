package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"guided/config"
	"guided/routines"
)

func (p *process) lookAtRoutines(c config.Config) (string, error) {
	_, err := os.ReadDir(c.Routines.Dir)
	none := c.Routines.Dir == "" || errors.Is(err, fs.ErrNotExist)
	if err != nil && !none {
		return "", fmt.Errorf("the folder of routines: %w; look at routines.dir", err)
	}
	l := library(c)
	names, err := l.Names()
	if err != nil {
		return "", err
	}
	var broken []string
	for _, name := range names {
		if _, err := l.Load(name); err != nil {
			broken = append(broken, name)
		}
	}
	if len(broken) > 0 {
		return "", fmt.Errorf("%d of %d cannot be played; run: guided check %s", len(broken), len(names), strings.Join(broken, " "))
	}
	if none {
		return fmt.Sprintf("%d built in, none of your own", len(names)), nil
	}
	return fmt.Sprintf("%d, your own from %s", len(names), c.Routines.Dir), nil
}

// lookAtPhrases counts what nothing on this machine can say.
func (p *process) lookAtPhrases(c config.Config) (string, error) {
	l := library(c)
	b, err := bank(c, l, p.logger(slog.LevelError))
	if err != nil {
		return "", err
	}
	e, err := engine(c)
	if err != nil {
		return "", err
	}
	names, _ := l.Names() // what cannot be read is told of the routines, here and below
	lacking := map[string]bool{}
	var where []string
	for _, name := range names {
		r, err := l.Load(name)
		if err != nil {
			continue
		}
		clips, err := routines.Clips(r)
		if err != nil {
			continue
		}
		all := true
		for _, clip := range clips {
			if _, has := b.Measure(clip); !has && clip.Say != "" {
				lacking[clip.Say], all = true, false
			}
		}
		if !all {
			where = append(where, name)
		}
	}
	switch {
	case len(lacking) == 0:
		return "every phrase of every routine is recorded", nil
	case e == nil:
		return "", fmt.Errorf("tones take the place of %d phrases; install espeak-ng or set voice.engine, and run: guided check %s", len(lacking), strings.Join(where, " "))
	}
	return fmt.Sprintf("%d are left to %s, in %s", len(lacking), e.Name()[0], strings.Join(where, ", ")), nil
}
