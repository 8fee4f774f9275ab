package player_test

import (
	"errors"
	"testing"
	"testing/synctest"

	"guided/audio"
	"guided/audio/voice"
	"guided/player"
)

func TestAMessageThatAnEngineSpeaks(t *testing.T) {
	unsaid := lacking{word: "bell", err: voice.ErrUnspoken}
	t.Run("slowly holds nothing up", func(t *testing.T) {
		v := newSlow("bell")
		perform(t, props{voice: v, engine: unsaid}, func(st *stage) {
			st.ok("start mixed")
			st.hear(audio.Rate / 10)
			st.ok("say " + short)
			st.hear(2 * audio.Rate)
			close(v.gate)
			st.drain()
			x := record(t, mixed)
			got := st.ear.heard()
			if find(got, x.sound[:2*audio.Rate], exactly) != 0 {
				t.Error("the routine is not heard as it is while the engine works")
			}
			if find(got, said(t, short), softly) < 2*audio.Rate {
				t.Error("the message is not heard after that")
			}
		})
	})
	t.Run("and that stop comes before is never heard", func(t *testing.T) {
		v := newSlow("bell")
		perform(t, props{voice: v, engine: unsaid}, func(st *stage) {
			st.ok("say " + short)
			if r := st.do("stop"); r.Status != "ok" || r.Unchanged {
				t.Errorf("%+v", r)
			}
			close(v.gate)
			synctest.Wait()
			st.is(player.Idle)
			if n := st.ear.attempts(); n != 0 {
				t.Errorf("the device was opened %d times", n)
			}
			st.tells("")
			st.ok("say " + dinner)
			st.drain()
			if find(st.ear.heard(), said(t, dinner), exactly) != 0 {
				t.Error("the next message is not heard")
			}
		})
	})
	t.Run("or fails to, is told, and the routine goes on", func(t *testing.T) {
		broken := lacking{word: "bell", err: errors.New("the engine is broken")}
		perform(t, props{voice: unsaid, engine: broken}, func(st *stage) {
			st.ok("start other")
			st.hear(audio.Rate / 10)
			st.ok("say " + short)
			st.drain()
			st.tells("routine_started, Rest, problem, Quiet, routine_finished")
			if got := st.ear.heard(); find(got, record(t, other).sound, exactly) != 0 {
				t.Error("the routine is not heard as it is")
			}
		})
	})
}
