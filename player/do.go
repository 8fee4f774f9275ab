package player

import (
	"fmt"
	"time"
)

// expiry is how old a command with a time stamp may be.
const expiry = 30 * time.Second

// remembered is how many transactions are kept.
const remembered = 128

// answered remembers the answers to the last transactions, so that a command that is delivered twice is carried out
// once.
type answered struct {
	order     []string
	responses map[string]Response
}

func newAnswered() answered { return answered{responses: map[string]Response{}} }

func (a *answered) put(r Response) {
	if len(a.order) == remembered {
		delete(a.responses, a.order[0])
		a.order = a.order[1:]
	}
	a.order = append(a.order, r.Transaction)
	a.responses[r.Transaction] = r
}

// Order carries out a command as it came over the wire.
func (p *Player) Order(payload []byte) Response {
	c, err := Parse(payload)
	if err != nil {
		return response(c, false, err)
	}
	return p.Do(c)
}

// Do carries out a command and answers it. It does not wait for sound: a start is answered when the routine was found
// and checked.
func (p *Player) Do(c Command) Response {
	p.doing.Lock()
	defer p.doing.Unlock()
	if old, done := p.done.responses[c.Transaction]; done && c.Transaction != "" {
		return old
	}
	changed, err := p.carryOut(c)
	r := response(c, changed, err)
	if c.Transaction != "" {
		p.done.put(r)
	}
	return r
}

func (p *Player) carryOut(c Command) (bool, error) {
	v, err := findVerb(c.Verb)
	if err != nil {
		return false, err
	}
	if age := time.Since(c.SentAt); !c.SentAt.IsZero() && age > expiry && p.cfg.ClockTrusted() {
		return false, fmt.Errorf("the command is %v old and was not carried out; commands expire after %v", age.Round(time.Second), expiry)
	}
	if v.do == nil {
		return false, fmt.Errorf("%s does not work yet in this version", v.name)
	}
	return v.do(p, c)
}

func response(c Command, changed bool, err error) Response {
	r := Response{Status: "ok", Command: c.Verb, Unchanged: !changed, Transaction: c.Transaction}
	if err != nil {
		r.Status, r.Error, r.Unchanged = "error", err.Error(), false
	}
	return r
}
