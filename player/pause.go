package player

// pause lets the sound leave, and keeps what is being prepared from sounding.
func (p *Player) pause(Command) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hold()
}

// resume lets the sound come back. Where the device is away it is tried at once.
func (p *Player) resume(Command) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running() == nil {
		return false, ErrIdle
	}
	return p.goOn(), nil
}

// toggle pauses what plays, goes on with what is paused, and starts what is selected when nothing is.
func (p *Player) toggle(c Command) (bool, error) {
	p.mu.Lock()
	switch {
	case p.running() == nil:
		p.mu.Unlock()
		return p.start(c)
	case p.paused:
		defer p.mu.Unlock()
		return p.goOn(), nil
	}
	defer p.mu.Unlock()
	return p.hold()
}

// hold pauses what is running. The caller holds the lock.
func (p *Player) hold() (bool, error) {
	if p.running() == nil {
		return false, ErrIdle
	}
	if p.paused {
		return false, nil
	}
	p.paused = true
	switch {
	case p.next != nil || p.loading != nil: // told when it is prepared
	case p.session.playing:
		p.leave(pause)
	default:
		p.hush()
	}
	return true, nil
}

// goOn takes a pause back, and tells whether there was one. The caller holds the lock.
func (p *Player) goOn() bool {
	p.look()
	if !p.paused {
		return false
	}
	p.paused, p.trouble = false, ""
	p.changed()
	return true
}

// leave lets the sound of a playing session leave. One that has not been pulled yet need not wait for its device. The
// caller holds the lock.
func (p *Player) leave(then after) {
	s := p.session
	s.ask(func(s *session) { s.leave(then) })
	if s.frames == 0 && then != jump {
		s.cut()
	}
}
