package mqtt

import (
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"
)

func TestPurge(t *testing.T) {
	silent := slog.New(slog.DiscardHandler)
	t.Run("everything of the daemon is cleared, and nothing of others", func(t *testing.T) {
		m := newMosquitto(t)
		a := newFakeHomeAssistant(t, m.url(), "homeassistant")
		other := discoveryOptionsFor(t, m.url())
		other.Node, other.ID = "bed", "fedcba9876543210"
		startDaemonWithRoutines(t, other, "x")
		c := discoveryOptionsFor(t, m.url())
		d := startDaemonWithRoutines(t, c, "a")
		a.awaitScenes("r_a", "r_x")
		a.must(a.client.Publish("guided/mat/command", 1, true, "start a"))
		d.stop()
		removed, err := purge(t.Context(), c, fastLimits(), silent)
		want := []string{"homeassistant/device/guided_0123456789abcdef/config",
			"guided/mat/command", "guided/mat/info", "guided/mat/state", "guided/mat/status"}
		if err != nil || !slices.Equal(removed, want) {
			t.Errorf("removed %v, %v", removed, err)
		}
		left := []string{"guided/bed/info", "guided/bed/state", "guided/bed/status", "homeassistant/device/guided_fedcba9876543210/config"}
		if got := retainedTopics(t, m.url()); !slices.Equal(got, left) {
			t.Errorf("retained is still %v", got)
		}
		if again, err := purge(t.Context(), c, fastLimits(), silent); err != nil || len(again) != 0 {
			t.Errorf("again: %v, %v", again, err)
		}
		if h := openStore(c.PublishedFile, silent).brokers; len(h) != 0 {
			t.Errorf("the store still has %v", h)
		}
	})
	t.Run("a daemon that lost its identity is found by its topics", func(t *testing.T) {
		m := newMosquitto(t)
		c := discoveryOptionsFor(t, m.url())
		d := startDaemonWithRoutines(t, c, "a")
		awaitRetained(t, m.url(), "guided/mat/info", c.HomeAssistant.DeviceTopic(c.ID))
		d.stop()
		c.ID, c.PublishedFile = "", ""
		if removed, err := purge(t.Context(), c, fastLimits(), silent); err != nil || len(removed) != 4 {
			t.Errorf("removed %v, %v", removed, err)
		}
		if got := retainedTopics(t, m.url()); len(got) != 0 {
			t.Errorf("retained is still %v", got)
		}
	})
	t.Run("the retained status is online, but no daemon is", func(t *testing.T) {
		m := newMosquitto(t)
		c := discoveryOptionsFor(t, m.url())
		newTestClient(t, m.url()).publishRetained("guided/mat/status", "online")
		if removed, err := purge(t.Context(), c, fastLimits(), silent); err != nil || len(removed) != 1 {
			t.Errorf("removed %v, %v", removed, err)
		}
	})
	t.Run("after a change of names without a start", func(t *testing.T) {
		m := newMosquitto(t)
		c := discoveryOptionsFor(t, m.url())
		d := startDaemonWithRoutines(t, c, "a")
		awaitRetained(t, m.url(), "guided/mat/info", c.HomeAssistant.DeviceTopic(c.ID))
		d.stop()
		c.Node, c.HomeAssistant.Prefix = "bed", "ha"
		if removed, err := purge(t.Context(), c, fastLimits(), silent); err != nil || len(removed) != 4 {
			t.Errorf("removed %v, %v", removed, err)
		}
		if got := retainedTopics(t, m.url()); len(got) != 0 {
			t.Errorf("retained is still %v", got)
		}
	})
	t.Run("while the daemon runs it is refused", func(t *testing.T) {
		m := newMosquitto(t)
		c := discoveryOptionsFor(t, m.url())
		startDaemonWithRoutines(t, c, "a")
		newTestClient(t, m.url()).await(0, "guided/mat/info", `"a"`)
		if _, err := purge(t.Context(), c, fastLimits(), silent); !errors.Is(err, ErrOnline) {
			t.Errorf("%v", err)
		}
		if n := len(retainedTopics(t, m.url())); n != 4 {
			t.Errorf("%d topics are retained", n)
		}
	})
}

// awaitRetained waits until the broker has retained messages on topics.
func awaitRetained(t *testing.T, url string, topics ...string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; {
		there := retainedTopics(t, url)
		if !slices.ContainsFunc(topics, func(topic string) bool { return !slices.Contains(there, topic) }) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("of %v the broker has only %v", topics, there)
		}
		<-time.After(20 * time.Millisecond)
	}
}
