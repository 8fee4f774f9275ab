package routines

import (
	"context"
	"fmt"
)

// The cost of compiling is counted in units of work: one for each round of a step, breath, count, phrase, cue and note, of
// some 100 ns each. What is counted is the same on every machine, so that the same routines are refused everywhere.
const (
	// maxLayoutWork bounds one layout. The busiest routine that the other limits allow (four hours, maxCues, maxMarks) needs
	// less than half of it; repeats and includes that multiply without a sound reach it in some 50 ms.
	maxLayoutWork = 400_000
	// maxFitWork bounds all candidates that are laid out to reach a length. The best of those tried is taken.
	maxFitWork = 400_000
	// maxReviseWork bounds all layouts that are tried for one change: at least one, of any size.
	maxReviseWork = 400_000
	// workBetweenChecks is how often the context is looked at: every 0.1 ms.
	workBetweenChecks = 256
)

// work is what the layouts of one Compile, Clips or Revise share: the context, the work that was done, and the extents
// and texts that were measured, each once.
type work struct {
	ctx     context.Context
	measure Measure
	done    int // units
	checkAt int // at which the context is looked at again

	noNotes     bool // nobody reads what is spoken otherwise than written
	cues, marks int  // of the last layout: about as many as the next will have

	extents map[Clip]measured
	texts   map[spokenText]utterance
}

// measured is what Measure returned.
type measured struct {
	extent Extent
	has    bool
}

// spokenText is a text in a language, which decides where its sentences end.
type spokenText struct{ lang, text string }

func newWork(ctx context.Context, measure Measure) *work {
	return &work{ctx: ctx, measure: measure, extents: map[Clip]measured{}, texts: map[spokenText]utterance{}}
}

// spend counts n units. It returns the context's error once that has ended.
func (w *work) spend(n int) error {
	if w.done += n; w.done < w.checkAt {
		return nil
	}
	w.checkAt = w.done + workBetweenChecks
	return w.ctx.Err()
}

// spend counts n units of the layout. It is false, with the reason in c.failed, once the layout is over a limit or its
// context has ended; the caller then returns at once.
func (c *compiler) spend(n int) bool {
	if c.failed != nil {
		return false
	}
	if err := c.work.spend(n); err != nil {
		c.failed = fmt.Errorf("compiling %s: %w", c.routine.Name, err)
		return false
	}
	return c.checkLimits(0) == nil
}

// checkLimits is the error when the score is over a limit, or would be with the given number of further cues.
func (c *compiler) checkLimits(more int) error {
	if c.failed != nil {
		return c.failed
	}
	name := c.routine.Name
	switch {
	case c.at > maxLength:
		c.failed = fmt.Errorf("%s is too long: it lasts more than four hours; repeat less, or leave steps out", name)
	case len(c.score.Cues)+more > maxCues:
		c.failed = fmt.Errorf("%s is too long: it has more than %d phrases and sounds; repeat less, or count fewer breaths aloud", name, maxCues)
	case len(c.score.Marks) > maxMarks:
		c.failed = fmt.Errorf("%s is too long: it has more than %d steps, breaths and counts; repeat less", name, maxMarks)
	case c.stepNumber > maxCues:
		c.failed = fmt.Errorf("%s is too long: its repeats come to more than %d steps; repeat less", name, maxCues)
	case c.work.done > c.workLimit:
		c.failed = fmt.Errorf("%s is too long: its repeats and included routines multiply to more than can be laid out; repeat less, or include less", name)
	}
	return c.failed
}
