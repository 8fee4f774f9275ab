package cli

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"guided/player"
)

// view shows a session in a terminal: one line that breathes. Where there is no terminal it writes a line a step.
type view struct {
	out       io.Writer
	live      bool
	state     player.State
	phase     player.Phase
	announced []player.Phase // announced, not yet heard
	shown     string
}

// redrawInterval is how often a terminal's line is drawn.
const redrawInterval = 100 * time.Millisecond

const breathWidth = 24

func newView(out io.Writer) *view { return &view{out: out, live: isTerminal(out)} }

// follow draws a session until ended says so, or the states end.
func (v *view) follow(feed player.Feed, ended func(player.Event) bool) {
	tick := time.NewTicker(redrawInterval)
	defer tick.Stop()
	for {
		select {
		case s, open := <-feed.States:
			if !open {
				return
			}
			v.state = s
		case ph := <-feed.Phases:
			v.announced = append(v.announced, ph)
		case e := <-feed.Events:
			v.printEvent(e)
			if ended(e) {
				return
			}
		case now := <-tick.C:
			v.draw(now)
		}
	}
}

func (v *view) printEvent(e player.Event) {
	line := ""
	switch e.Type {
	case "routine_started":
		line = e.Title
	case "step_started":
		line = fmt.Sprintf("  %d/%d %s", e.StepNumber, e.Steps, e.Step)
		if e.Side != "" {
			line += ", " + e.Side
		}
	case "problem":
		line = "no sound: " + e.Error
	case "paused", "resumed":
		line = "  " + e.Type
	case "routine_finished":
		line = "finished"
	case "routine_stopped":
		line = "stopped"
	}
	v.clearLine()
	if line != "" {
		fmt.Fprintln(v.out, line)
	}
}

// draw draws the line of this moment.
func (v *view) draw(now time.Time) {
	for len(v.announced) > 0 && !v.announced[0].At.After(now) {
		v.phase, v.announced = v.announced[0], v.announced[1:]
	}
	if !v.live {
		return
	}
	line := v.line(now)
	if line == v.shown {
		return
	}
	v.clearLine()
	fmt.Fprint(v.out, line)
	v.shown = line
}

func (v *view) clearLine() {
	if v.shown != "" {
		fmt.Fprint(v.out, "\r\x1b[K")
		v.shown = ""
	}
}

func (v *view) line(now time.Time) string {
	s := v.state
	if s.State == player.Idle {
		return ""
	}
	gone := s.Position
	if s.EndsAt != nil {
		gone = s.Length - s.EndsAt.Sub(now).Seconds()
	}
	gone = math.Max(0, math.Min(gone, s.Length))
	line := fmt.Sprintf("  %s / %s", minutes(gone), minutes(s.Length))
	if s.State != player.Playing {
		return line + "  " + string(s.State)
	}
	in := now.Sub(v.phase.At).Seconds()
	if in >= v.phase.Seconds || v.phase.Seconds == 0 {
		return line
	}
	full := 0.0
	switch v.phase.Phase {
	case "in", "move":
		full = in / v.phase.Seconds
	case "again", "hold":
		full = 1
	case "out", "back":
		full = 1 - in/v.phase.Seconds
	}
	n := int(math.Round(full * breathWidth))
	return fmt.Sprintf("%s  %s%s  %-5s %d", line, strings.Repeat("█", n), strings.Repeat("░", breathWidth-n), v.phase.Phase, int(in)+1)
}

func minutes(seconds float64) string {
	s := int(math.Round(seconds))
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}
