package place

import (
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"guided/player"
)

// A Raspberry Pi has no clock of its own: after a power cut it is known some time later, from the network, how long ago a
// session was lost.
func TestKeeperWhenTheClockIsKnownLater(t *testing.T) {
	ask, auto, never := Resume{Ask, 30 * time.Minute}, Resume{Auto, 30 * time.Minute}, Resume{Never, 30 * time.Minute}
	for name, tt := range map[string]struct {
		resume   Resume
		boot     string
		cuts     int           // further power cuts before
		meantime func(l *life) // before it is known
		age      time.Duration
		state    player.Status
		routine  string
		offer    bool
	}{
		"auto: it goes on": {auto, "next", 0, nil, time.Minute, player.Playing, "still", false},
		"auto, after the power flickered: it goes on":                                {auto, "next", 2, nil, time.Minute, player.Playing, "still", false},
		"auto, lost too long ago: the offer ends":                                    {auto, "next", 0, nil, 2 * time.Hour, player.Idle, "", false},
		"ask: it stays offered":                                                      {ask, "next", 0, nil, time.Minute, player.Idle, "", true},
		"ask, lost too long ago: the offer ends":                                     {ask, "next", 0, nil, 2 * time.Hour, player.Idle, "", false},
		"after a crash: it stays offered":                                            {auto, "same", 0, nil, time.Minute, player.Idle, "", true},
		"it was stopped":                                                             {auto, "next", 0, func(l *life) { l.mustDo("stop") }, time.Minute, player.Idle, "", false},
		"something else was begun":                                                   {auto, "next", 0, func(l *life) { l.mustDo("start restless") }, time.Minute, player.Playing, "restless", false},
		"something else was begun and paused":                                        {auto, "next", 0, func(l *life) { l.mustDo("start restless"); time.Sleep(time.Second); l.mustDo("pause") }, time.Minute, player.Paused, "restless", false},
		"somebody took it up":                                                        {auto, "next", 0, func(l *life) { l.mustDo("resume") }, time.Minute, player.Playing, "still", false},
		"the settings say ask meanwhile: only offered":                               {auto, "next", 0, func(l *life) { l.keep.Change(ask, 60) }, time.Minute, player.Idle, "", true},
		"the settings say auto meanwhile: only offered, as who changed them sees it": {ask, "next", 0, func(l *life) { l.keep.Change(auto, 60) }, time.Minute, player.Idle, "", true},
		"the settings say never meanwhile: the offer ends":                           {auto, "next", 0, func(l *life) { l.keep.Change(never, 60) }, time.Minute, player.Idle, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "place.json")
			synctest.Test(t, func(t *testing.T) {
				l := begin(t, file, tt.resume, virtualMachine("same"))
				l.mustDo("start still")
				time.Sleep(40 * time.Second)
				l.kill()
				var trusted atomic.Bool
				var step atomic.Int64
				for cut := range tt.cuts + 1 {
					m := virtualMachine(tt.boot + strings.Repeat("!", cut))
					m.ClockTrusted, m.Now = trusted.Load, func() time.Time { return time.Now().Add(time.Duration(step.Load())) }
					l = begin(t, file, tt.resume, m)
					time.Sleep(7 * time.Second) // longer than it takes to look at the clock again
					if s := l.play.State(); s.ResumeOffer == nil || s.State != player.Idle {
						t.Fatalf("before the clock is known: %+v\n%s", s, l.log)
					}
					if cut < tt.cuts {
						l.kill()
					}
				}
				defer func() { l.end() }()
				if tt.meantime != nil {
					tt.meantime(l)
				}
				time.Sleep(time.Second)
				step.Store(int64(tt.age))
				trusted.Store(true)
				time.Sleep(10 * time.Second)
				synctest.Wait()
				s := l.play.State()
				if s.State != tt.state || s.Routine != tt.routine || (s.ResumeOffer != nil) != tt.offer {
					t.Errorf("%s, %q, offer %+v\n%s", s.State, s.Routine, s.ResumeOffer, l.log)
				}
				if o := s.ResumeOffer; o != nil && tt.boot == "next" {
					left := o.Until.Sub(time.Now().Add(tt.age)) // on the clock as it is now
					if left < 29*time.Minute || left > 30*time.Minute {
						t.Errorf("it says that it is offered for %v", left)
					}
				}
				if s.Routine == "still" && (s.Position < 25 || s.Position > 80) {
					t.Errorf("it goes on at %v s", s.Position)
				}
			})
		})
	}
}

// Settings that change while the daemon runs hold for what is kept from then on.
func TestKeeperWithOtherSettings(t *testing.T) {
	ask, never := Resume{Ask, 30 * time.Minute}, Resume{Never, 30 * time.Minute}
	for name, tt := range map[string]struct {
		before, after Resume
		offer         bool
	}{
		"never, then ask: what plays is kept": {never, ask, true},
		"ask, then never: it is forgotten":    {ask, never, false},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "place.json")
			synctest.Test(t, func(t *testing.T) {
				l := begin(t, file, tt.before, virtualMachine("one"))
				l.mustDo("start still")
				time.Sleep(time.Minute)
				l.keep.Change(tt.after, 60)
				time.Sleep(2 * time.Second)
				if s := l.play.State(); s.State != player.Playing {
					t.Errorf("what plays is %s", s.State)
				}
				l.kill()
				l = begin(t, file, ask, virtualMachine("two"))
				defer l.end()
				if s := l.play.State(); (s.ResumeOffer != nil) != tt.offer {
					t.Errorf("the offer is %+v\n%s", s.ResumeOffer, l.log)
				}
			})
		})
	}
	t.Run("a volume that is set after the setting was changed outlives a restart", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "place.json")
		synctest.Test(t, func(t *testing.T) {
			l := begin(t, file, ask, virtualMachine("one")) // its audio.volume is 60
			l.keep.Change(ask, 40)
			synctest.Wait()
			l.mustDo("volume 50")
			l.end()
			k := Open(file, ask, 40, virtualMachine("two"), l.done, l.keep.log)
			if v := k.Restored().Volume; v != 50 {
				t.Errorf("%d", v)
			}
		})
	})
}
