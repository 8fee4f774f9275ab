package mqtt

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// What clients of the embedded broker may use up. A home with one daemon and its remotes needs a tenth of it.
const (
	maxClients       = 64        // connected at a time, beside our own
	maxSessions      = 128       // kept, those of clients that are away included
	maxSubscriptions = 100       // of a client
	maxRetained      = 1000      // topics
	maxRetainedBytes = 4 << 20   // payloads and topics together
	maxWill          = 4 << 10   // bytes
	maxPacket        = 256 << 10 // bytes
	maxOwnBacklog    = 64        // messages that our own client has not taken; a sender waits for it then
)

// ownWait is how long a sender waits for our own client at most: a client that hangs must not hold up the broker.
const ownWait = 250 * time.Millisecond

// A guard decides what the clients of the embedded broker may do. Our own client, which it knows by a secret password, has
// its place whatever the others do, and no command to it is lost in a flood: who floods waits.
type guard struct {
	mochi.HookBase
	server   *mochi.Server
	password string // of our own client
	log      *slog.Logger
	freed    chan struct{} // one token: our own client has taken a message
	expiry   *expiry

	mu            sync.Mutex
	own           *mochi.Client   // our own client, nil while it is away
	topics        map[string]bool // to which our own client has subscribed
	written       int             // messages for our own client that were not written to it yet
	retained      map[string]int  // bytes by topic
	retainedBytes int
	reported      map[string]bool // limits that were reached
}

// ownUser is the user of our own client.
const ownUser = "guided"

func newGuard(server *mochi.Server, log *slog.Logger) *guard {
	g := &guard{
		server: server, password: rand.Text(), log: log, freed: make(chan struct{}, 1),
		topics: map[string]bool{}, retained: map[string]int{}, reported: map[string]bool{},
	}
	g.expiry = &expiry{server: server, forget: g.forget}
	return g
}

// ID and Provides implement [mochi.Hook], as do the methods below. Everything is provided: what is not here does nothing.
func (*guard) ID() string { return "guard" }

func (*guard) Provides(what byte) bool {
	switch what {
	case mochi.OnConnect, mochi.OnConnectAuthenticate, mochi.OnACLCheck, mochi.OnSessionEstablish, mochi.OnDisconnect,
		mochi.OnSubscribe, mochi.OnPublish, mochi.OnPacketSent, mochi.OnPublishDropped, mochi.OnQosComplete, mochi.OnWill:
		return true
	}
	return false
}

func (g *guard) OnConnectAuthenticate(*mochi.Client, packets.Packet) bool { return true }

func (g *guard) OnACLCheck(*mochi.Client, string, bool) bool { return true }

func (g *guard) isOwn(pk packets.Packet) bool {
	return string(pk.Connect.Username) == ownUser && bytes.Equal(pk.Connect.Password, []byte(g.password))
}

// OnConnect refuses clients for which there is no room, and those that would take the place of our own one.
func (g *guard) OnConnect(cl *mochi.Client, pk packets.Packet) error {
	if g.isOwn(pk) {
		return nil
	}
	g.mu.Lock()
	code := packets.CodeSuccess
	_, known := g.server.Clients.Get(cl.ID)
	switch {
	case g.ownConnected() && cl.ID == g.own.ID:
		code = packets.ErrClientIdentifierNotValid
	case g.others() >= maxClients:
		g.report("clients", maxClients, "end programs that connect again and again without need, or use mosquitto")
		code = packets.ErrServerUnavailable
	case !known && g.server.Clients.Len() >= maxSessions:
		g.report("sessions", maxSessions, "let clients connect with a clean session, or use mosquitto")
		code = packets.ErrServerUnavailable
	}
	g.mu.Unlock()
	if code == packets.CodeSuccess {
		return nil
	}
	_ = g.server.SendConnack(cl, code, false, nil) // the connection is closed anyway
	return code
}

// OnSessionEstablish takes note of our own client. What has expired of a session that goes on is not sent any more, and a last will
// is sent at once: only mochi's loop would send it later.
func (g *guard) OnSessionEstablish(cl *mochi.Client, pk packets.Packet) {
	if former, has := g.server.Clients.Get(cl.ID); has {
		former.ClearExpiredInflights(time.Now().Unix(), g.server.Options.Capabilities.MaximumMessageExpiryInterval)
	}
	cl.Properties.Will.WillDelayInterval = 0
	if c, ok := cl.Net.Conn.(*trackedConn); ok {
		c.established()
		if g.isOwn(pk) {
			c.isOwn()
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.isOwn(pk) {
		g.own, g.written = cl, 0
		clear(g.topics)
	}
}

// ownConnected tells whether our own client is there, and others how many others are. The caller holds the lock.
func (g *guard) ownConnected() bool { return g.own != nil && !g.own.Closed() }

func (g *guard) others() int {
	n := int(atomic.LoadInt64(&g.server.Info.ClientsConnected))
	if g.ownConnected() {
		n--
	}
	return n
}

func (g *guard) OnDisconnect(cl *mochi.Client, _ error, expired bool) {
	if !expired {
		g.expiry.left(cl)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if cl == g.own {
		g.own = nil
		signal(g.freed)
	}
}

// OnSubscribe refuses the subscriptions beyond the limit, by giving each of them a filter that is none.
func (g *guard) OnSubscribe(cl *mochi.Client, pk packets.Packet) packets.Packet {
	g.mu.Lock()
	defer g.mu.Unlock()
	room := maxSubscriptions - cl.State.Subscriptions.Len()
	for i := range pk.Filters {
		switch {
		case cl == g.own:
			g.topics[pk.Filters[i].Filter] = true
		case i >= room:
			g.report("subscriptions of a client", maxSubscriptions, "subscribe to a pattern such as guided/# instead")
			pk.Filters[i].Filter = "#/#"
		}
	}
	return pk
}

// OnPublish retains nothing beyond the limits, and holds up who sends faster than our own client takes.
func (g *guard) OnPublish(cl *mochi.Client, pk packets.Packet) (packets.Packet, error) {
	if pk.FixedHeader.Retain {
		if pk.FixedHeader.Retain = g.retain(cl, pk.TopicName, len(pk.Payload)); pk.FixedHeader.Retain {
			g.expiry.retained(pk)
		}
	}
	g.mu.Lock()
	own, toOwn := g.own, g.ownConnected() && g.own != cl && g.topics[pk.TopicName]
	g.mu.Unlock()
	if toOwn {
		g.awaitOwn(own)
	}
	return pk, nil
}

// retain tells whether a message may be retained, and counts it then.
func (g *guard) retain(cl *mochi.Client, topic string, payload int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	before, is := g.retained[topic]
	if payload == 0 {
		g.retainedBytes -= before
		delete(g.retained, topic)
		return true
	}
	size := len(topic) + payload
	if cl != g.own && (!is && len(g.retained) >= maxRetained || g.retainedBytes-before+size > maxRetainedBytes) {
		g.report("retained messages", maxRetained, "clear some (mosquitto_pub -r -n -t TOPIC), or use mosquitto")
		return false
	}
	g.retained[topic] = size
	g.retainedBytes += size - before
	return true
}

// forget takes note of a retained message that is no more.
func (g *guard) forget(topic string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.retainedBytes -= g.retained[topic]
	delete(g.retained, topic)
}

// awaitOwn waits until our own client has taken most of what was sent to it, and counts one more message.
func (g *guard) awaitOwn(own *mochi.Client) {
	timeout := time.NewTimer(ownWait)
	defer timeout.Stop()
	for {
		g.mu.Lock()
		room := g.own != own || g.written < maxOwnBacklog && own.State.Inflight.Len() < maxOwnBacklog
		if room {
			g.written++
			more := g.written < maxOwnBacklog
			g.mu.Unlock()
			if more {
				signal(g.freed) // for another that waits
			}
			return
		}
		g.mu.Unlock()
		select {
		case <-g.freed:
		case <-timeout.C:
			g.mu.Lock()
			g.written = 0 // of some it was not said what became of them
			g.mu.Unlock()
			return
		}
	}
}

func (g *guard) OnPacketSent(cl *mochi.Client, pk packets.Packet, _ []byte) {
	if pk.FixedHeader.Type == packets.Publish {
		g.taken(cl)
	}
}

func (g *guard) OnPublishDropped(cl *mochi.Client, _ packets.Packet) { g.taken(cl) }

func (g *guard) OnQosComplete(cl *mochi.Client, _ packets.Packet) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if cl == g.own {
		signal(g.freed)
	}
}

func (g *guard) taken(cl *mochi.Client) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if cl == g.own {
		g.written = max(0, g.written-1)
		signal(g.freed)
	}
}

// OnWill bounds last wills as other messages.
func (g *guard) OnWill(cl *mochi.Client, will mochi.Will) (mochi.Will, error) {
	if len(will.Payload) > maxWill {
		will.Payload = will.Payload[:maxWill]
	}
	if will.Retain {
		will.Retain = g.retain(cl, will.TopicName, len(will.Payload))
	}
	return will, nil
}

// report logs a limit that is reached, once. The caller holds the lock.
func (g *guard) report(what string, limit int, hint string) {
	if g.reported[what] {
		return
	}
	g.reported[what] = true
	g.log.Warn(fmt.Sprintf("the embedded broker has all the %s it takes", what), "limit", limit, "hint", hint)
}
