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

// slowVoice is humVoice on a slow disk: each phrase takes 400 ms of virtual time to load.
type slowVoice struct{ humVoice }

func (r slowVoice) Speak(ctx context.Context, text string) (voice.Recording, error) {
	select {
	case <-ctx.Done():
		return voice.Recording{}, ctx.Err()
	case <-time.After(400 * time.Millisecond):
	}
	return r.humVoice.Speak(ctx, text)
}

// Skipping quickly through a routine that is far longer than what is loaded of it: each phrase is heard from its
// beginning, and whole or into a fade-out. None is missing because it was not loaded in time.
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
		t.Run(fmt.Sprintf("on an output that rewinds %d samples", reserve), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(uint64(seed), 2))
			runPlayer(t, setup{files: routineFiles(map[string]string{"long": text}), voice: slowVoice{}, depth: audio.Depth}, func(st *harness) {
				st.out.reserve, st.out.block = reserve, 1000
				st.mustDo("start long")
				time.Sleep(time.Second)
				for range 200 {
					word := []string{"next", "next", "next", "next", "next", "back", "repeat", "pause", "resume"}[r.IntN(9)]
					done := make(chan bool)
					go func() { // the sound goes on while the command is carried out
						defer close(done)
						st.p.DoPayload([]byte(word))
					}()
					st.pull(r.IntN(second / 4))
					<-done
					if r.IntN(4) > 0 {
						continue
					}
					st.p.DoPayload([]byte("resume"))
					st.p.DoPayload([]byte("next"))
					st.pull(7 * second / 2)
					now := st.out.openPlay()
					if now == nil {
						st.mustDo("start long") // it has ended
						time.Sleep(time.Second)
						continue
					}
					want := phrases[st.p.State().Step]
					if want == "" {
						continue // a rest is silent
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

// Next during the last samples of a step that are heard goes to the step after it, even if the output has pulled some of
// that one already.
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
