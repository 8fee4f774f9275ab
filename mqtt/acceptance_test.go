package mqtt

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"guided/player"
)

// fast are limits for tests in which a daemon must connect many times.
func fast() limits {
	l := defaultLimits()
	l.firstRetry, l.stageInterval, l.checkDelay = 30*time.Millisecond, 20*time.Millisecond, 100*time.Millisecond
	return l
}

// checkQuiet checks that the daemon stays connected from now on, and answers.
func checkQuiet(t *testing.T, d *daemon, url string) {
	t.Helper()
	eventually(t, "commands are answered", func() bool {
		r, err := Send(t.Context(), testOptions(url), "stop")
		return err == nil && r.Status == "ok"
	})
	eventually(t, "the connection is settled", func() bool {
		before := len(d.log.with(""))
		time.Sleep(10 * fast().firstRetry)
		return len(d.log.with("")) == before
	})
	lines := len(d.log.with(""))
	time.Sleep(10 * fast().firstRetry)
	if after := d.log.with(""); len(after) != lines {
		t.Errorf("it goes on: %q", after[lines:])
	}
}

// TestRunWithBrokerThatTakesLess checks that a broker that closes the connection at what it does not take costs only that,
// and that it is named once.
func TestRunWithBrokerThatTakesLess(t *testing.T) {
	for situation, c := range map[string]struct {
		conf     []string
		routines int    // each has about 500 bytes in info
		named    string // in the log, once
		hint     string
		leaves   []string // retained topics that come
	}{
		"small packets":             {[]string{"max_packet_size 6000"}, 40, "guided/mat/info", "max_packet_size", []string{"status", "state"}},
		"device and info too large": {[]string{"max_packet_size 3000"}, 40, "homeassistant/device", "max_packet_size", []string{"status", "state"}},
		"a limit of messages":       {[]string{"message_size_limit 6000"}, 40, "guided/mat/info", "message_size_limit", []string{"status", "state"}},
		"nothing retained":          {[]string{"retain_available false"}, 1, "no retained messages", "retain_available", nil},
		"QoS 0 only":                {[]string{"max_qos 0"}, 1, "no acknowledged messages", "max_qos", []string{"status", "state", "info"}},
		"QoS 0, nothing retained":   {[]string{"max_qos 0", "retain_available false"}, 1, "no retained messages and no acknowledged", "max_qos", nil},
		"QoS 0 and small packets":   {[]string{"max_qos 0", "max_packet_size 6000"}, 40, "guided/mat/info", "max_packet_size", []string{"status", "state"}},
		"one in flight":             {[]string{"max_inflight_messages 1"}, 1, "", "", []string{"status", "state", "info"}},
		"short keepalive":           {[]string{"max_keepalive 10"}, 1, "", "", []string{"status", "state", "info"}},
	} {
		t.Run(situation, func(t *testing.T) {
			broker := newMosquitto(t, append([]string{"allow_anonymous true"}, c.conf...)...)
			options := testOptions(broker.url())
			options.HomeAssistant.Discovery, options.HomeAssistant.Prefix, options.HomeAssistant.Name = true, "homeassistant", "Mat"
			d := startDaemon(t, options, fast())
			d.states <- player.State{State: player.Idle}
			d.infos <- manyRoutines(c.routines, 1, 50)
			checkQuiet(t, d, broker.url())
			if c.named != "" {
				eventually(t, "it is named", func() bool { return len(d.log.with(c.named)) > 0 })
				lines := slices.DeleteFunc(d.log.with(c.named), func(s string) bool { return strings.Contains(s, "broker closes the connection at a message") })
				if len(lines) != 1 || !strings.Contains(lines[0], c.hint) {
					t.Errorf("logged %q", lines)
				}
			} else if lines := d.log.with(""); len(lines) != 1 {
				t.Errorf("logged %q", lines)
			}
			late := newTestClient(t, broker.url())
			for _, leaf := range c.leaves {
				late.await(0, "guided/mat/"+leaf, "")
			}
			d.stop()
			if removed, err := Purge(t.Context(), options, slog.New(slog.DiscardHandler)); err != nil || len(removed) < len(c.leaves) {
				t.Errorf("Purge: %q, %v", removed, err)
			}
		})
	}
}

func TestAcceptanceTriesEverythingAgainAfterTheBrokerWasAway(t *testing.T) {
	broker := newMosquitto(t, "allow_anonymous true", "max_packet_size 6000")
	d := startDaemon(t, testOptions(broker.url()), fast())
	d.infos <- manyRoutines(40, 1, 50)
	checkQuiet(t, d, broker.url())
	if n := len(d.log.with("left out: ")); n != 1 {
		t.Fatalf("logged %q", d.log.with(""))
	}
	broker.kill()
	eventually(t, "it is missed", func() bool { return len(d.log.with("broker away")) == 1 })
	broker.configure("allow_anonymous true")
	broker.start()
	eventually(t, "info is there", func() bool {
		late := newTestClient(t, broker.url())
		defer late.client.Disconnect(0)
		time.Sleep(50 * time.Millisecond)
		return len(late.on("guided/mat/info")) > 0
	})
}

func TestAcceptanceDoesNotTakeABrokerThatStartsForOneThatTakesLess(t *testing.T) {
	broker := newMosquitto(t)
	proxy := newProxy(t, broker.address())
	proxy.refuse(true) // it accepts and closes, as a container's proxy does while the broker inside starts
	d := startDaemon(t, testOptions(proxy.url()), fast())
	d.states <- player.State{State: player.Idle}
	eventually(t, "it is logged", func() bool { return len(d.log.with("right after CONNECT")) == 1 })
	time.Sleep(300 * time.Millisecond) // time for every mode
	proxy.refuse(false)
	late := newTestClient(t, broker.url())
	late.await(0, "guided/mat/state", "idle")
	again := newTestClient(t, broker.url())
	n := again.await(0, "guided/mat/status", "online")
	if !again.all()[n-1].retained {
		t.Error("the status is not retained")
	}
	if lines := d.log.with("broker takes no"); len(lines) > 0 {
		t.Errorf("logged %q", lines)
	}
}

// TestAcceptanceEnds checks that a broker that closes the connection at one kind of thing always, whatever it is, is
// learnt after few connections.
func TestAcceptanceEnds(t *testing.T) {
	topics := []string{"device", "status", "state", "info", "event"}
	for name, refuses := range map[string]func(m message) bool{
		"retained": func(m message) bool { return m.retained }, "QoS 1": func(m message) bool { return m.qos > 0 },
		"large": func(m message) bool { return len(m.payload) > 600 }, "one topic": func(m message) bool { return m.topic == "state" },
		"long topics": func(m message) bool { return len(m.topic) > 5 }, "everything": func(message) bool { return true }, "nothing": func(message) bool { return false },
	} {
		a, closes := newAcceptance("broker", slog.New(slog.DiscardHandler)), 0
	connections:
		for range 100 {
			for i, topic := range topics {
				m, ok := a.fit(message{topic, []byte(strings.Repeat("x", 5+i*400)), 1, true})
				if !ok {
					continue
				}
				if refuses(m) {
					a.closedDuring(m)
					closes++
					continue connections
				}
				a.took(m)
			}
			break
		}
		if closes > 8*len(topics) {
			t.Errorf("%s: %d connections were closed", name, closes)
		}
		for _, topic := range topics {
			if _, ok := a.fit(message{topic, []byte("xxxxx"), 1, true}); !ok && name != "everything" && name != "one topic" && name != "long topics" {
				t.Errorf("%s: %s is left out", name, topic)
			}
		}
	}
}
