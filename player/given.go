package player

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"
)

// maxGiven is how many of the last commands are remembered.
const maxGiven = 20

// GivenCommand is one of the last commands: what somebody reads who asks why it spoke, or why it did not.
type GivenCommand struct {
	At      time.Time `json:"at"`
	Verb    string    `json:"verb"`
	Routine string    `json:"routine,omitempty"`
	From    string    `json:"from"`            // as in Command; "unknown"
	Error   string    `json:"error,omitempty"` // why it was refused; empty: it was carried out
}

// Given are the last commands, the newest last. Questions for the status are none of them.
func (p *Player) Given() []GivenCommand {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]GivenCommand{}, p.given...) // an empty list is one in JSON too
}

// Report is the answer to a question for the status.
type Report struct {
	State    State          `json:"state"`    // as it is published
	Commands []GivenCommand `json:"commands"` // as Given has them
}

func (p *Player) report() *Report {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &Report{p.state(), append([]GivenCommand{}, p.given...)}
}

// logged is answer, which first remembers the command and logs it, in one line.
func (p *Player) logged(c Command, answer func(Response)) func(Response) {
	return func(r Response) {
		if c.Verb == "status" {
			answer(r)
			return
		}
		given := GivenCommand{p.now(), shorten(c.Verb), shorten(c.Routine), cmp.Or(c.From, "unknown"), r.Error}
		p.mu.Lock()
		if len(p.given) == maxGiven {
			p.given = slices.Delete(p.given, 0, 1)
		}
		p.given = append(p.given, given)
		p.mu.Unlock()
		line := []slog.Attr{slog.String("verb", given.Verb), slog.String("from", given.From)}
		if given.Routine != "" {
			line = append(line, slog.String("routine", given.Routine))
		}
		what := "a command was carried out"
		switch {
		case r.Error != "":
			what = "a command was refused"
			line = append(line, slog.String("err", r.Error))
		case r.Unchanged:
			what = "a command changed nothing"
		}
		p.cfg.Log.LogAttrs(context.Background(), slog.LevelInfo, what, line...)
		answer(r)
	}
}
