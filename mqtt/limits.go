package mqtt

import (
	"math/rand/v2"
	"time"
)

// A limits holds every wait and every bound of this package.
type limits struct {
	connect     time.Duration // from dialling to the broker's welcome
	ack         time.Duration // how long the broker may take over one message; then the link counts as dead
	write       time.Duration // how long paho may be deaf to us; it is when the line breaks in the very moment of speaking
	keepAlive   time.Duration // in whole seconds; silence after which the broker is asked whether it lives
	pong        time.Duration // how long it may take to say so
	firstRetry  time.Duration
	lastRetry   time.Duration
	stableAfter time.Duration // a connection that held this long was a good one: the next retry is the first again
	shutdown    time.Duration // for everything there is to say at the end

	birthDelay    time.Duration // from Home Assistant's birth to our word, at least; at most five times that
	stageInterval time.Duration // between the stages of a removal
	clearDelay    time.Duration // from our word to the emptying of former topics
	onlineCheck   time.Duration // how long a daemon that should be there may take to say so

	queueLength int           // commands that wait to be carried out
	maxPayload  int           // bytes of one command
	maxQueueAge time.Duration // a command that waited longer is refused
	ringSize    int           // events, phases and responses that wait to be sent, of each
	maxEventAge time.Duration // an event or response that waited longer is not sent: nobody takes it for news
	maxPhaseAge time.Duration
	maxHold     time.Duration // how long a state may wait for the response to the command that caused it
}

func defaultLimits() limits {
	return limits{
		connect:     10 * time.Second,
		ack:         5 * time.Second,
		write:       time.Second,
		keepAlive:   20 * time.Second,
		pong:        9 * time.Second, // paho looks every 5 s: with 10 s it is noticed a look too late
		firstRetry:  500 * time.Millisecond,
		lastRetry:   30 * time.Second,
		stableAfter: 10 * time.Second,
		shutdown:    800 * time.Millisecond,

		birthDelay:    time.Second,
		stageInterval: time.Second,
		clearDelay:    5 * time.Second,
		onlineCheck:   3 * time.Second,

		queueLength: 64,
		maxPayload:  64 << 10,
		maxQueueAge: 10 * time.Second,
		ringSize:    100,
		maxEventAge: 30 * time.Second,
		maxPhaseAge: time.Second,
		maxHold:     time.Second,
	}
}

// retry doubles with every failure and strays downwards by a fifth, so that the nodes of a house do not all come
// back to their broker in the same moment.
func (p limits) retry(failures int) time.Duration {
	wait := p.lastRetry
	if failures < 16 {
		wait = min(wait, p.firstRetry<<failures)
	}
	return wait - rand.N(wait/5+1)
}
