package player

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"guided/routines"
)

// Command is what a remote asks of the player.
type Command struct {
	Verb        string
	Routine     string          // start, select: a name or a title
	Parameters                  // start
	Extend      routines.Length // extend; zero: half a minute
	Text        string          // say
	InGap       bool            // say: in a gap between the phrases, where there is one soon
	Volume      *int            // volume, start: 0 to 100
	Transaction string          // echoed in the response; the same one is carried out once
	SentAt      time.Time       // when the remote sent it, zero where unknown
}

// Parameters are what a start may ask for; a zero value is as Defaults say.
type Parameters struct {
	For       time.Duration      // the length of the whole; 0: the routine's own
	Voice     string             // who speaks
	Verbosity routines.Verbosity // how much is said
	Holds     *bool              // breaths with their holds, or without
	Bed       string             // what sounds under the voice, or "none"
}

// Defaults are the settings that the parameters of a start override.
type Defaults struct {
	Verbosity routines.Verbosity
	NoHolds   bool        // breaths without their holds
	Quiet     func() bool // whether what starts now is played in the quiet profile; nil: never
}

// Options is what the compiler is asked for: the parameters over the defaults.
func (d Defaults) Options(p Parameters) routines.Options {
	o := routines.Options{
		For: p.For, Verbosity: cmp.Or(p.Verbosity, d.Verbosity), NoHolds: d.NoHolds, Bed: p.Bed, Quiet: d.Quiet != nil && d.Quiet(),
	}
	if p.Holds != nil {
		o.NoHolds = !*p.Holds
	}
	return o
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
	keys  string                                 // the JSON keys it takes beside the common ones
	parse func(c *Command, words []string) error // the words after the verb
	run   func(p *Player, c Command) (changed bool, err error)
}

// verbs is the table. start, select, pause, resume, stop, volume, duck and unduck are idempotent: repeated they change
// nothing, and the response says so.
func verbs() []verb {
	return []verb{
		{"start", "start NAME for 5m volume 40 voice heart verbosity short holds off bed rain", "routine for volume voice verbosity holds bed", parseStart, (*Player).start},
		{"select", "select NAME", "routine", parseName, (*Player).selectRoutine},
		{"pause", "pause", "", parseNothing, (*Player).pause},
		{"resume", "resume", "", parseNothing, (*Player).resume},
		{"toggle", "toggle", "", parseNothing, (*Player).toggle},
		{"stop", "stop", "", parseNothing, (*Player).stop},
		{"next", "next", "", parseNothing, (*Player).next},
		{"back", "back", "", parseNothing, (*Player).back},
		{"repeat", "repeat", "", parseNothing, (*Player).repeat},
		{"extend", "extend 1m, or extend 3 breaths", "for", parseExtend, (*Player).extend},
		{"slower", "slower", "", parseNothing, (*Player).slower},
		{"faster", "faster", "", parseNothing, (*Player).faster},
		{"volume", "volume 40", "volume", parseVolume, (*Player).setVolume},
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
	for _, v := range verbs() {
		if v.name == name {
			return v, nil
		}
	}
	if near := routines.Nearest(name, verbNames()); near != "" {
		return verb{}, fmt.Errorf("unknown command %q; did you mean %q?", name, near)
	}
	return verb{}, fmt.Errorf("unknown command %q; use one of %s", name, strings.Join(verbNames(), ", "))
}

// publishStatus publishes the state again.
func (p *Player) publishStatus(Command) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.publishState()
	return true, nil
}

// maxCommandAge is how old a command with a time stamp may be.
const maxCommandAge = 30 * time.Second

// DoPayload parses a payload and carries the command out.
func (p *Player) DoPayload(payload []byte) Response { return p.DoParsed(Parse(payload)) }

// DoParsed carries out what a parser returned, or answers why it could not be parsed.
func (p *Player) DoParsed(c Command, err error) Response {
	if err != nil {
		return response(c, false, err)
	}
	return p.Do(c)
}

// Do carries out a command and answers it. It does not wait for sound: a start is answered when the routine was found
// and compiled. A repeated transaction gets the same response again, and nothing else happens.
func (p *Player) Do(c Command) Response {
	if c.Transaction == "" {
		return p.execute(c)
	}
	p.mu.Lock()
	result, mine := p.transactions.claim(transactionKey{c.Verb, c.Transaction})
	p.mu.Unlock()
	if !mine {
		<-result.ready
		return result.response
	}
	result.response = response(c, false, errors.New("the command failed inside guided"))
	defer close(result.ready) // after a panic too: a remote may recover it, and the others must not wait
	result.response = p.execute(c)
	return result.response
}

// execute carries out a command that has not expired.
func (p *Player) execute(c Command) Response {
	v, err := findVerb(c.Verb)
	if err != nil {
		return response(c, false, err)
	}
	if age := time.Since(c.SentAt); !c.SentAt.IsZero() && age > maxCommandAge && p.cfg.ClockTrusted() {
		return response(c, false, fmt.Errorf("the command is %v old and was not carried out; commands expire after %v", age.Round(time.Second), maxCommandAge))
	}
	if err := p.checkOrder(c); err != nil {
		return response(c, false, err)
	}
	changed, err := v.run(p, c)
	return response(c, changed, err)
}

// checkOrder refuses a command that would begin sound and was sent before a stop or a pause that has been received
// already: on its way one message may overtake another.
func (p *Player) checkOrder(c Command) error {
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

// How many transactions are remembered, and for how long: a message that is delivered twice arrives twice within
// seconds, while a remote that counts from 1 after each restart means another command.
const (
	maxTransactions     = 128
	transactionLifetime = 10 * time.Minute
)

// transactions are the results of the last transactions, so that a command that is delivered twice is carried out once.
type transactions struct {
	order []*transactionResult // by age, the oldest first
	byKey map[transactionKey]*transactionResult
}

// transactionKey identifies a transaction.
type transactionKey struct{ verb, id string }

// transactionResult has its response once ready is closed.
type transactionResult struct {
	key      transactionKey
	claimed  time.Time
	ready    chan struct{}
	response Response
}

func newTransactions() transactions {
	return transactions{byKey: map[transactionKey]*transactionResult{}}
}

// claim is the result of a transaction, and whether the caller is to carry it out.
func (t *transactions) claim(key transactionKey) (result *transactionResult, mine bool) {
	for len(t.order) > 0 && (len(t.order) == maxTransactions || time.Since(t.order[0].claimed) > transactionLifetime) {
		delete(t.byKey, t.order[0].key)
		t.order = t.order[1:]
	}
	if old, known := t.byKey[key]; known {
		return old, false
	}
	result = &transactionResult{key: key, claimed: time.Now(), ready: make(chan struct{})}
	t.byKey[key] = result
	t.order = append(t.order, result)
	return result, true
}
