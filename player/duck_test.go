package player_test

import (
	"testing"

	"guided/audio"
	"guided/player"
	"guided/routines"
)

func TestDuckAndUnduck(t *testing.T) {
	x := renderReference(t, mixed)
	breath := x.mark(routines.BreathMark, "Breathe", 1, "").From
	for name, reserve := range map[string]int{"an output that cannot rewind": 0, "an output that rewinds a second": audio.Rate} {
		t.Run("briefly: the routine goes on where it is, on "+name, func(t *testing.T) {
			runPlayer(t, setup{}, func(st *harness) {
				st.out.reserve = reserve
				st.mustDo("start mixed")
				st.pull(audio.Rate / 10)
				st.mustDo("duck")
				if r := st.do("duck"); !r.Unchanged {
					t.Error("a second duck changes something")
				}
				st.pull(audio.Rate)
				st.mustDo("unduck")
				st.pullAll()
				got := st.out.heard()
				if len(got) != x.Len {
					t.Errorf("%d samples, the routine has %d: it was held up", len(got), x.Len)
				}
				if top := peak(got[audio.Rate/2 : audio.Rate]); top > duckedLevel || top < duckedLevel/3 {
					t.Errorf("%.3f while ducked", top)
				}
				if findSound(got[2*audio.Rate:], x.sound[2*audio.Rate:], roundingError) != 0 {
					t.Error("it does not come back as it was")
				}
			})
		})
		t.Run("for longer: the breath is heard again from its start, on "+name, func(t *testing.T) {
			runPlayer(t, setup{}, func(st *harness) {
				st.out.reserve = reserve
				st.mustDo("start mixed")
				st.pull(breath - 2*audio.Rate)
				st.mustDo("duck")
				st.pull(3 * audio.Rate)
				st.mustDo("unduck")
				at := len(st.out.heard())
				st.pullAll()
				if again := findSound(st.out.heard()[at:], x.sound[breath:], roundingError); again < 0 || again > landingSilence+2*fadeLen+audio.Block {
					t.Errorf("the breath comes again after %d samples", again)
				}
			})
		})
	}
	t.Run("without unduck: it ends after a minute", func(t *testing.T) {
		runPlayer(t, setup{files: routineFiles(map[string]string{"long": `
title = "Long"
[[step]]
breathe = "4-6"
for = "3m"
`})}, func(st *harness) {
			st.mustDo("start long")
			st.pull(audio.Rate)
			st.mustDo("duck")
			st.pull(50 * audio.Rate)
			soft := st.out.heard()
			st.pull(50 * audio.Rate)
			loud := st.out.heard()
			if peak(soft[10*audio.Rate:]) > duckedLevel || peak(loud[80*audio.Rate:]) < 0.2 {
				t.Error("it stays soft")
			}
		})
	})
	t.Run("while idle, and before a pause: the next sound is at full volume", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			if r := st.do("duck"); r.Status != "ok" || !r.Unchanged {
				t.Errorf("%+v", r)
			}
			if r := st.do("unduck"); r.Status != "ok" || !r.Unchanged {
				t.Errorf("%+v", r)
			}
			st.mustDo("start mixed")
			st.pull(audio.Rate / 2)
			st.mustDo("duck")
			st.pull(audio.Rate / 2)
			st.mustDo("pause")
			st.pullAll()
			before := len(st.out.heard())
			st.mustDo("resume")
			st.pull(audio.Rate)
			if peak(st.out.heard()[before:]) < 0.2 {
				t.Error("it is still soft")
			}
			st.wantState(player.Playing)
		})
	})
	t.Run("with a message over it: full volume when both are over", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			st.mustDo("start mixed")
			st.pull(audio.Rate / 10)
			st.mustDo("duck")
			st.pull(audio.Rate / 10)
			st.mustDo("say " + shortMessage)
			st.pull(audio.Rate * 3 / 2)
			st.mustDo("unduck")
			st.pullAll()
			if got := st.out.heard(); findSound(got, messageSound(t, shortMessage), duckedLevel) < 0 || findSound(got[len(got)-audio.Rate:], x.sound[x.Len-audio.Rate:], roundingError) != 0 {
				t.Error("the message is cut, or the routine stays soft")
			}
		})
	})
}
