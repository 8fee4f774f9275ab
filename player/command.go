package player

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
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
	From        string          // where it came from, for people, such as "MQTT guided/mat/command"; empty: unknown
	place       *Place          // resume: where a lost session stood; nil: the one that is offered
	offered     bool            // resume: the lost session that is offered, and nothing else
	Snooze      time.Duration   // snooze: how long; zero: ten minutes
	Switch      *bool           // schedule: on or off
	Entry       string          // schedule: the name of one entry; empty: the whole
	unattended  bool            // start: by nobody, see StartUnattended
	softly      bool            // start: in the quiet profile at any hour
	words       []string        // start: what followed the verb, where some of it was read as parameters
}

// Parameters are what a start may ask for; a zero value is as Defaults say.
type Parameters struct {
	For       time.Duration      // the length of the whole; 0: the routine's own
	Until     string             // when it must have ended, as NewDeadline reads it; empty: no matter
	Voice     string             // who speaks
	Verbosity routines.Verbosity // how much is said
	Holds     *bool              // breaths with their holds, or without
	Bed       string             // what sounds under the voice, or "none"
	FadeIn    time.Duration      // of the whole sound, at the start
	FadeOut   time.Duration      // at the end
}

// Defaults are the settings that the parameters of a start override.
type Defaults struct {
	Verbosity routines.Verbosity
	NoHolds   bool           // breaths without their holds
	Quiet     func() bool    // whether what starts now is played in the quiet profile; nil: never
	Zone      *time.Location // in which the time of the day in Until counts; nil: UTC
}

// SetDefaults replaces the defaults, for the sessions that start from now on.
func (p *Player) SetDefaults(d Defaults) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cfg.Defaults = d
}

// Options is what a start with these parameters asks the compiler for now.
func (p *Player) Options(o Parameters) routines.Options {
	p.mu.Lock()
	d := p.cfg.Defaults
	p.mu.Unlock()
	return d.Options(o)
}

// Options is what the compiler is asked for: the parameters over the defaults. What Until asks for depends on the time:
// see Deadline.
func (d Defaults) Options(p Parameters) routines.Options {
	o := routines.Options{
		For: p.For, Verbosity: cmp.Or(p.Verbosity, d.Verbosity), NoHolds: d.NoHolds, Bed: p.Bed, FadeIn: p.FadeIn, FadeOut: p.FadeOut, Quiet: d.Quiet != nil && d.Quiet(),
	}
	if p.Holds != nil {
		o.NoHolds = !*p.Holds
	}
	return o
}

// Response answers a Command; every command is answered.
type Response struct {
	Status      string  `json:"status"` // ok, error
	Command     string  `json:"command"`
	Error       string  `json:"error,omitempty"`
	Unchanged   bool    `json:"unchanged,omitempty"` // ok, and nothing had to change
	Note        string  `json:"note,omitempty"`      // what was passed over, taken up, done by the schedule, or is otherwise than asked for
	Transaction string  `json:"transaction,omitempty"`
	Report      *Report `json:"report,omitempty"` // status: nil else
}

// verb is one row of the table that every remote shares. now carries the command out at once, without I/O; where it
// returns errSlow, or is nil, the command waits its turn among the slow ones (slow.go). Where both are nil the schedule
// carries it out (schedule.go).
type verb struct {
	name  string
	usage string
	keys  string                                 // the JSON keys it takes beside the common ones
	parse func(c *Command, words []string) error // the words after the verb
	now   func(p *Player, c Command) (changed bool, err error)
	slow  func(p *Player, c Command, w *slowCommand) (changed bool, err error)
}

// errSlow is returned by verb.now for a command that cannot be carried out at once.
var errSlow = errors.New("not at once")

// verbs is the table. start, select, pause, resume, stop, volume, duck and unduck are idempotent: repeated they change
// nothing, and the response says so.
func verbs() []verb {
	return []verb{
		{"start", "start NAME for 5m volume 40 voice heart verbosity short holds off bed rain fade_in 2m fade_out 5m, or start NAME until 08:10", "routine for until volume voice verbosity holds bed fade_in fade_out", parseStart, nil, (*Player).start},
		{"select", "select NAME", "routine", parseName, nil, (*Player).selectRoutine},
		{"pause", "pause", "", parseNothing, (*Player).pause, nil},
		{"resume", "resume", "", parseNothing, (*Player).resume, (*Player).takeUp},
		{"toggle", "toggle", "", parseNothing, (*Player).toggle, (*Player).start},
		{"stop", "stop", "", parseNothing, (*Player).stop, nil},
		{"next", "next", "", parseNothing, destination(toNext).now, destination(toNext).slowly},
		{"back", "back", "", parseNothing, destination(toPrevious).now, destination(toPrevious).slowly},
		{"repeat", "repeat", "", parseNothing, destination(toStart).now, destination(toStart).slowly},
		{"extend", "extend 1m, or extend 3 breaths", "for", parseExtend, nil, (*Player).extend},
		{"slower", "slower", "", parseNothing, nil, (*Player).slower},
		{"faster", "faster", "", parseNothing, nil, (*Player).faster},
		{"volume", "volume 40", "volume", parseVolume, (*Player).setVolume, nil},
		{"duck", "duck", "", parseNothing, (*Player).duck, nil},
		{"unduck", "unduck", "", parseNothing, (*Player).unduck, nil},
		{"say", "say TEXT", "text when", parseText, (*Player).say, nil},
		{"skip_run", "skip_run", "", parseNothing, nil, nil},
		{"snooze", "snooze 10m", "for", parseSnooze, nil, nil},
		{"schedule", "schedule off, schedule on, or schedule off NAME", "switch entry", parseSchedule, nil, nil},
		{"status", "status", "", parseNothing, (*Player).publishStatus, nil},
	}
}

// Verbs lists the verbs of commands.
func Verbs() []string {
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
	if near := routines.Nearest(shorten(name), Verbs()); near != "" {
		return verb{}, fmt.Errorf("unknown command %q; did you mean %q?", shorten(name), near)
	}
	return verb{}, fmt.Errorf("unknown command %q; use one of %s", shorten(name), strings.Join(Verbs(), ", "))
}

// publishStatus publishes the state again.
func (p *Player) publishStatus(Command) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.publishState()
	return true, nil
}

// Do carries out a command and returns its response. It does not wait for sound: a start is answered when the routine
// was found and compiled. It is Submit for a remote that has nothing else to do meanwhile.
func (p *Player) Do(c Command) Response {
	answered := make(chan Response, 1)
	p.Submit(c, func(r Response) { answered <- r })
	return <-answered
}

// DoPayload parses a payload and carries the command out.
func (p *Player) DoPayload(payload []byte) Response { return p.DoParsed(Parse(payload)) }

// DoParsed carries out what a parser returned, or answers why it could not be parsed.
func (p *Player) DoParsed(c Command, err error) Response {
	if err != nil {
		var refused Response
		p.logged(c, func(r Response) { refused = r })(response(c, false, err))
		return refused
	}
	return p.Do(c)
}

// SubmitPayload parses a payload and submits the command.
func (p *Player) SubmitPayload(payload []byte, answer func(Response)) {
	c, err := Parse(payload)
	if err != nil {
		p.logged(c, answer)(response(c, false, err))
		return
	}
	p.Submit(c, answer)
}

// Submit takes a command, and returns at once, so that a remote with one command after another never delays a stop: what
// can be carried out at once has been when it returns, and what may take its time (start, select, extend, slower, faster,
// and a jump to sound that is not loaded) has its place in the order of the submitted. answer is called exactly once for
// every command, before Submit returns or later from another goroutine, and must not block. A repeated transaction gets
// the same response again, and nothing else happens.
func (p *Player) Submit(c Command, answer func(Response)) {
	if c.Transaction == "" {
		p.execute(c, answer)
		return
	}
	p.mu.Lock()
	result, mine := p.transactions.claim(transactionKey{c.Verb, c.Transaction})
	switch {
	case mine:
		p.mu.Unlock()
		p.execute(c, func(r Response) {
			p.mu.Lock()
			waiting := result.answer(r)
			p.mu.Unlock()
			answer(r)
			for _, answer := range waiting {
				answer(r)
			}
		})
	case result.response != nil:
		r := *result.response
		p.mu.Unlock()
		answer(r)
	case len(result.waiting) == maxRepetitions:
		p.mu.Unlock()
		answer(response(c, false, errTooMany))
	default:
		result.waiting = append(result.waiting, answer)
		p.mu.Unlock()
	}
}

// execute carries out a command that has not expired, at once or in its turn, and logs what became of it.
func (p *Player) execute(c Command, answer func(Response)) {
	answer = p.logged(c, answer)
	v, err := findVerb(c.Verb)
	if err != nil {
		answer(response(c, false, err))
		return
	}
	note, err := p.checkAge(c)
	if err == nil {
		err = p.checkOrder(c)
	}
	if err != nil {
		answer(response(c, false, err))
		return
	}
	done := func(changed bool, more string, err error) {
		r := response(c, changed, err)
		r.Note = joinNotes(note, more)
		if c.Verb == "status" {
			r.Report = p.report()
		}
		answer(r)
	}
	if v.now == nil && v.slow == nil {
		p.askSchedule(c, func(told string, changed bool, err error) {
			done(changed, told, err)
		})
		return
	}
	if v.now != nil {
		if changed, err := v.now(p, c); err != errSlow {
			done(changed, "", err)
			return
		}
	}
	p.enqueue(v, c, done)
}

// joinNotes is one note of several; empty ones are passed over.
func joinNotes(notes ...string) string {
	return strings.Join(slices.DeleteFunc(notes, func(n string) bool { return n == "" }), "; ")
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
	maxRepetitions      = 64 // of one transaction, that wait for its response
)

// transactions are the results of the last transactions, so that a command that is delivered twice is carried out once.
type transactions struct {
	order []*transactionResult // by age, the oldest first
	byKey map[transactionKey]*transactionResult
}

// transactionKey identifies a transaction.
type transactionKey struct{ verb, id string }

// transactionResult has its response once the command was carried out; until then those that asked again wait.
type transactionResult struct {
	key      transactionKey
	claimed  time.Time
	response *Response
	waiting  []func(Response)
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
	result = &transactionResult{key: key, claimed: time.Now()}
	t.byKey[key] = result
	t.order = append(t.order, result)
	return result, true
}

// answer notes the response, and returns those that wait for it.
func (t *transactionResult) answer(r Response) (waiting []func(Response)) {
	t.response = &r
	waiting, t.waiting = t.waiting, nil
	return waiting
}
