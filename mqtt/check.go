package mqtt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// MQTT 3.1.1 has no word for a message or a subscription that an access list forbids: it is accepted, and lost. So what
// we published retained is read back, and a command is sent to ourselves.

// CheckRetained reads what the broker keeps of the daemon named by options, which is online. The error says what is missing
// or too much, and what to do. Where options have no ID, the device may be that of any identity.
func CheckRetained(ctx context.Context, options Options) error {
	if err := options.usable(); err != nil {
		return err
	}
	node, devices := options.topics().node, ""
	if options.HomeAssistant.Discovery && !options.Embedded {
		devices = options.HomeAssistant.DeviceTopics()
	}
	topics := []string{node + "/status", node + "/state", node + "/info"}
	r, err := readRetained(ctx, options, defaultLimits(), true, devices, topics...)
	var noMarker *markerError
	if errors.As(err, &noMarker) {
		r, err = noMarker.sofar, nil
	}
	if err != nil {
		return diagnose(err).wrap(options.Broker, err)
	}
	defer r.conn.close()
	missing := slices.DeleteFunc(topics, func(t string) bool { _, is := r.payload(t); return is })
	if len(missing) > 0 {
		return fmt.Errorf("the broker does not keep %s: allow this user to write and read it in the broker's acl_file; where that is so, look at retain_available, message_size_limit and max_packet_size, and at the daemon's log", strings.Join(missing, ", "))
	}
	if devices == "" {
		return nil
	}
	found, own := r.discoveryOf(node), options.HomeAssistant.DeviceTopic(options.ID)
	switch {
	case len(found) == 0:
		return fmt.Errorf("nothing is kept on %s, so that Home Assistant does not hear of this device; allow this user to write and read it in the broker's acl_file, and look at message_size_limit and max_packet_size, and at the daemon's log", devices)
	case len(found) == 1 && options.ID != "" && found[0] != own:
		return fmt.Errorf("the device of this node that is kept is another identity's, %s, and this one's is not, %s, so that Home Assistant does not hear of it; allow this user to write and read it in the broker's acl_file; then stop guided, run guided ha purge, and start it again", found[0], own)
	case len(found) == 1:
		return nil
	default:
		return fmt.Errorf("%d devices of this node are kept, from other identities: %s; stop guided, run guided ha purge, and start it again", len(found), strings.Join(found[:min(len(found), 5)], " "))
	}
}

// FormerID is the identity under which a daemon with this node was announced before, for one whose own was lost: with it
// Home Assistant has the same device as before. It is "" where there is none, or more than one, where that daemon may be
// alive, and where the broker does not answer within some seconds.
func FormerID(ctx context.Context, options Options) string {
	if !options.HomeAssistant.Discovery || options.usable() != nil {
		return ""
	}
	l := defaultLimits()
	l.connect, l.ack = l.onlineCheck, l.onlineCheck
	status := options.topics().status(false).topic
	r, err := readRetained(ctx, options, l, true, options.HomeAssistant.DeviceTopics(), status)
	if err != nil {
		_ = closeWithoutMarker(err) // the daemon will say what is wrong
		return ""
	}
	defer r.conn.close()
	devices := r.discoveryOf(options.topics().node)
	if state, _ := r.payload(status); len(devices) != 1 || string(state) == "online" {
		return ""
	}
	id, _ := options.HomeAssistant.DeviceID(devices[0])
	return id
}

// A probe is a status command from ourselves to ourselves. It is not carried out. One that another daemon sent says that
// it has the same node as we.
type probe struct {
	Command     string `json:"command"`
	Transaction string `json:"transaction"` // probePrefix and the instance
}

const probePrefix = "guided-probe-"

// probeRepeat is how often the probe of another daemon is answered with one of our own.
const probeRepeat = time.Minute

func (p *publisher) probe() message {
	b, _ := json.Marshal(probe{"status", probePrefix + p.instance}) // strings cannot fail
	return message{p.topics.commands()[0], b, 1, false}
}

// probedBy is the instance that sent a probe; "" for a command that is none.
func probedBy(payload []byte) (instance string) {
	var sent probe
	if len(payload) > 200 || !bytes.Contains(payload, []byte(probePrefix)) || json.Unmarshal(payload, &sent) != nil || sent.Command != "status" {
		return ""
	}
	instance, is := strings.CutPrefix(sent.Transaction, probePrefix)
	if !is {
		return ""
	}
	return instance
}

// receiveProbe takes note of a probe. It never waits.
func (p *publisher) receiveProbe(instance string) {
	if instance == p.instance {
		signal(p.probed)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.others[instance]) < probeRepeat {
		return
	}
	if len(p.others) >= 100 { // a stranger makes them up
		clear(p.others)
	}
	p.others[instance] = time.Now()
	signal(p.otherSeen)
}

// reportOther says that a second daemon has our node, and lets it know of us.
func (p *publisher) reportOther(ctx context.Context, c *connection) error {
	p.accepts.name("another guided with the same node is on this broker: both carry out every command, and overwrite each other's state",
		fmt.Sprintf("give one of them another node in its settings, such as node = %q, or stop it", p.options.Node+"2"), "node", p.options.Node)
	return p.send(ctx, c, p.probe())
}

// checkCommands says so when two probes did not come back.
func (p *publisher) checkCommands(ctx context.Context) {
	select {
	case <-p.probed: // of a former connection
	default:
	}
	for range 2 {
		signal(p.probeDue)
		select {
		case <-p.probed:
			return
		case <-time.After(p.limits.ack):
		case <-ctx.Done():
			return
		}
	}
	topic := p.topics.commands()[0]
	p.warn("a command that we sent to ourselves did not come: commands may not be heard here",
		"allow this user to read and write the topic in the broker's acl_file; where it may read but not write it, commands are heard, and this can be ignored", "topic", topic)
}

// check runs while one connection lasts. It reads back what the broker keeps some time after each change of it.
func (p *publisher) check(ctx context.Context) {
	for {
		select {
		case <-time.After(p.limits.checkDelay):
		case <-ctx.Done():
			return
		}
		select {
		case <-p.published:
		default:
		}
		p.readBack(ctx)
		select {
		case <-p.published:
		case <-ctx.Done():
			return
		}
	}
}

// keep takes note of a retained message that the broker took; an empty one clears what it had. The state changes too often to
// be compared.
func (p *publisher) keep(m message) {
	p.mu.Lock()
	known := p.kept[m.topic]
	if p.kept[m.topic] = m.payload; len(m.payload) == 0 {
		delete(p.kept, m.topic)
	}
	p.mu.Unlock()
	if !bytes.Equal(known, m.payload) && m.topic != p.topics.node+"/state" && m.topic != p.topics.node+"/status" {
		signal(p.published)
	}
}

// give takes note of a topic on which the broker is being given something to retain: it may have that before we know.
func (p *publisher) give(topic string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.given = topic
}

// keptNow is what the broker retains, and the topic on which that may be another thing already.
func (p *publisher) keptNow() (kept map[string][]byte, given string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.kept), p.given
}

// readBack warns of what was published retained and is not there, and of devices of this node in Home Assistant that are
// not ours. What cannot be read is not judged.
func (p *publisher) readBack(ctx context.Context) {
	before, _ := p.keptNow()
	topics := slices.Sorted(maps.Keys(before))
	if len(topics) == 0 {
		return
	}
	pattern := ""
	if p.options.announces() && !p.options.Embedded {
		pattern = p.options.HomeAssistant.DeviceTopics()
	}
	r, err := readRetained(ctx, p.options, p.limits, p.markerQoS.Load() > 0, pattern, topics...)
	var noMarker *markerError
	if errors.As(err, &noMarker) {
		r, err = noMarker.sofar, nil
	}
	if err != nil {
		return
	}
	defer r.conn.close()
	after, given := p.keptNow()
	for _, topic := range topics {
		if topic == given || !bytes.Equal(before[topic], after[topic]) {
			continue // published anew in the meantime
		}
		got, is := r.payload(topic)
		if is && (strings.HasSuffix(topic, "/state") || strings.HasSuffix(topic, "/status") || bytes.Equal(got, before[topic])) {
			p.unwarn(topic)
			continue
		}
		what := "the broker does not keep what is published: it does not come when it is read"
		if strings.HasSuffix(topic, "/config") {
			what = "Home Assistant does not hear of this device: what is published does not come when it is read"
		}
		hint := "allow this user to write and read the topic in the broker's acl_file"
		if size := len(before[topic]); size > ordinarySize {
			hint += fmt.Sprintf(", and raise message_size_limit, if it is set, above %d", size+len(topic)+16)
		}
		p.warn(what, hint, "topic", topic, "bytes", len(before[topic]))
	}
	if pattern != "" {
		p.reportGhosts(r.discoveryOf(p.topics.node))
	}
}

// reportGhosts warns of devices that were announced with our topics under another identity: Home Assistant shows each.
func (p *publisher) reportGhosts(devices []string) {
	own := p.options.HomeAssistant.DeviceTopic(p.options.ID)
	devices = slices.DeleteFunc(devices, func(t string) bool { return t == own })
	if len(devices) == 0 {
		return
	}
	p.warn("Home Assistant has this node more than once: other devices were announced with the same topics",
		"they were left by an earlier identity (a new memory card, a container without a volume); stop guided, run guided ha purge, and start it again; keep the state folder from then on",
		"topic", p.topics.node, "devices", strings.Join(devices[:min(len(devices), 5)], " "), "count", len(devices))
}

// warn logs something once for its topic, until unwarn.
func (p *publisher) warn(what, hint string, attributes ...any) {
	key := fmt.Sprint(attributes[1])
	p.mu.Lock()
	known := p.warned[key]
	p.warned[key] = true
	p.mu.Unlock()
	if !known {
		p.log.Warn(what, append(append([]any{"broker", p.options.Broker}, attributes...), "hint", hint)...)
	}
}

func (p *publisher) unwarn(topic string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.warned, topic)
}
