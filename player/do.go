package player

import (
	"errors"
	"fmt"
	"time"
)

// expiry is how old a command with a time stamp may be.
const expiry = 30 * time.Second

// Order carries out a command as it came over the wire.
func (p *Player) Order(payload []byte) Response {
	c, err := Parse(payload)
	if err != nil {
		return response(c, false, err)
	}
	return p.Do(c)
}

// Do carries out a command and answers it. It does not wait for sound: a start is answered when the routine was found
// and checked. A command with a transaction that was carried out already is answered again, and no more.
func (p *Player) Do(c Command) Response {
	if c.Transaction == "" {
		return p.carryOut(c)
	}
	p.mu.Lock()
	a, mine := p.done.claim(transaction{c.Verb, c.Transaction})
	p.mu.Unlock()
	if !mine {
		<-a.ready
		return a.response
	}
	a.response = response(c, false, errors.New("the command failed inside guided"))
	defer close(a.ready)
	a.response = p.carryOut(c)
	return a.response
}

func (p *Player) carryOut(c Command) Response {
	v, err := findVerb(c.Verb)
	age := time.Since(c.SentAt)
	switch {
	case err != nil:
		return response(c, false, err)
	case !c.SentAt.IsZero() && age > expiry && p.cfg.ClockTrusted():
		return response(c, false, fmt.Errorf("the command is %v old and was not carried out; commands expire after %v", age.Round(time.Second), expiry))
	}
	if err := p.overtaken(c); err != nil {
		return response(c, false, err)
	}
	changed, err := v.do(p, c)
	return response(c, changed, err)
}

// overtaken refuses what would let sound begin and was given before a stop or a pause that has come already: on its way
// one command may overtake another.
func (p *Player) overtaken(c Command) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch c.Verb {
	case "stop", "pause":
		if c.SentAt.After(p.silenced) {
			p.silenced = c.SentAt
		}
	case "start", "resume", "toggle":
		if !c.SentAt.IsZero() && c.SentAt.Before(p.silenced) {
			return fmt.Errorf("this %s was given before the last stop or pause, and came after it; send it again if it is still wanted", c.Verb)
		}
	}
	return nil
}

func response(c Command, changed bool, err error) Response {
	r := Response{Status: "ok", Command: c.Verb, Unchanged: !changed, Transaction: c.Transaction}
	if err != nil {
		r.Status, r.Error, r.Unchanged = "error", err.Error(), false
	}
	return r
}
