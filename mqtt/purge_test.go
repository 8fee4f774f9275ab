package mqtt

import (
	"errors"
	"log/slog"
	"slices"
	"testing"
)

func TestPurge(t *testing.T) {
	silent := slog.New(slog.DiscardHandler)
	t.Run("nothing of the daemon is left, and others keep theirs", func(t *testing.T) {
		m := newMosquitto(t)
		a := newAssistant(t, m.url(), "homeassistant")
		other := homelyOn(t, m.url())
		other.Node, other.ID = "bed", "fedcba9876543210"
		live(t, other, "x")
		c := homelyOn(t, m.url())
		d := live(t, c, "a")
		a.awaits("r_a", "r_x")
		a.must(a.client.Publish("guided/mat/command", 1, true, "start a"))
		d.stop()
		removed, err := purge(t.Context(), c, brisk(), silent)
		want := []string{"homeassistant/device/guided_0123456789abcdef/config",
			"guided/mat/command", "guided/mat/info", "guided/mat/state", "guided/mat/status"}
		if err != nil || !slices.Equal(removed, want) {
			t.Errorf("removed %v, %v", removed, err)
		}
		left := []string{"guided/bed/info", "guided/bed/state", "guided/bed/status", "homeassistant/device/guided_fedcba9876543210/config"}
		if got := kept(t, m.url()); !slices.Equal(got, left) {
			t.Errorf("left is %v", got)
		}
		if again, err := purge(t.Context(), c, brisk(), silent); err != nil || len(again) != 0 {
			t.Errorf("again: %v, %v", again, err)
		}
		if h := openStore(c.Memory, silent).brokers; len(h) != 0 {
			t.Errorf("it remembers %v", h)
		}
	})
	t.Run("a daemon that lost its identity is found by its topics", func(t *testing.T) {
		m := newMosquitto(t)
		c := homelyOn(t, m.url())
		d := live(t, c, "a")
		listen(t, m.url()).await(0, "guided/mat/info", `"a"`)
		d.stop()
		c.ID, c.Memory = "", ""
		if removed, err := purge(t.Context(), c, brisk(), silent); err != nil || len(removed) != 4 {
			t.Errorf("removed %v, %v", removed, err)
		}
		if got := kept(t, m.url()); len(got) != 0 {
			t.Errorf("left is %v", got)
		}
	})
	t.Run("a daemon that is said to be online, but is not there", func(t *testing.T) {
		m := newMosquitto(t)
		c := homelyOn(t, m.url())
		listen(t, m.url()).sayRetained("guided/mat/status", "online")
		if removed, err := purge(t.Context(), c, brisk(), silent); err != nil || len(removed) != 1 {
			t.Errorf("removed %v, %v", removed, err)
		}
	})
	t.Run("names that were never used again", func(t *testing.T) {
		m := newMosquitto(t)
		c := homelyOn(t, m.url())
		d := live(t, c, "a")
		listen(t, m.url()).await(0, "guided/mat/info", `"a"`)
		d.stop()
		c.Node, c.HomeAssistant.Prefix = "bed", "ha"
		if removed, err := purge(t.Context(), c, brisk(), silent); err != nil || len(removed) != 4 {
			t.Errorf("removed %v, %v", removed, err)
		}
		if got := kept(t, m.url()); len(got) != 0 {
			t.Errorf("left is %v", got)
		}
	})
	t.Run("while the daemon runs it is refused", func(t *testing.T) {
		m := newMosquitto(t)
		c := homelyOn(t, m.url())
		live(t, c, "a")
		listen(t, m.url()).await(0, "guided/mat/info", `"a"`)
		if _, err := purge(t.Context(), c, brisk(), silent); !errors.Is(err, ErrOnline) {
			t.Errorf("%v", err)
		}
		if n := len(kept(t, m.url())); n != 4 {
			t.Errorf("%d topics are kept", n)
		}
	})
}
