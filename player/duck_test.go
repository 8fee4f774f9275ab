package player_test

import (
	"math"
	"testing"

	"guided/audio"
	"guided/player"
	"guided/routines"
)

// loudest is the highest level of a sound.
func loudest(sound []float64) float64 {
	top := 0.0
	for _, x := range sound {
		top = max(top, math.Abs(x))
	}
	return top
}

func TestDuck(t *testing.T) {
	x := record(t, mixed)
	breath := x.mark(routines.BreathMark, "Breathe", 1, "").From
	for name, reserve := range map[string]int{"a device that takes nothing back": 0, "a device that takes back a second": audio.Rate} {
		t.Run("for a word, on "+name, func(t *testing.T) {
			perform(t, props{}, func(st *stage) {
				st.ear.reserve = reserve
				st.ok("start mixed")
				st.hear(audio.Rate / 10)
				st.ok("duck")
				if r := st.do("duck"); !r.Unchanged {
					t.Error("a second duck changes something")
				}
				st.hear(audio.Rate)
				st.ok("unduck")
				st.drain()
				got := st.ear.heard()
				if len(got) != x.Len {
					t.Errorf("%d samples, the routine has %d: it was held up", len(got), x.Len)
				}
				if top := loudest(got[audio.Rate/2 : audio.Rate]); top > softly || top < softly/3 {
					t.Errorf("%.3f under somebody's voice", top)
				}
				if find(got[2*audio.Rate:], x.sound[2*audio.Rate:], exactly) != 0 {
					t.Error("it does not come back as it was")
				}
			})
		})
		t.Run("for longer says the breath again, on "+name, func(t *testing.T) {
			perform(t, props{}, func(st *stage) {
				st.ear.reserve = reserve
				st.ok("start mixed")
				st.hear(breath - 2*audio.Rate)
				st.ok("duck")
				st.hear(3 * audio.Rate)
				st.ok("unduck")
				at := len(st.ear.heard())
				st.drain()
				if again := find(st.ear.heard()[at:], x.sound[breath:], exactly); again < 0 || again > landing+2*fade+audio.Block {
					t.Errorf("the breath comes again after %d samples", again)
				}
			})
		})
	}
	t.Run("that nobody takes back", func(t *testing.T) {
		perform(t, props{files: shelf(map[string]string{"long": `
title = "Long"
[[step]]
breathe = "4-6"
for = "3m"
`})}, func(st *stage) {
			st.ok("start long")
			st.hear(audio.Rate)
			st.ok("duck")
			st.hear(50 * audio.Rate)
			soft := st.ear.heard()
			st.hear(50 * audio.Rate)
			loud := st.ear.heard()
			if loudest(soft[10*audio.Rate:]) > softly || loudest(loud[80*audio.Rate:]) < 0.2 {
				t.Error("it stays soft")
			}
		})
	})
	t.Run("while nothing plays, or before a pause, is over at the next sound", func(t *testing.T) {
		perform(t, props{}, func(st *stage) {
			if r := st.do("duck"); r.Status != "ok" || !r.Unchanged {
				t.Errorf("%+v", r)
			}
			if r := st.do("unduck"); r.Status != "ok" || !r.Unchanged {
				t.Errorf("%+v", r)
			}
			st.ok("start mixed")
			st.hear(audio.Rate / 2)
			st.ok("duck")
			st.hear(audio.Rate / 2)
			st.ok("pause")
			st.drain()
			before := len(st.ear.heard())
			st.ok("resume")
			st.hear(audio.Rate)
			if loudest(st.ear.heard()[before:]) < 0.2 {
				t.Error("it is still soft")
			}
			st.is(player.Playing)
		})
	})
	t.Run("under a message comes back when both are over", func(t *testing.T) {
		perform(t, props{}, func(st *stage) {
			st.ok("start mixed")
			st.hear(audio.Rate / 10)
			st.ok("duck")
			st.hear(audio.Rate / 10)
			st.ok("say " + short)
			st.hear(audio.Rate * 3 / 2)
			st.ok("unduck")
			st.drain()
			if got := st.ear.heard(); find(got, said(t, short), softly) < 0 || find(got[len(got)-audio.Rate:], x.sound[x.Len-audio.Rate:], exactly) != 0 {
				t.Error("the message is cut, or the routine stays soft")
			}
		})
	})
}
