package player

import (
	"context"

	"guided/routines"
)

// Rescan looks at the library again: what observers are told of it, and which phrases must be spoken ahead.
func (p *Player) Rescan() {
	select {
	case p.rescan <- struct{}{}:
	default:
	}
}

// keepLibrary has every routine of the library checked and its phrases spoken, so that a start waits for nothing.
func (p *Player) keepLibrary(ctx context.Context) {
	for {
		p.scan(ctx)
		select {
		case <-ctx.Done():
			return
		case <-p.rescan:
		}
	}
}

func (p *Player) scan(ctx context.Context) {
	names, err := p.cfg.Library.Names()
	if err != nil {
		p.cfg.Log.Error("some routines cannot be read", "err", err)
	}
	p.mu.Lock()
	info := p.info
	p.mu.Unlock()
	info.Routines = make([]RoutineInfo, 0, len(names))
	for _, name := range names {
		if ctx.Err() != nil {
			return
		}
		info.Routines = append(info.Routines, p.examine(ctx, name))
	}
	p.informed(info)
}

func (p *Player) examine(ctx context.Context, name string) RoutineInfo {
	i := RoutineInfo{Name: name, Title: name, Steps: []string{}}
	r, err := p.cfg.Library.Load(name)
	if err != nil {
		p.cfg.Log.Warn("a routine has problems", "routine", name, "err", err)
		i.Error = err.Error()
		return i
	}
	i.Title, i.About = r.Title, r.About
	clips, err := routines.Clips(r, routines.Options{})
	if err == nil {
		if err := p.cfg.Bank.Prepare(ctx, clips); err != nil && ctx.Err() == nil {
			p.cfg.Log.Warn("some phrases cannot be spoken ahead", "routine", name, "err", err)
		}
	}
	score, err := routines.Compile(r, p.cfg.Bank.Measure, routines.Options{})
	if err != nil {
		i.Error = err.Error()
		return i
	}
	i.Length = seconds(score.Len)
	for _, m := range score.Marks {
		if m.Kind == routines.StepMark && len(i.Steps) < m.Step {
			i.Steps = append(i.Steps, m.Name)
		}
	}
	return i
}
