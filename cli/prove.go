package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"strings"
	"time"

	"guided/audio/output"
	"guided/audio/prove"
	"guided/audio/voice"
	"guided/config"
	"guided/player"
	"guided/routines"
)

type proveCommand struct {
	Name string `arg:"" help:"A routine's name or title, or a file where a recording is given."`
	parameters
	Recording string `help:"Measure this recording, 48 kHz WAV, instead of playing." placeholder:"FILE" type:"path"`
	Cues      bool   `help:"Print every cue, and not only those that are wrong."`
}

// maxCueError is the largest error of a cue that counts as proved, in milliseconds: inaudible between two counts.
const maxCueError = 5

// ProofReport is printed by `guided --json prove`.
type ProofReport struct {
	*prove.Report
	Routine  string   `json:"routine"`
	Sink     string   `json:"sink,omitempty"`
	Latency  float64  `json:"latency_ms,omitempty"` // from the start to the first sample, with the lead-in
	Proved   bool     `json:"proved"`
	Problems []string `json:"problems"`
}

// Run plays a routine, records the sink, and fails when a cue is missing or more than maxCueError from its place in the
// score.
func (o *proveCommand) Run(p *process) error {
	if o.Until != "" || o.FadeIn != 0 || o.FadeOut != 0 {
		return errors.New("prove plays what it compares with, at one level and at any time: leave out --until (--for sets a length), --fade-in and --fade-out")
	}
	c, err := o.compiler(p)
	if err != nil {
		return err
	}
	score, sound, err := c.renderer(o.Name)
	if err != nil {
		return err
	}
	defer sound.Close()
	file, err := o.openRecording()
	if err != nil {
		return fmt.Errorf("the recording: %w", err)
	}
	defer file.Close()
	result := &ProofReport{Routine: score.Name}
	started := 0
	if o.Recording == "" {
		if result.Sink, started, err = o.record(p, score, file); err != nil {
			return err
		}
	}
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("the recording: %w", err)
	}
	show, end := p.progress(len(score.Cues), "measuring "+score.Title)
	result.Report, err = prove.Prove(score, sound, file, info.Size(), show)
	end()
	if err != nil {
		return err
	}
	if o.Recording == "" {
		result.Latency = result.Begins*1000 - float64(started)*1000/routines.Rate
	}
	result.Problems = proofProblems(result.Report)
	result.Proved = len(result.Problems) == 0
	if p.json {
		err = p.printJSON(result)
	} else {
		result.print(p.stdout, o.Cues)
	}
	if err == nil && !result.Proved {
		err = errReported
	}
	return err
}

// openRecording opens the recording to measure, or a new one. The new one has no name, so that it ends with the process.
func (o *proveCommand) openRecording() (*os.File, error) {
	if o.Recording != "" {
		if info, err := os.Stat(o.Recording); err == nil && !info.Mode().IsRegular() { // opening a FIFO would wait
			return nil, fmt.Errorf("%s is no regular file", o.Recording)
		}
		return os.Open(o.Recording)
	}
	file, err := os.CreateTemp("", "guided-prove-*.wav")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// record plays as play does and records the sink into file. started is the frame of the recording at which the start was
// sent.
func (o *proveCommand) record(p *process, score *routines.Score, file *os.File) (sink string, started int, err error) {
	c, err := p.settings()
	if err != nil {
		return "", 0, err
	}
	if o.Quiet {
		c.Audio.Quiet = config.AllDay()
	}
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	m, err := output.Record(ctx, c.Audio.Output, file)
	if err != nil {
		return "", 0, err
	}
	defer func() {
		if e := m.Close(); err == nil {
			err = e
		}
	}()
	log := p.logger(slog.LevelWarn)
	out, err := output.Open(c.Audio.Output, routines.Samples(c.Audio.LeadIn.Duration), log)
	if err != nil {
		return "", 0, fmt.Errorf("audio.output: %w", err)
	}
	voices, err := openVoices(c, voice.OpenRecordedVoice, log)
	if err != nil {
		return "", 0, err
	}
	play := newPlayer(c, voices, out, []string{c.Audio.Output}, false, nil, nil, log)
	if err := m.Await(ctx, routines.Rate/10); err != nil { // the recorder runs before the first sound
		return "", 0, err
	}
	command := player.Command{Verb: "start", Routine: o.Name, Parameters: o.player(), From: "the command line"}
	started = m.Frames()
	err = perform(ctx, play, command, func(feed player.Feed) error {
		show, end := p.progress(score.Len, "playing "+score.Title)
		defer end()
		if err := followToEnd(feed, func() {
			if show != nil {
				show(min(score.Len, m.Frames()-started))
			}
		}); err != nil {
			return err
		}
		return m.Await(ctx, m.Frames()+routines.Rate/2) // the sound that the sink still buffers
	})
	return m.Sink, started, err
}

// followToEnd returns when the routine has finished. A session that is stopped, or that waits for `next`, is an error.
func followToEnd(feed player.Feed, show func()) error {
	tick := time.NewTicker(redrawInterval)
	defer tick.Stop()
	for {
		select {
		case _, open := <-feed.States:
			if !open {
				return errors.New("stopped before the end, so nothing is proved")
			}
		case <-feed.Phases:
		case <-tick.C:
			show()
		case e := <-feed.Events:
			switch e.Type {
			case "routine_finished":
				return nil
			case "routine_stopped":
				return errors.New("stopped before the end, so nothing is proved")
			case "waiting":
				return fmt.Errorf("the step %q waits for the listener; prove plays only what runs by itself", e.Step)
			case "problem":
				return errors.New(e.Error)
			}
		}
	}
}

// proofProblems lists why a routine is not proved.
func proofProblems(p *prove.Report) []string {
	list := []string{}
	if lost := len(p.Cues) - p.Heard; lost > 0 {
		list = append(list, fmt.Sprintf("%d of %d cues were not heard", lost, len(p.Cues)))
	}
	if math.Abs(p.Worst) > maxCueError {
		list = append(list, fmt.Sprintf("a cue is %+.2f ms off, and %d ms are allowed", p.Worst, maxCueError))
	}
	if len(p.Gaps) > 0 {
		list = append(list, fmt.Sprintf("the sound was interrupted %d times", len(p.Gaps)))
	}
	return list
}

func (r *ProofReport) print(w io.Writer, all bool) {
	title := false
	for _, c := range r.Report.Cues {
		if c.Heard && math.Abs(c.Error) <= maxCueError && !all {
			continue
		}
		if !title {
			fmt.Fprintf(w, "%10s  %10s  %11s\n", "planned", "error ms", "correlation")
			title = true
		}
		off := "not heard"
		if c.Heard {
			off = fmt.Sprintf("%+.3f", c.Error)
		}
		fmt.Fprintf(w, "%10s  %10s  %11.3f  %s\n", formatMillis(c.Planned), off, c.Correlation, c.What)
	}
	for _, g := range r.Gaps {
		fmt.Fprintf(w, "%10s  %.1f ms %s\n", formatMillis(g.At), g.Length, g.Kind)
	}
	fmt.Fprintf(w, "cues heard   %d of %d\n", r.Heard, len(r.Report.Cues))
	fmt.Fprintf(w, "worst error  %+.3f ms\n", r.Worst)
	fmt.Fprintf(w, "spread       %.3f ms\n", r.Spread)
	fmt.Fprintf(w, "drift        %+.2f ppm\n", r.Drift)
	fmt.Fprintf(w, "gaps         %d\n", len(r.Gaps))
	fmt.Fprintf(w, "level        %+.1f dB\n", 20*math.Log10(math.Max(r.Gain, 1e-6)))
	if r.Sink != "" {
		fmt.Fprintf(w, "latency      %.0f ms from the start to the first sample on %s\n", r.Latency, r.Sink)
	}
	if r.Proved {
		fmt.Fprintf(w, "proved: %s came out as planned\n", r.Routine)
		return
	}
	fmt.Fprintf(w, "not proved: %s\n", strings.Join(r.Problems, "; "))
}
