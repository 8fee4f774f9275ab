package schedule

import (
	"testing"
	"time"
)

func TestWallClock(t *testing.T) {
	open := func(t *testing.T) *WallClock {
		c, err := NewWallClock()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	wait := func(t *testing.T, c *WallClock) {
		select {
		case <-c.C():
		case <-time.After(30 * time.Second):
			t.Fatal("it does not come")
		}
	}
	t.Run("an instant comes, and not before", func(t *testing.T) {
		c := open(t)
		at := c.Now().Add(50 * time.Millisecond)
		if err := c.Set(at); err != nil {
			t.Fatal(err)
		}
		wait(t, c)
		if c.Now().Before(at) {
			t.Error("it came before")
		}
	})
	t.Run("an instant that has passed comes at once", func(t *testing.T) {
		c := open(t)
		if err := c.Set(time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
		wait(t, c)
	})
	t.Run("the last one counts", func(t *testing.T) {
		c := open(t)
		for _, at := range []time.Time{c.Now().Add(time.Hour), {}, c.Now().Add(time.Millisecond)} {
			if err := c.Set(at); err != nil {
				t.Fatal(err)
			}
		}
		wait(t, c)
	})
}
