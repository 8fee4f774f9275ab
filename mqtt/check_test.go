package mqtt

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"guided/homeassistant"
	"guided/player"
)

func announcing(url string) Options {
	o := testOptions(url)
	o.HomeAssistant = homeassistant.Config{Discovery: true, Prefix: "homeassistant", Name: "Mat"}
	return o
}

func libraryOf(name string) player.Info {
	return player.Info{Version: "1", Routines: []player.RoutineInfo{{Name: name, Title: name, Steps: []string{}}}, Outputs: []string{}, Verbs: []string{"start"}}
}

// TestRunWithAccessListThatForbidsSilently checks that what an access list swallows is named once, with the topic.
func TestRunWithAccessListThatForbidsSilently(t *testing.T) {
	for situation, c := range map[string]struct {
		list  []string
		named []string // topics
	}{
		"discovery":           {[]string{"topic readwrite guided/#", "topic read homeassistant/#"}, []string{"homeassistant/device/"}},
		"everything is read":  {[]string{"topic read #"}, []string{"guided/mat/info", "guided/mat/state", "guided/mat/status", "guided/mat/command"}},
		"commands are hidden": {[]string{"topic write guided/#", "topic read guided/mat/info", "topic readwrite homeassistant/#"}, []string{"topic=guided/mat/command"}},
		"info":                {[]string{"topic readwrite guided/mat/status", "topic readwrite guided/mat/command", "topic readwrite guided/mat/state", "topic readwrite guided/mat/sweep", "topic readwrite homeassistant/#"}, []string{"guided/mat/info"}},
	} {
		t.Run(situation, func(t *testing.T) {
			broker := newMosquitto(t)
			broker.kill()
			broker.write("acl", strings.Join(c.list, "\n")+"\n")
			broker.configure("allow_anonymous true", "acl_file "+broker.file("acl"))
			broker.start()
			l := fast()
			l.ack = 500 * time.Millisecond
			d := startDaemon(t, announcing(broker.url()), l)
			d.states <- player.State{State: player.Idle}
			d.infos <- libraryOf("quiet")
			for _, topic := range c.named {
				eventually(t, topic+" is named", func() bool {
					lines := d.log.with(topic)
					return len(lines) == 1 && strings.Contains(lines[0], "acl_file")
				})
			}
			if err := CheckRetained(t.Context(), d.options); situation != "commands are hidden" && (err == nil || !strings.Contains(err.Error(), "acl_file")) {
				t.Errorf("CheckRetained: %v", err)
			}
			d.infos <- libraryOf("other")
			time.Sleep(3 * l.checkDelay) // time for another look
			for _, topic := range c.named {
				if lines := d.log.with(topic); len(lines) != 1 {
					t.Errorf("%s is named in %q", topic, lines)
				}
			}
		})
	}
}

func TestRunWithNothingForbiddenWarnsOfNothing(t *testing.T) {
	forEachBroker(t, func(t *testing.T, url string) {
		d := startDaemon(t, announcing(url), fast())
		d.states <- player.State{State: player.Idle}
		for _, name := range []string{"a", "b", "c"} {
			d.infos <- libraryOf(name)
			time.Sleep(2 * fast().checkDelay)
		}
		if lines := d.log.with(""); len(lines) != 1 {
			t.Errorf("logged %q", lines)
		}
		if err := CheckRetained(t.Context(), d.options); err != nil {
			t.Error(err)
		}
		if did := d.executed(); len(did) > 0 {
			t.Errorf("carried out: %q", did)
		}
	})
}

// TestReadBackOfWhatTheBrokerHasNotAcknowledged reads a topic while something newer is on its way to it: the broker may have
// the newer one already.
func TestReadBackOfWhatTheBrokerHasNotAcknowledged(t *testing.T) {
	broker := newMosquitto(t)
	log, topic := &logRecorder{}, "guided/mat/history"
	p := newPublisher(testOptions(broker.url()), fast(), nil, nil, slog.New(log))
	p.markerQoS.Store(1)
	p.keep(message{topic, []byte("older"), 1, true})
	newTestClient(t, broker.url()).client.Publish(topic, 1, true, "newer").Wait()
	p.give(topic)
	p.readBack(t.Context())
	if lines := log.with(""); len(lines) > 0 {
		t.Errorf("logged %q", lines)
	}
	p.give("")
	p.readBack(t.Context())
	if lines := log.with("does not keep"); len(lines) != 1 {
		t.Errorf("what another client overwrote is not named: %q", lines)
	}
}

func TestRunTellsOfSecondDaemonWithTheSameNode(t *testing.T) {
	forEachBroker(t, func(t *testing.T, url string) {
		first := startDaemon(t, testOptions(url), fast())
		newTestClient(t, url).await(0, "guided/mat/status", "online")
		second := startDaemon(t, testOptions(url), fast())
		for _, d := range []*daemon{first, second} {
			eventually(t, "it is told", func() bool { return len(d.log.with("another guided with the same node")) == 1 })
			if line := d.log.with("another guided")[0]; !strings.Contains(line, "node = ") {
				t.Errorf("logged %s", line)
			}
		}
		time.Sleep(300 * time.Millisecond) // they must not talk about each other for ever
		for _, d := range []*daemon{first, second} {
			if n := len(d.log.with("another guided")); n != 1 {
				t.Errorf("told %d times", n)
			}
		}
	})
}

// TestRunWithSecondDaemonOfTheSameIdentity checks that a copied memory card does not make two daemons throw each other out
// for ever.
func TestRunWithSecondDaemonOfTheSameIdentity(t *testing.T) {
	url := newMosquitto(t).url()
	options := testOptions(url)
	daemons := []*daemon{startDaemon(t, options, fast()), startDaemon(t, options, fast())}
	for _, d := range daemons {
		eventually(t, "it is told", func() bool { return len(d.log.with("another guided with the same node")) == 1 })
	}
	client := newTestClient(t, url)
	time.Sleep(200 * time.Millisecond)
	n := len(client.all())
	time.Sleep(500 * time.Millisecond)
	for _, m := range client.all()[n:] {
		if m.topic == "guided/mat/status" {
			t.Errorf("after both were told: %v", m)
		}
	}
	client.await(0, "guided/mat/status", "online")
}

func TestRunWarnsOfDevicesFromFormerIdentities(t *testing.T) {
	url := newMosquitto(t).url()
	former := startDaemon(t, announcing(url), fast())
	former.infos <- libraryOf("quiet")
	time.Sleep(100 * time.Millisecond)
	former.stop()
	other := announcing(url)
	other.Node = "kitchen" // a device of another node is none of ours
	neighbour := startDaemon(t, other, fast())
	neighbour.infos <- libraryOf("quiet")
	d := startDaemon(t, announcing(url), fast())
	d.states <- player.State{State: player.Idle}
	d.infos <- libraryOf("quiet")
	eventually(t, "the former device is named", func() bool { return len(d.log.with("guided ha purge")) == 1 })
	if line := d.log.with("guided ha purge")[0]; !strings.Contains(line, former.options.HomeAssistant.DeviceTopic(former.options.ID)) || strings.Contains(line, other.ID) {
		t.Errorf("logged %s", line)
	}
	if err := CheckRetained(t.Context(), d.options); err == nil || !strings.Contains(err.Error(), "2 devices") {
		t.Errorf("CheckRetained: %v", err)
	}
	unknown := d.options
	unknown.ID = "" // whoever asks may not know which identity the daemon has
	t.Run("only the device of the former identity is kept", func(t *testing.T) {
		client := newTestClient(t, url)
		client.publishRetained(d.options.HomeAssistant.DeviceTopic(d.options.ID), "")
		if err := CheckRetained(t.Context(), d.options); err == nil || !strings.Contains(err.Error(), former.options.HomeAssistant.DeviceTopic(former.options.ID)) || !strings.Contains(err.Error(), d.options.HomeAssistant.DeviceTopic(d.options.ID)) {
			t.Errorf("CheckRetained: %v", err)
		}
		if err := CheckRetained(t.Context(), unknown); err != nil {
			t.Errorf("where the identity is not known: %v", err)
		}
		client.publishRetained(former.options.HomeAssistant.DeviceTopic(former.options.ID), "")
		for _, o := range []Options{d.options, unknown} {
			if err := CheckRetained(t.Context(), o); err == nil || !strings.Contains(err.Error(), "nothing is kept") {
				t.Errorf("no device is kept: %v", err)
			}
		}
	})
	if lines := neighbour.log.with("purge"); len(lines) > 0 {
		t.Errorf("the neighbour logged %q", lines)
	}
}

func TestFormerIDIsThatOfTheOnlyDeviceThatIsNotOnline(t *testing.T) {
	url := newMosquitto(t).url()
	ask := func() string {
		o := announcing(url)
		o.ID = "fresh"
		return FormerID(t.Context(), o)
	}
	if id := ask(); id != "" {
		t.Errorf("%q is adopted where there is none", id)
	}
	client := newTestClient(t, url)
	announced := func() *daemon {
		n := len(client.all())
		d := startDaemon(t, announcing(url), fast())
		d.infos <- libraryOf("quiet")
		client.await(n, "guided/mat/info", "quiet")
		eventually(t, "the device is announced", func() bool {
			topic := d.options.HomeAssistant.DeviceTopic(d.options.ID)
			r, err := readRetained(t.Context(), d.options, defaultLimits(), true, "", topic)
			if err != nil {
				return false
			}
			defer r.conn.close()
			_, is := r.payload(topic)
			return is
		})
		return d
	}
	client.publishRetained("guided/mat/state", "{}")
	first := announced()
	if id := ask(); id != "" {
		t.Errorf("%q is adopted, and is online", id)
	}
	first.stop()
	if id := ask(); id != first.options.ID {
		t.Errorf("%q is adopted, want %q", id, first.options.ID)
	}
	second := announced()
	second.stop()
	if id := ask(); id != "" {
		t.Errorf("%q is adopted, and is one of two", id)
	}
}

func TestSendReachesADaemonThatComesOnlineLater(t *testing.T) {
	forEachBroker(t, func(t *testing.T, url string) {
		options := testOptions(url)
		client := newTestClient(t, url)
		answered := make(chan error, 1)
		go func() {
			_, err := Send(t.Context(), options, "start")
			answered <- err
		}()
		n := client.await(0, "guided/mat/command", "start")
		d := startDaemon(t, options, defaultLimits())
		client.await(n, "guided/mat/response", `"start"`)
		if err := <-answered; err != nil {
			t.Error(err)
		}
		if did := d.executed(); len(did) != 1 {
			t.Errorf("carried out: %q", did)
		}
	})
}

// FuzzProbe checks that only what we would send is taken for a probe.
func FuzzProbe(f *testing.F) {
	f.Add([]byte(`{"command":"status","transaction":"guided-probe-ABC"}`))
	f.Add([]byte(`{"command":"stop","transaction":"guided-probe-ABC"}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		if probedBy(payload) != "" {
			if c, err := player.Parse(payload); err == nil && c.Verb != "status" {
				t.Errorf("%s is taken for a probe", payload)
			}
		}
	})
}
