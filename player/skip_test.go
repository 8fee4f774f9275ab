package player_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"guided/audio"
	"guided/audio/voice"
	"guided/player"
)

// slowVoice is hum that takes its time to read what it has: a slow disk, and a slow machine. The time is virtual.
type slowVoice struct{ humVoice }

func (r slowVoice) Speak(ctx context.Context, text string) (voice.Recording, error) {
	select {
	case <-ctx.Done():
		return voice.Recording{}, ctx.Err()
	case <-time.After(400 * time.Millisecond):
	}
	return r.humVoice.Speak(ctx, text)
}

// A listener who skips as fast as can be, through a routine that is far longer than what is loaded of it, hears each
// phrase from its beginning, and whole or into a fade: none is silent because it was not there in time.
func TestNextFasterThanVoiceLoads(t *testing.T) {
	text, phrases := "title = \"Long\"\n", map[string]string{}
	for i := range 30 {
		step := fmt.Sprint("Pose ", i)
		phrases[step] = fmt.Sprintf("Now pose %d, as slowly as you can, with your eyes closed.", 37*i)
		text += fmt.Sprintf("[[step]]\nname = %q\nsay = %q\n[[step]]\nrest = \"4s\"\n", step, phrases[step])
	}
	x := renderReference(t, text)
	spoken := cueSounds(x)
	for seed, reserve := range []int{0, second} {
		t.Run(fmt.Sprintf("on a device that takes back %d samples", reserve), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(uint64(seed), 2))
			runPlayer(t, setup{files: routineFiles(map[string]string{"long": text}), voice: slowVoice{}, depth: audio.Depth}, func(st *harness) {
				st.out.reserve, st.out.block = reserve, 1000
				st.mustDo("start long")
				time.Sleep(time.Second)
				for range 200 {
					word := []string{"next", "next", "next", "next", "next", "back", "repeat", "pause", "resume"}[r.IntN(9)]
					done := make(chan bool)
					go func() { // the sound goes on while it is carried out
						defer close(done)
						st.p.Order([]byte(word))
					}()
					st.pull(r.IntN(second / 4))
					<-done
					if r.IntN(4) > 0 {
						continue
					}
					st.p.Order([]byte("resume"))
					st.p.Order([]byte("next"))
					st.pull(7 * second / 2)
					now := st.out.openPlay()
					if now == nil {
						st.mustDo("start long") // it was heard to its end
						time.Sleep(time.Second)
						continue
					}
					want := phrases[st.p.State().Step]
					if want == "" {
						continue // a rest
					}
					last := soundRun{}
					for _, last = range soundRuns(now.samples[:now.heard]) {
					}
					if w := matchCue(spoken, last.sound); w == nil || w.text != want || len(w.sound) != len(last.sound) {
						t.Fatalf("%q is not heard", want)
					}
				}
				for _, h := range st.out.plays {
					wantWholeCues(t, spoken, append(slices.Clone(h.samples[:h.heard]), 0, 0), false)
				}
			})
		})
	}
}

// A listener who hears the end of a step and asks for the next one wants that one, even where the device has pulled
// some of it.
func TestNextCountsFromHeardPosition(t *testing.T) {
	x := renderReference(t, mixed)
	breathe := x.step("Breathe", "")
	runPlayer(t, setup{depth: audio.Depth}, func(st *harness) {
		st.mustDo("start mixed")
		st.pull(breathe + audio.Depth/2)
		st.mustDo("next")
		st.pull(fadeLen + landingSilence + 2*audio.Depth)
		if s := st.wantState(player.Playing); s.Step != "Breathe" {
			t.Errorf("heard %s", s.Step)
		}
		st.wantEvents("routine_started, Settle, Breathe")
	})
}
