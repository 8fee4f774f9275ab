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
)

// reluctant is hum that takes its time to read what it has: a slow disk, and a slow machine. The time is virtual.
type reluctant struct{ hum }

func (r reluctant) Speak(ctx context.Context, text string) (voice.Recording, error) {
	select {
	case <-ctx.Done():
		return voice.Recording{}, ctx.Err()
	case <-time.After(400 * time.Millisecond):
	}
	return r.hum.Speak(ctx, text)
}

// A listener who skips as fast as can be, through a routine that is far longer than what is loaded of it, hears each
// phrase from its beginning, and whole or into a fade: none is silent because it was not there in time.
func TestNoSkipIsFasterThanTheVoice(t *testing.T) {
	text, phrases := "title = \"Long\"\n", map[string]string{}
	for i := range 30 {
		step := fmt.Sprint("Pose ", i)
		phrases[step] = fmt.Sprintf("Now pose %d, as slowly as you can, with your eyes closed.", 37*i)
		text += fmt.Sprintf("[[step]]\nname = %q\nsay = %q\n[[step]]\nrest = \"4s\"\n", step, phrases[step])
	}
	x := record(t, text)
	spoken := vocabulary(x)
	for seed, reserve := range []int{0, second} {
		t.Run(fmt.Sprintf("on a device that takes back %d samples", reserve), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(uint64(seed), 2))
			perform(t, props{files: shelf(map[string]string{"long": text}), voice: reluctant{}, depth: audio.Depth}, func(st *stage) {
				st.ear.reserve, st.ear.block = reserve, 1000
				st.ok("start long")
				time.Sleep(time.Second)
				for range 200 {
					word := []string{"next", "next", "next", "next", "next", "back", "repeat", "pause", "resume"}[r.IntN(9)]
					done := make(chan bool)
					go func() { // the sound goes on while it is carried out
						defer close(done)
						st.p.Order([]byte(word))
					}()
					st.hear(r.IntN(second / 4))
					<-done
					if r.IntN(4) > 0 {
						continue
					}
					st.p.Order([]byte("resume"))
					st.p.Order([]byte("next"))
					st.hear(7 * second / 2)
					now := st.ear.open()
					if now == nil {
						st.ok("start long") // it was heard to its end
						time.Sleep(time.Second)
						continue
					}
					want := phrases[st.p.State().Step]
					if want == "" {
						continue // a rest
					}
					last := island{}
					for _, last = range islands(now.samples[:now.heard]) {
					}
					if w := recognise(spoken, last.sound); w == nil || w.text != want || len(w.sound) != len(last.sound) {
						t.Fatalf("%q is not heard", want)
					}
				}
				for _, h := range st.ear.plays {
					listen(t, spoken, append(slices.Clone(h.samples[:h.heard]), 0, 0), false)
				}
			})
		})
	}
}
