package output

import (
	"context"
	"errors"
	"fmt"
	"guided/audio"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/gopxl/beep/v2"
)

// A Part is one of several outputs, and how loud it is: 0 to 100, a gain of (v/100)³.
type Part struct {
	Name   string
	Output audio.Output
	Volume int
}

func (p Part) gain() float64 { return math.Pow(float64(p.Volume)/100, 3) }

// Several is one output made of many. The clock pulls, takes back, tells what is heard and fails as if it were alone.
// The others get what was heard there, so they are behind it by about Depth and by what their devices keep; a clock
// that is heard late, as Snapcast is, suits the rest best. They should have no lead-in of their own.
//
// None of the others holds up the clock. One that is faster or slower repeats or drops a block now and then, at a quiet
// place if there is one. One that fails is told once and tried again while the sound goes on. Only the end waits for
// them, until they have played what the clock has.
func Several(log *slog.Logger, clock Part, others ...Part) audio.Output {
	s := &several{clock: clock}
	for _, p := range others {
		s.others = append(s.others, &follower{Part: p, log: log.With("output", p.Name)})
	}
	return s
}

type several struct {
	clock  Part
	others []*follower
}

// lastOthers is how long the end may wait for the others.
const lastOthers = 3 * time.Second

func (s *several) Play(ctx context.Context, src beep.Streamer, heard func(frames int)) error {
	r := newRelay()
	following, leave := context.WithCancel(ctx)
	defer leave()
	var others sync.WaitGroup
	defer others.Wait()
	for _, f := range s.others {
		others.Go(func() { f.follow(following, r) })
	}
	t := &trail{src: src, gain: s.clock.gain(), show: r.put, tell: heard}
	err := s.clock.Output.Play(ctx, t, t.hear)
	r.end()
	if err != nil {
		leave()
		return err
	}
	late := time.AfterFunc(lastOthers, leave)
	defer late.Stop()
	others.Wait()
	return nil
}

// An OutputSpec is one of several outputs as the settings name it.
type OutputSpec struct {
	Spec   string
	Volume int // 0 to 100
}

// OpenAll makes one output of all that specs name, as Open does; the first is the clock, and is returned by its name.
// The error holds every problem.
func OpenAll(specs []OutputSpec, leadIn int, log *slog.Logger) (audio.Output, string, error) {
	if len(specs) == 0 {
		return nil, "", errors.New("no output is named; use " + outputForms)
	}
	var parts []Part
	var problems []error
	known := map[string]bool{}
	for _, s := range specs {
		out, err := Open(s.Spec, leadIn, log)
		switch {
		case err != nil:
		case s.Volume < 0 || s.Volume > 100:
			err = fmt.Errorf("the volume %d of %q is not from 0 to 100", s.Volume, s.Spec)
		case known[s.Spec]:
			err = fmt.Errorf("the output %q is named twice; each plays once", s.Spec)
		}
		if err != nil {
			problems = append(problems, err)
		}
		known[s.Spec] = true
		parts = append(parts, Part{s.Spec, out, s.Volume})
		leadIn = 0 // the others are silent while the clock is
	}
	if err := errors.Join(problems...); err != nil {
		return nil, "", err
	}
	clock := parts[0]
	if len(parts) == 1 && clock.Volume == 100 {
		return clock.Output, clock.Name, nil
	}
	if len(parts) > 1 {
		log.Info("the first output is the clock; the others follow it", "clock", clock.Name, "others", len(parts)-1)
	}
	return Several(log, clock, parts[1:]...), clock.Name, nil
}
