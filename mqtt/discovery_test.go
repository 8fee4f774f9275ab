package mqtt

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"guided/homeassistant"
	"guided/player"
)

// brisk is the daemon's pace with Home Assistant's waits made short.
func brisk() limits {
	p := defaultLimits()
	p.firstRetry, p.lastRetry = 20*time.Millisecond, 100*time.Millisecond
	p.birthDelay, p.stageInterval, p.clearDelay = 10*time.Millisecond, 20*time.Millisecond, 100*time.Millisecond
	p.onlineCheck = 500 * time.Millisecond
	return p
}

func homely(node string) Config {
	return Config{Node: node, Prefix: "guided", ID: "0123456789abcdef", HomeAssistant: homeassistant.Config{Discovery: true, Prefix: "homeassistant", Name: "Guided"}}
}

func homelyOn(t *testing.T, url string) Config {
	c := homely("mat")
	c.Broker, c.Memory = url, filepath.Join(t.TempDir(), "published.json")
	return c
}

func library(names ...string) player.Info {
	list := []player.RoutineInfo{}
	for _, n := range names {
		list = append(list, player.RoutineInfo{Name: n, Title: strings.ToUpper(n), Steps: []string{}})
	}
	return player.Info{Version: "1.2.3", Routines: list, Verbs: []string{"start"}}
}

// live starts a daemon with these routines.
func live(t *testing.T, c Config, names ...string) *daemon {
	t.Helper()
	d := startDaemon(t, c, brisk())
	d.infos <- player.Info{Version: "1.2.3"} // before the library was looked at
	d.states <- player.State{State: player.Idle}
	d.infos <- library(names...)
	return d
}

func TestTheDeviceAppearsInEveryOrderOfStarts(t *testing.T) {
	t.Run("Home Assistant first", func(t *testing.T) {
		m := newMosquitto(t)
		a := newAssistant(t, m.url(), "homeassistant")
		live(t, homelyOn(t, m.url()), "a", "b")
		a.awaits("r_a", "r_b")
		a.quiet()
	})
	t.Run("the daemon first", func(t *testing.T) {
		m := newMosquitto(t)
		live(t, homelyOn(t, m.url()), "a", "b")
		a := newAssistant(t, m.url(), "homeassistant")
		a.awaits("r_a", "r_b")
		a.quiet()
	})
	t.Run("the broker last", func(t *testing.T) {
		m := newMosquitto(t)
		m.kill()
		live(t, homelyOn(t, m.url()), "a", "b")
		m.start()
		a := newAssistant(t, m.url(), "homeassistant")
		a.awaits("r_a", "r_b")
		a.quiet()
	})
	t.Run("a broker that has lost everything, and Home Assistant back before us", func(t *testing.T) {
		m := newMosquitto(t)
		a := newAssistant(t, m.url(), "homeassistant")
		live(t, homelyOn(t, m.url()), "a")
		a.awaits("r_a")
		m.kill()
		m.start()
		a.start()
		a.awaits("r_a")
		a.quiet()
	})
	t.Run("Home Assistant is restarted, and somebody has emptied what the broker kept", func(t *testing.T) {
		m := newMosquitto(t)
		a := newAssistant(t, m.url(), "homeassistant")
		live(t, homelyOn(t, m.url()), "a")
		a.awaits("r_a")
		a.stop()
		ear := listen(t, m.url())
		for _, topic := range kept(t, m.url()) {
			ear.sayRetained(topic, "")
		}
		a.start()
		a.awaits("r_a")
		a.quiet()
	})
	t.Run("another discovery prefix", func(t *testing.T) {
		m := newMosquitto(t)
		c := homelyOn(t, m.url())
		c.HomeAssistant.Prefix = "my/ha"
		a := newAssistant(t, m.url(), "my/ha")
		live(t, c, "a")
		a.awaits("r_a")
		a.quiet()
	})
}

func TestABirthIsAnsweredInOrder(t *testing.T) {
	m := newMosquitto(t)
	a := newAssistant(t, m.url(), "homeassistant")
	live(t, homelyOn(t, m.url()), "a")
	a.awaits("r_a")
	n := len(a.since(0))
	a.must(a.client.Publish("homeassistant/status", 0, false, "online"))
	var order []string
	eventually(t, "everything is said again", func() bool {
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
		t.Errorf("said %s, want %s", got, want)
	}
}

func TestTheAnnouncementIsSaidOnlyWhenItHasChanged(t *testing.T) {
	m := newMosquitto(t)
	a := newAssistant(t, m.url(), "homeassistant")
	d := live(t, homelyOn(t, m.url()), "a")
	a.awaits("r_a")
	n := len(a.since(0))
	for i := range 5 {
		d.states <- player.State{State: player.Playing, StepNumber: i}
		info := library("a")
		info.Routines[0].Length = float64(i)
		d.infos <- info
	}
	d.infos <- library("a", "b")
	a.awaits("r_a", "r_b")
	configs := 0
	for _, s := range a.since(n) {
		if strings.HasSuffix(s.topic, "/config") {
			configs++
		}
	}
	if configs != 1 {
		t.Errorf("announced %d times for one change", configs)
	}
	eventually(t, "the state is told after the announcement", func() bool {
		all := a.since(n)
		return all[len(all)-1].topic != "homeassistant/device/guided_0123456789abcdef/config" && strings.HasPrefix(all[len(all)-1].topic, "guided/mat/")
	})
}

func TestARoutineThatGoesLeavesNothing(t *testing.T) {
	t.Run("while all run", func(t *testing.T) {
		m := newMosquitto(t)
		a := newAssistant(t, m.url(), "homeassistant")
		d := live(t, homelyOn(t, m.url()), "a", "b")
		a.awaits("r_a", "r_b")
		d.infos <- library("a")
		a.awaits("r_a")
		d.infos <- library("a", "b")
		a.awaits("r_a", "r_b")
		a.quiet()
	})
	t.Run("while the daemon is off", func(t *testing.T) {
		m := newMosquitto(t)
		a := newAssistant(t, m.url(), "homeassistant")
		c := homelyOn(t, m.url())
		d := live(t, c, "a", "b")
		a.awaits("r_a", "r_b")
		d.stop()
		live(t, c, "a")
		a.awaits("r_a")
		a.quiet()
	})
	t.Run("while Home Assistant is off", func(t *testing.T) {
		m := newMosquitto(t)
		a := newAssistant(t, m.url(), "homeassistant")
		d := live(t, homelyOn(t, m.url()), "a", "b")
		a.awaits("r_a", "r_b")
		a.stop()
		d.infos <- library("a")
		ear := listen(t, m.url())
		ear.await(0, "guided/mat/info", `"routines":[{"name":"a"`)
		a.start()
		a.awaits("r_a")
		a.quiet()
	})
	t.Run("while Home Assistant is off, and the daemon is restarted before it is back", func(t *testing.T) {
		m := newMosquitto(t)
		a := newAssistant(t, m.url(), "homeassistant")
		c := homelyOn(t, m.url())
		d := live(t, c, "a", "b")
		a.awaits("r_a", "r_b")
		a.stop()
		d.stop()
		d = live(t, c, "a")
		ear := listen(t, m.url())
		ear.await(0, "guided/mat/info", `"name":"a"`)
		d.stop()
		live(t, c, "a")
		ear = listen(t, m.url())
		ear.await(0, "guided/mat/status", "online")
		a.start()
		a.awaits("r_a")
		a.quiet()
	})
	t.Run("while everything is off", func(t *testing.T) {
		m := newMosquitto(t)
		a := newAssistant(t, m.url(), "homeassistant")
		c := homelyOn(t, m.url())
		d := live(t, c, "a", "b")
		a.awaits("r_a", "r_b")
		d.stop()
		m.kill()
		a.stop()
		m.start()
		a.start()
		live(t, c, "a")
		a.awaits("r_a")
		a.quiet()
	})
}

func TestFormerTopicsAreEmptied(t *testing.T) {
	const topic = "/device/guided_0123456789abcdef/config"
	for situation, x := range map[string]struct {
		change func(*Config)
		kept   []string
	}{
		"another node": {func(c *Config) { c.Node = "bed" }, []string{
			"guided/bed/info", "guided/bed/state", "guided/bed/status", "homeassistant" + topic}},
		"another prefix": {func(c *Config) { c.Prefix = "up/guided" }, []string{
			"homeassistant" + topic, "up/guided/mat/info", "up/guided/mat/state", "up/guided/mat/status"}},
		"another discovery prefix": {func(c *Config) { c.HomeAssistant.Prefix = "ha" }, []string{
			"guided/mat/info", "guided/mat/state", "guided/mat/status", "ha" + topic}},
		"no discovery": {func(c *Config) { c.HomeAssistant.Discovery = false }, []string{
			"guided/mat/info", "guided/mat/state", "guided/mat/status"}},
	} {
		t.Run(situation, func(t *testing.T) {
			m := newMosquitto(t)
			a := newAssistant(t, m.url(), "homeassistant")
			c := homelyOn(t, m.url())
			d := live(t, c, "a")
			a.awaits("r_a")
			d.stop()
			x.change(&c)
			live(t, c, "a")
			eventually(t, "only what is ours now is kept", func() bool { return slices.Equal(kept(t, m.url()), x.kept) })
			if !c.HomeAssistant.Discovery && len(a.entities("")) > 0 {
				t.Errorf("Home Assistant still has %v", a.entities(""))
			}
		})
	}
	t.Run("but not where somebody else lives now", func(t *testing.T) {
		m := newMosquitto(t)
		c := homelyOn(t, m.url())
		d := live(t, c, "a")
		listen(t, m.url()).await(0, "guided/mat/info", `"a"`)
		d.stop()
		other := homelyOn(t, m.url())
		other.ID = "fedcba9876543210"
		live(t, other, "b")
		listen(t, m.url()).await(0, "guided/mat/info", `"b"`)
		c.Node = "bed"
		live(t, c, "a")
		eventually(t, "it no longer thinks that they are its own", func() bool {
			return len(openStore(c.Memory, nil).brokers[c.Broker].Topics) == 4
		})
		if all := kept(t, m.url()); !slices.Contains(all, "guided/mat/state") || !slices.Contains(all, "guided/mat/status") {
			t.Errorf("only %v is kept", all)
		}
	})
}

func TestABrokerThatHidesHomeAssistant(t *testing.T) {
	m := newMosquitto(t)
	m.kill()
	m.write("acl", "topic readwrite guided/#\ntopic write homeassistant/device/#\n")
	m.configure("allow_anonymous true", "acl_file "+m.file("acl"))
	m.start()
	d := live(t, homelyOn(t, m.url()), "a")
	listen(t, m.url()).await(0, "guided/mat/status", "online")
	if r, err := Send(t.Context(), homelyOn(t, m.url()), "stop"); err != nil || r.Status != "ok" {
		t.Errorf("%+v, %v", r, err)
	}
	_ = d
}
