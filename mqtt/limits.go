package mqtt

import (
	"math/rand/v2"
	"time"
)

// limits are every time and every bound of this package.
type limits struct {
	connect     time.Duration // from dialling to the broker's CONNACK
	ack         time.Duration // for the acknowledgement of one message or subscription; then the connection counts as lost
	write       time.Duration // for paho to take one packet; it waits that long when the connection breaks while it writes
	keepAlive   time.Duration // in whole seconds, promised in CONNECT: the broker publishes our last will after one and a half of it; 0: none, to a broker in this process
	pong        time.Duration // for the answer to a ping
	firstRetry  time.Duration
	lastRetry   time.Duration
	stableAfter time.Duration // a connection that held this long was a good one: the next retry is the first again
	shutdown    time.Duration // for all that is published at the end

	birthDelay    time.Duration // from Home Assistant's birth message to our answer: at least once, at most five times that
	stageInterval time.Duration // between the stages of an announcement, and between the clearing of devices and of states
	clearDelay    time.Duration // from our announcement to the clearing of former topics
	checkDelay    time.Duration // from being online, and from a new announcement or info, to reading back what the broker keeps
	onlineCheck   time.Duration // for the answer of a daemon that is said to be online

	queueLength    int           // commands that wait to be executed
	orderGrace     time.Duration // an urgent command waits that long for those before it, and then overtakes them
	maxPayload     int           // bytes of one command
	maxQueueAge    time.Duration // a command that waited longer is refused
	ringSize       int           // events, phases and responses that wait to be sent, of each
	urgentRingSize int           // responses to urgent commands that wait to be sent
	maxEventAge    time.Duration // an event or response that waited longer is dropped: it would be taken for a new one
	maxPhaseAge    time.Duration
	maxHold        time.Duration // how long a state may wait for the response to the command that caused it
}

func defaultLimits() limits {
	return limits{
		connect:     10 * time.Second,
		ack:         5 * time.Second,
		write:       time.Second,
		keepAlive:   60 * time.Second,
		pong:        10 * time.Second,
		firstRetry:  500 * time.Millisecond,
		lastRetry:   30 * time.Second,
		stableAfter: 10 * time.Second,
		shutdown:    800 * time.Millisecond,

		birthDelay:    time.Second,
		stageInterval: time.Second,
		clearDelay:    5 * time.Second,
		checkDelay:    time.Second,
		onlineCheck:   3 * time.Second,

		queueLength:    64,
		orderGrace:     30 * time.Millisecond,
		maxPayload:     64 << 10,
		maxQueueAge:    10 * time.Second,
		ringSize:       100,
		urgentRingSize: 2 * maxTransactions,
		maxEventAge:    30 * time.Second,
		maxPhaseAge:    time.Second,
		maxHold:        time.Second,
	}
}

// retry is the wait after so many failures. It doubles with each, and is up to a fifth shorter at random, so that the
// nodes of a home do not all reconnect at the same moment.
func (l limits) retry(failures int) time.Duration {
	wait := l.lastRetry
	if failures < 16 {
		wait = min(wait, l.firstRetry<<failures)
	}
	return wait - rand.N(wait/5+1)
}

// birthAnswer is a random wait before a birth message is answered: every device of a home answers it.
func (l limits) birthAnswer() time.Duration { return l.birthDelay + rand.N(4*l.birthDelay) }
