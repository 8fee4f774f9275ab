package mqtt

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"guided/homeassistant"
	"guided/player"
)

func TestAnnouncer(t *testing.T) {
	type step struct {
		at   time.Duration // since the start
		do   string        // what happens then: "online", "offline", "announce STAGE...", or nothing
		want []string      // what is due then, in order, with "complete" where nothing of the removed components is left
		wait time.Duration // until something is due
	}
	const second = time.Second
	for situation, steps := range map[string][]step{
		"nothing happens": {{0, "", nil, 0}, {time.Hour, "", nil, 0}},
		"an announcement of one stage": {
			{0, "announce a", []string{"a"}, second},
			{second, "", []string{"state"}, 0},
		},
		"an announcement of three stages": {
			{0, "announce a b c", []string{"a"}, second},
			{second / 2, "", nil, second / 2},
			{second, "", []string{"state", "b"}, second},
			{2 * second, "", []string{"c"}, 0},
		},
		"a new announcement replaces the stages of the old one": {
			{0, "announce a b c", []string{"a"}, second},
			{second / 2, "announce d e", []string{"d"}, second},
			{3 * second / 2, "", []string{"state", "e"}, 0},
		},
		"a birth is answered after the delay": {
			{0, "online", nil, 3 * second},
			{2 * second, "", nil, second},
			{3 * second, "", []string{"everything"}, 0},
		},
		"a second birth before the answer postpones it": {
			{0, "online", nil, 3 * second},
			{second, "online", nil, 3 * second},
			{4 * second, "", []string{"everything"}, 0},
		},
		"Home Assistant ends before the answer": {
			{0, "online", nil, 3 * second},
			{second, "offline", nil, 0},
			{3 * second, "", nil, 0},
		},
		"an unknown status is ignored": {{0, "restarting", nil, 0}},
		"a running Home Assistant receives all stages": {
			{0, "online", nil, 3 * second},
			{3 * second, "", []string{"everything"}, 0},
			{4 * second, "announce a b", []string{"a"}, second},
			{5 * second, "", []string{"state", "b", "complete"}, 0},
		},
		"Home Assistant starts between the stages": {
			{0, "announce a b", []string{"a"}, second},
			{second / 2, "online", nil, second / 2},
			{second, "", []string{"state", "b"}, 5 * second / 2},
			{7 * second / 2, "", []string{"everything"}, 0},
		},
		"Home Assistant ends between the stages": {
			{0, "online", nil, 3 * second},
			{3 * second, "announce a b", []string{"everything", "a"}, second},
			{7 * second / 2, "offline", nil, second / 2},
			{4 * second, "", []string{"state", "b"}, 0},
		},
		"it is late": {
			{0, "announce a b", []string{"a"}, second},
			{time.Hour, "", []string{"state", "b"}, 0},
		},
	} {
		t.Run(situation, func(t *testing.T) {
			a := &announcer{stageInterval: second}
			start := time.Now()
			for _, s := range steps {
				now := start.Add(s.at)
				if payloads, is := strings.CutPrefix(s.do, "announce "); is {
					var stages []message
					for _, p := range strings.Fields(payloads) {
						stages = append(stages, message{payload: []byte(p)})
					}
					a.announce(stages, now)
				} else if s.do != "" {
					a.homeAssistant(s.do, now, 3*second)
				}
				due, wait := takeAll(a, now)
				if !slices.Equal(due, s.want) || wait != s.wait {
					t.Errorf("at %v %s: due %q, then wait %v; want %q, %v", s.at, s.do, due, wait, s.want, s.wait)
				}
			}
		})
	}
}

// takeAll takes all that is due, and notes that it was published.
func takeAll(a *announcer, now time.Time) (due []string, wait time.Duration) {
	for {
		task, wait := a.next(now)
		switch task {
		case dueNothing:
			return due, wait
		case dueEverything:
			due = append(due, "everything")
		case dueState:
			a.statePublished()
			due = append(due, "state")
		case dueStage:
			due = append(due, string(a.stage().payload))
			if a.stagePublished(now) {
				due = append(due, "complete")
			}
		default:
			panic(fmt.Sprint("task ", task))
		}
	}
}

// fastLimits are the default limits with short waits for Home Assistant.
func fastLimits() limits {
	p := defaultLimits()
	p.firstRetry, p.lastRetry = 20*time.Millisecond, 100*time.Millisecond
	p.birthDelay, p.stageInterval, p.clearDelay = 10*time.Millisecond, 20*time.Millisecond, 100*time.Millisecond
	p.onlineCheck = 500 * time.Millisecond
	return p
}

func discoveryOptions(node string) Options {
	return Options{Config: Config{Prefix: "guided"}, Node: node, ID: "0123456789abcdef", HomeAssistant: homeassistant.Config{Discovery: true, Prefix: "homeassistant", Name: "Guided"}}
}

func discoveryOptionsFor(t *testing.T, url string) Options {
	c := discoveryOptions("mat")
	c.Broker, c.PublishedFile = url, filepath.Join(t.TempDir(), "published.json")
	return c
}

func infoWith(names ...string) player.Info {
	list := []player.RoutineInfo{}
	for _, n := range names {
		list = append(list, player.RoutineInfo{Name: n, Title: strings.ToUpper(n), Steps: []string{}})
	}
	return player.Info{Version: "1.2.3", Routines: list, Verbs: []string{"start"}}
}

// startDaemonWithRoutines starts an idle daemon with these routines.
func startDaemonWithRoutines(t *testing.T, c Options, names ...string) *daemon {
	t.Helper()
	d := startDaemon(t, c, fastLimits())
	d.infos <- player.Info{Version: "1.2.3"} // as before the library was read
	d.states <- player.State{State: player.Idle}
	d.infos <- infoWith(names...)
	return d
}

func TestAnnouncementInEveryOrderOfStarts(t *testing.T) {
	t.Run("Home Assistant first", func(t *testing.T) {
		m := newMosquitto(t)
		a := newFakeHomeAssistant(t, m.url(), "homeassistant")
		startDaemonWithRoutines(t, discoveryOptionsFor(t, m.url()), "a", "b")
		a.awaitScenes("r_a", "r_b")
		a.checkLog()
	})
	t.Run("the daemon first", func(t *testing.T) {
		m := newMosquitto(t)
		startDaemonWithRoutines(t, discoveryOptionsFor(t, m.url()), "a", "b")
		a := newFakeHomeAssistant(t, m.url(), "homeassistant")
		a.awaitScenes("r_a", "r_b")
		a.checkLog()
	})
	t.Run("the broker last", func(t *testing.T) {
		m := newMosquitto(t)
		m.kill()
		startDaemonWithRoutines(t, discoveryOptionsFor(t, m.url()), "a", "b")
		m.start()
		a := newFakeHomeAssistant(t, m.url(), "homeassistant")
		a.awaitScenes("r_a", "r_b")
		a.checkLog()
	})
	t.Run("a broker that has lost everything, and Home Assistant reconnects before us", func(t *testing.T) {
		m := newMosquitto(t)
		a := newFakeHomeAssistant(t, m.url(), "homeassistant")
		startDaemonWithRoutines(t, discoveryOptionsFor(t, m.url()), "a")
		a.awaitScenes("r_a")
		m.kill()
		m.start()
		a.start()
		a.awaitScenes("r_a")
		a.checkLog()
	})
	t.Run("Home Assistant restarts, and all retained messages were cleared", func(t *testing.T) {
		m := newMosquitto(t)
		a := newFakeHomeAssistant(t, m.url(), "homeassistant")
		startDaemonWithRoutines(t, discoveryOptionsFor(t, m.url()), "a")
		a.awaitScenes("r_a")
		a.stop()
		client := newTestClient(t, m.url())
		for _, topic := range retainedTopics(t, m.url()) {
			client.publishRetained(topic, "")
		}
		a.start()
		a.awaitScenes("r_a")
		a.checkLog()
	})
	t.Run("another discovery prefix", func(t *testing.T) {
		m := newMosquitto(t)
		c := discoveryOptionsFor(t, m.url())
		c.HomeAssistant.Prefix = "my/ha"
		a := newFakeHomeAssistant(t, m.url(), "my/ha")
		startDaemonWithRoutines(t, c, "a")
		a.awaitScenes("r_a")
		a.checkLog()
	})
}

func TestBirthIsAnsweredInOrder(t *testing.T) {
	m := newMosquitto(t)
	a := newFakeHomeAssistant(t, m.url(), "homeassistant")
	startDaemonWithRoutines(t, discoveryOptionsFor(t, m.url()), "a")
	a.awaitScenes("r_a")
	n := len(a.since(0))
	a.must(a.client.Publish("homeassistant/status", 0, false, "online"))
	var order []string
	eventually(t, "everything is published again", func() bool {
		order = nil
		for _, s := range a.since(n) {
			if strings.HasSuffix(s.topic, "/config") {
				order = nil
			}
			order = append(order, s.topic)
		}
		return len(order) >= 4 && strings.HasSuffix(order[0], "/config")
	})
	want := "homeassistant/device/guided_0123456789abcdef/config guided/mat/status guided/mat/state guided/mat/info"
	if got := strings.Join(order, " "); got != want {
		t.Errorf("published %s, want %s", got, want)
	}
}

func TestAnnouncementOnlyWhenChanged(t *testing.T) {
	m := newMosquitto(t)
	a := newFakeHomeAssistant(t, m.url(), "homeassistant")
	d := startDaemonWithRoutines(t, discoveryOptionsFor(t, m.url()), "a")
	a.awaitScenes("r_a")
	n := len(a.since(0))
	for i := range 5 {
		d.states <- player.State{State: player.Playing, StepNumber: i}
		info := infoWith("a")
		info.Routines[0].Length = float64(i)
		d.infos <- info
	}
	d.infos <- infoWith("a", "b")
	a.awaitScenes("r_a", "r_b")
	configs := 0
	for _, s := range a.since(n) {
		if strings.HasSuffix(s.topic, "/config") {
			configs++
		}
	}
	if configs != 1 {
		t.Errorf("announced %d times for one change", configs)
	}
	eventually(t, "the state is published after the announcement", func() bool {
		all := a.since(n)
		return all[len(all)-1].topic != "homeassistant/device/guided_0123456789abcdef/config" && strings.HasPrefix(all[len(all)-1].topic, "guided/mat/")
	})
}

func TestAnnouncementRemovesScenes(t *testing.T) {
	t.Run("while all run", func(t *testing.T) {
		m := newMosquitto(t)
		a := newFakeHomeAssistant(t, m.url(), "homeassistant")
		d := startDaemonWithRoutines(t, discoveryOptionsFor(t, m.url()), "a", "b")
		a.awaitScenes("r_a", "r_b")
		d.infos <- infoWith("a")
		a.awaitScenes("r_a")
		d.infos <- infoWith("a", "b")
		a.awaitScenes("r_a", "r_b")
		a.checkLog()
	})
	t.Run("while the daemon is off", func(t *testing.T) {
		m := newMosquitto(t)
		a := newFakeHomeAssistant(t, m.url(), "homeassistant")
		c := discoveryOptionsFor(t, m.url())
		d := startDaemonWithRoutines(t, c, "a", "b")
		a.awaitScenes("r_a", "r_b")
		d.stop()
		startDaemonWithRoutines(t, c, "a")
		a.awaitScenes("r_a")
		a.checkLog()
	})
	t.Run("while Home Assistant is off", func(t *testing.T) {
		m := newMosquitto(t)
		a := newFakeHomeAssistant(t, m.url(), "homeassistant")
		d := startDaemonWithRoutines(t, discoveryOptionsFor(t, m.url()), "a", "b")
		a.awaitScenes("r_a", "r_b")
		a.stop()
		d.infos <- infoWith("a")
		client := newTestClient(t, m.url())
		client.await(0, "guided/mat/info", `"routines":[{"name":"a"`)
		a.start()
		a.awaitScenes("r_a")
		a.checkLog()
	})
	t.Run("while Home Assistant is off, and the daemon is restarted before it is back", func(t *testing.T) {
		m := newMosquitto(t)
		a := newFakeHomeAssistant(t, m.url(), "homeassistant")
		c := discoveryOptionsFor(t, m.url())
		d := startDaemonWithRoutines(t, c, "a", "b")
		a.awaitScenes("r_a", "r_b")
		a.stop()
		d.stop()
		d = startDaemonWithRoutines(t, c, "a")
		client := newTestClient(t, m.url())
		client.await(0, "guided/mat/info", `"name":"a"`)
		d.stop()
		startDaemonWithRoutines(t, c, "a")
		client = newTestClient(t, m.url())
		client.await(0, "guided/mat/status", "online")
		a.start()
		a.awaitScenes("r_a")
		a.checkLog()
	})
	t.Run("while everything is off", func(t *testing.T) {
		m := newMosquitto(t)
		a := newFakeHomeAssistant(t, m.url(), "homeassistant")
		c := discoveryOptionsFor(t, m.url())
		d := startDaemonWithRoutines(t, c, "a", "b")
		a.awaitScenes("r_a", "r_b")
		d.stop()
		m.kill()
		a.stop()
		m.start()
		a.start()
		startDaemonWithRoutines(t, c, "a")
		a.awaitScenes("r_a")
		a.checkLog()
	})
}

func TestPublisherClearsFormerTopics(t *testing.T) {
	const topic = "/device/guided_0123456789abcdef/config"
	for situation, x := range map[string]struct {
		change func(*Options)
		kept   []string
	}{
		"another node": {func(c *Options) { c.Node = "bed" }, []string{
			"guided/bed/info", "guided/bed/state", "guided/bed/status", "homeassistant" + topic}},
		"another prefix": {func(c *Options) { c.Prefix = "up/guided" }, []string{
			"homeassistant" + topic, "up/guided/mat/info", "up/guided/mat/state", "up/guided/mat/status"}},
		"another discovery prefix": {func(c *Options) { c.HomeAssistant.Prefix = "ha" }, []string{
			"guided/mat/info", "guided/mat/state", "guided/mat/status", "ha" + topic}},
		"no discovery": {func(c *Options) { c.HomeAssistant.Discovery = false }, []string{
			"guided/mat/info", "guided/mat/state", "guided/mat/status"}},
	} {
		t.Run(situation, func(t *testing.T) {
			m := newMosquitto(t)
			a := newFakeHomeAssistant(t, m.url(), "homeassistant")
			c := discoveryOptionsFor(t, m.url())
			d := startDaemonWithRoutines(t, c, "a")
			a.awaitScenes("r_a")
			d.stop()
			x.change(&c)
			startDaemonWithRoutines(t, c, "a")
			eventually(t, "only what we publish now is retained", func() bool { return slices.Equal(retainedTopics(t, m.url()), x.kept) })
			if !c.HomeAssistant.Discovery && len(a.entities("")) > 0 {
				t.Errorf("Home Assistant still has %v", a.entities(""))
			}
		})
	}
	t.Run("but not where another daemon is online now", func(t *testing.T) {
		m := newMosquitto(t)
		c := discoveryOptionsFor(t, m.url())
		d := startDaemonWithRoutines(t, c, "a")
		newTestClient(t, m.url()).await(0, "guided/mat/info", `"a"`)
		d.stop()
		other := discoveryOptionsFor(t, m.url())
		other.ID = "fedcba9876543210"
		startDaemonWithRoutines(t, other, "b")
		newTestClient(t, m.url()).await(0, "guided/mat/info", `"b"`)
		c.Node = "bed"
		startDaemonWithRoutines(t, c, "a")
		eventually(t, "it has forgotten the former topics", func() bool {
			return len(openStore(c.PublishedFile, nil).brokers[c.Broker].Topics) == 4
		})
		if all := retainedTopics(t, m.url()); !slices.Contains(all, "guided/mat/state") || !slices.Contains(all, "guided/mat/status") {
			t.Errorf("only %v is retained", all)
		}
	})
}

func TestPublisherWithoutAccessToBirthTopic(t *testing.T) {
	m := newMosquitto(t)
	m.kill()
	m.write("acl", "topic readwrite guided/#\ntopic write homeassistant/device/#\n")
	m.configure("allow_anonymous true", "acl_file "+m.file("acl"))
	m.start()
	d := startDaemonWithRoutines(t, discoveryOptionsFor(t, m.url()), "a")
	newTestClient(t, m.url()).await(0, "guided/mat/status", "online")
	if r, err := Send(t.Context(), discoveryOptionsFor(t, m.url()), "stop"); err != nil || r.Status != "ok" {
		t.Errorf("%+v, %v", r, err)
	}
	_ = d
}
