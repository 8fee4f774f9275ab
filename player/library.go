package player

import (
	"context"
	"reflect"

	"guided/routines"
)

// Rescan has the library read again: what observers see of it, and which phrases must be synthesized ahead.
func (p *Player) Rescan() {
	select {
	case p.rescan <- struct{}{}:
	default:
	}
}

// watchLibrary checks every routine of the library and has its phrases synthesized, so that a start waits for nothing:
// once, and again after each Rescan, until ctx ends.
func (p *Player) watchLibrary(ctx context.Context) {
	for {
		p.scanLibrary(ctx)
		select {
		case <-ctx.Done():
			return
		case <-p.rescan:
		}
	}
}

// scanLibrary publishes the library as it is, and then again with the lengths that synthesizing the phrases has changed.
func (p *Player) scanLibrary(ctx context.Context) {
	names, err := p.cfg.Library.Names(ctx)
	if err != nil {
		p.cfg.Log.Error("some routines cannot be read", "err", err)
	}
	for _, synthesize := range []bool{false, true} {
		list := make([]RoutineInfo, 0, len(names))
		for _, name := range names {
			if ctx.Err() != nil || synthesize && len(p.rescan) > 0 {
				return
			}
			list = append(list, p.inspectRoutine(ctx, name, synthesize))
		}
		p.setLibrary(list)
	}
}

func (p *Player) inspectRoutine(ctx context.Context, name string, synthesize bool) RoutineInfo {
	i := RoutineInfo{Name: name, Title: name, Steps: []string{}}
	r, err := p.cfg.Library.Load(ctx, name)
	if err != nil {
		i.Error = err.Error()
		return i
	}
	i.Title, i.About, i.Metadata = r.Title, r.About, r.Metadata
	if synthesize {
		p.synthesizeAhead(ctx, r)
	}
	score, err := routines.Compile(ctx, r, p.cfg.Bank.Measure, p.cfg.Options(Parameters{}))
	if err != nil {
		i.Error = err.Error()
		return i
	}
	if synthesize {
		p.cfg.Bank.PrepareBed(ctx, score.Bed)
	}
	i.Length = seconds(score.Len)
	for _, m := range score.Marks {
		if m.Kind == routines.StepMark && len(i.Steps) < m.Step {
			i.Steps = append(i.Steps, m.Name)
		}
	}
	if p.cfg.URLs != nil {
		i.URLs = p.cfg.URLs(name)
	}
	return i
}

func (p *Player) synthesizeAhead(ctx context.Context, r *routines.Routine) {
	clips, err := routines.Clips(ctx, r)
	if err != nil {
		return // the Compile that follows returns it
	}
	if err := p.cfg.Bank.Prepare(ctx, clips); err != nil && ctx.Err() == nil {
		p.cfg.Log.Warn("some phrases cannot be spoken ahead", "routine", r.Name, "err", err)
	}
}

// setLibrary publishes the library if it has changed, and logs each routine's problem once.
func (p *Player) setLibrary(list []RoutineInfo) {
	p.mu.Lock()
	known := map[string]string{}
	for _, i := range p.info.Routines {
		known[i.Name] = i.Error
	}
	if !reflect.DeepEqual(list, p.info.Routines) {
		p.info.Routines = list
		p.publishInfo()
	}
	p.mu.Unlock()
	for _, i := range list {
		if i.Error != "" && i.Error != known[i.Name] {
			p.cfg.Log.Warn("a routine has problems", "routine", i.Name, "err", i.Error)
		}
	}
}
