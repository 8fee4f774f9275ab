package player

import (
	"errors"
	"fmt"

	"guided/routines"
)

// verb is one row of the table that every remote shares.
type verb struct {
	name  string
	usage string
	words func(c *Command, words []string) error             // reads what follows the verb
	do    func(p *Player, c Command) (changed bool, e error) // nil: not yet
}

// verbs is the table. start, select, pause, resume, stop and volume are idempotent: asked for again they change
// nothing, and say so.
func verbs() []verb {
	return []verb{
		{"start", "start [NAME] [for 5m] [volume 40]", routineWords, (*Player).start},
		{"select", "select NAME", routineWords, (*Player).choose},
		{"pause", "pause", noWords, (*Player).pause},
		{"resume", "resume", noWords, (*Player).resume},
		{"toggle", "toggle", noWords, (*Player).toggle},
		{"stop", "stop", noWords, (*Player).stop},
		{"next", "next", noWords, (*Player).skip},
		{"back", "back", noWords, (*Player).back},
		{"repeat", "repeat", noWords, (*Player).again},
		{"extend", "extend [1m]", anyWords, nil},
		{"slower", "slower", noWords, nil},
		{"faster", "faster", noWords, nil},
		{"volume", "volume 40", volumeWords, (*Player).setVolume},
		{"duck", "duck", noWords, nil},
		{"unduck", "unduck", noWords, nil},
		{"say", "say TEXT", anyWords, nil},
		{"status", "status", noWords, (*Player).report},
	}
}

func verbNames() []string {
	var names []string
	for _, v := range verbs() {
		names = append(names, v.name)
	}
	return names
}

func findVerb(name string) (verb, error) {
	for _, v := range verbs() {
		if v.name == name {
			return v, nil
		}
	}
	if near := routines.Nearest(name, verbNames()); near != "" {
		return verb{}, fmt.Errorf("unknown command %q; did you mean %q?", name, near)
	}
	return verb{}, fmt.Errorf("unknown command %q; use one of %v", name, verbNames())
}

// start checks a routine and lets Run play it; what is running fades out first. Without a name it starts what is
// selected. Starting what plays already changes nothing; starting what is paused lets it go on.
func (p *Player) start(c Command) (bool, error) {
	name := c.Routine
	if name == "" {
		p.mu.Lock()
		name = p.selected
		p.mu.Unlock()
	}
	if name == "" {
		return false, errors.New("start what? name a routine, or select one first")
	}
	r, err := p.cfg.Library.Load(name)
	if err != nil {
		return false, err
	}
	req := request{r, c.For, c.Volume}
	if c.For > 0 { // a length that cannot be had is refused at once, not after the answer
		if _, err := routines.Compile(r, p.cfg.Bank.Measure, routines.Options{For: c.For}); err != nil {
			return false, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.selected = r.Name
	if current := p.running(); current != nil && current.same(req) {
		if p.paused {
			p.loud(req.volume)
			return p.goOn()
		}
		changed := p.loud(req.volume)
		return changed, nil
	}
	p.next, p.loading, p.trouble = &req, nil, ""
	if p.session != nil {
		p.session.leave(finish, 0)
	}
	p.changed()
	p.look()
	return true, nil
}

// running is the request being played or about to be. The caller holds the lock.
func (p *Player) running() *request {
	switch {
	case p.next != nil:
		return p.next
	case p.loading != nil:
		return p.loading
	case p.session != nil && !(p.session.playing && p.session.then == finish):
		return &p.session.asked
	}
	return nil
}

// loud sets the volume that came with a start, for its session. The caller holds the lock.
func (p *Player) loud(volume *int) bool {
	if volume == nil || p.session == nil || p.session.asked.volume != nil && *p.session.asked.volume == *volume {
		return false
	}
	p.session.asked.volume = volume
	p.session.setGain(gainOf(*volume))
	p.changed()
	return true
}

func (p *Player) choose(c Command) (bool, error) {
	if c.Routine == "" {
		return false, errors.New("select what? name a routine")
	}
	r, err := p.cfg.Library.Load(c.Routine)
	if err != nil {
		return false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.selected == r.Name {
		return false, nil
	}
	p.selected = r.Name
	p.changed()
	return true, nil
}

// stop ends the session, and takes back a start that has not sounded yet.
func (p *Player) stop(Command) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running() == nil {
		return false, nil
	}
	p.next, p.loading = nil, nil
	switch s := p.session; {
	case s == nil:
		p.changed()
	case s.playing:
		s.leave(finish, 0)
	default:
		p.end()
	}
	p.look()
	return true, nil
}

func (p *Player) pause(Command) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.session
	switch {
	case p.running() == nil:
		return false, ErrIdle
	case p.next != nil || s == nil:
		return false, errors.New("the routine is being prepared; pause it when it sounds, or stop it")
	case p.paused:
		return false, nil
	}
	p.paused = true
	if s.playing {
		s.leave(rest, 0)
	} else {
		p.tell(s, "paused")
		p.changed()
	}
	p.look()
	return true, nil
}

func (p *Player) resume(Command) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.running() == nil:
		return false, ErrIdle
	case !p.paused:
		return false, nil
	}
	return p.goOn()
}

// goOn lets a paused session sound again. The caller holds the lock.
func (p *Player) goOn() (bool, error) {
	p.paused, p.trouble = false, ""
	p.changed()
	p.look()
	return true, nil
}

// toggle pauses what plays, goes on with what is paused, and starts what is selected when nothing is.
func (p *Player) toggle(c Command) (bool, error) {
	p.mu.Lock()
	idle, paused := p.running() == nil, p.paused
	p.mu.Unlock()
	switch {
	case idle:
		return p.start(c)
	case paused:
		return p.resume(c)
	}
	return p.pause(c)
}

func (p *Player) setVolume(c Command) (bool, error) {
	if c.Volume == nil {
		return false, errors.New("volume: give a number from 0 to 100")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.loudness() == *c.Volume {
		return false, nil
	}
	p.volume = *c.Volume
	if p.session != nil {
		p.session.asked.volume = nil
		p.session.setGain(gainOf(p.volume))
	}
	p.changed()
	return true, nil
}

// loudness is the volume of the moment. The caller holds the lock.
func (p *Player) loudness() int {
	if p.session != nil && p.session.asked.volume != nil {
		return *p.session.asked.volume
	}
	return p.volume
}

// report tells every observer the state again.
func (p *Player) report(Command) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changed()
	return true, nil
}
