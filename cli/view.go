package cli

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"guided/player"
	"guided/routines"
)

// view shows a session. On a terminal it redraws one line with the time and a bar that follows the breath; elsewhere it
// prints a line for each step.
type view struct {
	out       io.Writer
	live      bool // out is a terminal
	state     player.State
	phase     player.Phase
	announced []player.Phase // phases published ahead of their sound
	shown     string         // the line on the terminal
}

// redrawInterval is the time between two drawings of a terminal's line.
const redrawInterval = 100 * time.Millisecond

const breathWidth = 24 // columns of the breath's bar

func newView(out io.Writer) *view { return &view{out: out, live: isTerminal(out)} }

// follow shows a session until it has ended or feed.States is closed. The error is why it could not be prepared; a problem
// with a step is no end, because the player tries the output again.
func (v *view) follow(feed player.Feed) error {
	tick := time.NewTicker(redrawInterval)
	defer tick.Stop()
	for {
		select {
		case s, open := <-feed.States:
			if !open {
				return nil
			}
			v.state = s
		case ph := <-feed.Phases:
			v.announced = append(v.announced, ph)
		case e := <-feed.Events:
			v.printEvent(e)
			switch {
			case e.Type == "problem" && e.Step == "":
				return errors.New(e.Error)
			case e.Type == "routine_finished", e.Type == "routine_stopped":
				return nil
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

// draw redraws the line if it has changed.
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
	elapsed := s.Position
	if s.EndsAt != nil {
		elapsed = s.Length - s.EndsAt.Sub(now).Seconds()
	}
	elapsed = math.Max(0, math.Min(elapsed, s.Length))
	line := fmt.Sprintf("  %s / %s", formatSeconds(elapsed), formatSeconds(s.Length))
	if s.State != player.Playing {
		return line + "  " + string(s.State)
	}
	in := now.Sub(v.phase.At).Seconds()
	if in >= v.phase.Seconds || v.phase.Seconds == 0 {
		return line
	}
	filled := 0.0 // the lungs, or the range of a movement, from 0 to 1
	switch v.phase.Phase {
	case "in", "move":
		filled = in / v.phase.Seconds
	case "again", "hold":
		filled = 1
	case "out", "back":
		filled = 1 - in/v.phase.Seconds
	}
	n := int(math.Round(filled * breathWidth))
	return fmt.Sprintf("%s  %s%s  %-5s %d", line, strings.Repeat("█", n), strings.Repeat("░", breathWidth-n), v.phase.Phase, int(in)+1)
}

// formatSeconds formats a time as 3:11.
func formatSeconds(seconds float64) string {
	s := int(math.Round(seconds))
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// formatSamples formats a number of samples as 3:11.
func formatSamples(n int) string { return formatSeconds(float64(n) / routines.Rate) }

// formatMillis formats a time as 1:02.345.
func formatMillis(seconds float64) string {
	ms := int(math.Round(seconds * 1000))
	return fmt.Sprintf("%d:%02d.%03d", ms/60_000, ms/1000%60, ms%1000)
}
