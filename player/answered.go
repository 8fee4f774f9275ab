package player

import "time"

// How many transactions are remembered, and how long: a command that is delivered twice comes twice within seconds,
// while a remote that counts from 1 at each of its starts means another command.
const (
	remembered = 128
	memory     = 10 * time.Minute
)

// answered is the answers to the last transactions, so that a command that is delivered twice is carried out once.
type answered struct {
	order []*answer
	by    map[transaction]*answer
}

// transaction is what makes two commands one.
type transaction struct{ verb, name string }

// answer is ready when its channel is closed.
type answer struct {
	to       transaction
	claimed  time.Time
	ready    chan struct{}
	response Response
}

func newAnswered() answered { return answered{by: map[transaction]*answer{}} }

// claim gives the answer of a transaction, and whether the caller is the one to fill it in.
func (a *answered) claim(t transaction) (*answer, bool) {
	for len(a.order) > 0 && (len(a.order) == remembered || time.Since(a.order[0].claimed) > memory) {
		delete(a.by, a.order[0].to)
		a.order = a.order[1:]
	}
	if old, known := a.by[t]; known {
		return old, false
	}
	made := &answer{to: t, claimed: time.Now(), ready: make(chan struct{})}
	a.by[t] = made
	a.order = append(a.order, made)
	return made, true
}
