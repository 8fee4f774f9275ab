package player

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"guided/routines"
)

// Command is one order to the player, from any remote.
type Command struct {
	Verb        string
	Routine     string // start, select
	Parameters         // start
	Extend      routines.Amount
	Text        string    // say
	Gap         bool      // say: between the words, where there is a place soon
	Volume      *int      // volume, start
	Transaction string    // echoed in the response; the same one is carried out once
	SentAt      time.Time // zero when not told
}

// Response answers a Command; every command is answered.
type Response struct {
	Status      string `json:"status"` // ok, error
	Command     string `json:"command"`
	Error       string `json:"error,omitempty"`
	Unchanged   bool   `json:"unchanged,omitempty"` // ok, and nothing had to change
	Transaction string `json:"transaction,omitempty"`
}

// verb is one row of the table that every remote shares.
type verb struct {
	name  string
	usage string
	keys  string                                 // of a command in JSON that mean something here
	parse func(c *Command, words []string) error // reads what follows the verb
	run   func(p *Player, c Command) (changed bool, e error)
}

// verbs is the table. start, select, pause, resume, stop, volume, duck and unduck are idempotent: asked for again they
// change nothing, and say so.
func verbs() []verb {
	return []verb{
		{"start", "start NAME for 5m volume 40 voice heart verbosity short holds off bed rain", "routine for volume voice verbosity holds bed", parseStartWords, (*Player).start},
		{"select", "select NAME", "routine", parseName, (*Player).selectRoutine},
		{"pause", "pause", "", parseNothing, (*Player).pause},
		{"resume", "resume", "", parseNothing, (*Player).resume},
		{"toggle", "toggle", "", parseNothing, (*Player).toggle},
		{"stop", "stop", "", parseNothing, (*Player).stop},
		{"next", "next", "", parseNothing, (*Player).next},
		{"back", "back", "", parseNothing, (*Player).back},
		{"repeat", "repeat", "", parseNothing, (*Player).repeat},
		{"extend", "extend 1m, or extend 3 breaths", "for", parseExtendWords, (*Player).extend},
		{"slower", "slower", "", parseNothing, (*Player).slower},
		{"faster", "faster", "", parseNothing, (*Player).faster},
		{"volume", "volume 40", "volume", parseVolumeWords, (*Player).setVolume},
		{"duck", "duck", "", parseNothing, (*Player).duck},
		{"unduck", "unduck", "", parseNothing, (*Player).unduck},
		{"say", "say TEXT", "text when", parseText, (*Player).say},
		{"status", "status", "", parseNothing, (*Player).publishStatus},
	}
}

// verbNames lists the verbs.
func verbNames() []string {
	var names []string
	for _, v := range verbs() {
		names = append(names, v.name)
	}
	return names
}

func findVerb(name string) (verb, error) {
	var all []string
	for _, v := range verbs() {
		if v.name == name {
			return v, nil
		}
		all = append(all, v.name)
	}
	if near := routines.Nearest(name, all); near != "" {
		return verb{}, fmt.Errorf("unknown command %q; did you mean %q?", name, near)
	}
	return verb{}, fmt.Errorf("unknown command %q; use one of %s", name, strings.Join(verbNames(), ", "))
}

// publishStatus tells every observer the state again.
func (p *Player) publishStatus(Command) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.publishState()
	return true, nil
}

// maxCommandAge is how old a command with a time stamp may be.
const maxCommandAge = 30 * time.Second

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
		return p.execute(c)
	}
	p.mu.Lock()
	a, mine := p.transactions.claim(transactionKey{c.Verb, c.Transaction})
	p.mu.Unlock()
	if !mine {
		<-a.ready
		return a.response
	}
	a.response = response(c, false, errors.New("the command failed inside guided"))
	defer close(a.ready)
	a.response = p.execute(c)
	return a.response
}

func (p *Player) execute(c Command) Response {
	v, err := findVerb(c.Verb)
	age := time.Since(c.SentAt)
	switch {
	case err != nil:
		return response(c, false, err)
	case !c.SentAt.IsZero() && age > maxCommandAge && p.cfg.ClockTrusted():
		return response(c, false, fmt.Errorf("the command is %v old and was not carried out; commands expire after %v", age.Round(time.Second), maxCommandAge))
	}
	if err := p.refuseOvertaken(c); err != nil {
		return response(c, false, err)
	}
	changed, err := v.run(p, c)
	return response(c, changed, err)
}

// refuseOvertaken refuses what would let sound begin and was given before a stop or a pause that has come already: on its way
// one command may overtake another.
func (p *Player) refuseOvertaken(c Command) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch c.Verb {
	case "stop", "pause":
		if c.SentAt.After(p.lastSilencedAt) {
			p.lastSilencedAt = c.SentAt
		}
	case "start", "resume", "toggle":
		if !c.SentAt.IsZero() && c.SentAt.Before(p.lastSilencedAt) {
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

// How many transactions are remembered, and how long: a command that is delivered twice comes twice within seconds,
// while a remote that counts from 1 at each of its starts means another command.
const (
	maxTransactions     = 128
	transactionLifetime = 10 * time.Minute
)

// transactions is the answers to the last transactions, so that a command that is delivered twice is carried out once.
type transactions struct {
	order []*transactionResult
	byKey map[transactionKey]*transactionResult
}

// transactionKey is what makes two commands one.
type transactionKey struct{ verb, id string }

// transactionResult is ready when its channel is closed.
type transactionResult struct {
	key      transactionKey
	claimed  time.Time
	ready    chan struct{}
	response Response
}

func newTransactions() transactions {
	return transactions{byKey: map[transactionKey]*transactionResult{}}
}

// claim gives the answer of a transaction, and whether the caller is the one to fill it in.
func (a *transactions) claim(t transactionKey) (*transactionResult, bool) {
	for len(a.order) > 0 && (len(a.order) == maxTransactions || time.Since(a.order[0].claimed) > transactionLifetime) {
		delete(a.byKey, a.order[0].key)
		a.order = a.order[1:]
	}
	if old, known := a.byKey[t]; known {
		return old, false
	}
	made := &transactionResult{key: t, claimed: time.Now(), ready: make(chan struct{})}
	a.byKey[t] = made
	a.order = append(a.order, made)
	return made, true
}

// Parameters is what a start may ask for; what is zero is as the settings say.
type Parameters struct {
	For       time.Duration      // the length of the whole; 0: the routine's own
	Voice     string             // who speaks
	Verbosity routines.Verbosity // how much is said
	Holds     *bool              // breaths with their holds, or without
	Bed       string             // what sounds under it, or "none"
}
