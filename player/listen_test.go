package player_test

import (
	"math"
	"testing"

	"guided/audio"
)

// clicks is the largest bend of a sound, its second difference. A hum bends little, a cut bends much.
func clicks(sound []float64) float64 {
	most := 0.0
	for i := 2; i < len(sound); i++ {
		most = math.Max(most, math.Abs(sound[i]-2*sound[i-1]+sound[i-2]))
	}
	return most
}

// smooth is the largest bend that a sound may have with two fades and a change of volume over it.
func smooth(sound []float64) float64 {
	loudest, steepest := 0.0, 0.0
	for i := 1; i < len(sound); i++ {
		loudest = math.Max(loudest, math.Abs(sound[i]))
		steepest = math.Max(steepest, math.Abs(sound[i]-sound[i-1]))
	}
	const slope, bend, glide = math.Pi / 2 / fade, math.Pi * math.Pi / 2 / fade / fade, 1.0 / (audio.Rate / 50)
	return clicks(sound) + 2*(2*slope+glide)*steepest + (2*bend+2*slope*slope+glide)*loudest
}

// island is a piece of sound between silences.
type island struct {
	at    int
	sound []float64
}

// islands splits a sound where it is silent for 10 ms.
func islands(sound []float64) []island {
	var list []island
	last := -1 << 30
	for i, v := range sound {
		if v == 0 {
			continue
		}
		if i-last > fade {
			list = append(list, island{at: i})
		}
		n := &list[len(list)-1]
		n.sound = sound[n.at : i+1]
		last = i
	}
	return list
}

// word is a cue as it is heard: from its first sample that is not silent.
type word struct {
	text  string
	sound []float64
	// gaps tells for the text before it how far it may lie behind; empty: it may be the first after an interruption
	gaps map[string][]int
}

// vocabulary is every word of the tapes. Those inside a breath or a rep only come after the ones before them.
func vocabulary(tapes ...*tape) map[string]*word {
	words := map[string]*word{}
	for _, x := range tapes {
		before, at := "", 0
		for _, c := range x.Cues {
			begun := islands(x.sound[c.At : c.At+c.Len])[0]
			w := words[c.Clip.Say]
			if w == nil {
				w = &word{text: c.Clip.Say, sound: begun.sound, gaps: map[string][]int{}}
				words[w.text] = w
			}
			if x.Return(c.At) != c.At {
				w.gaps[before] = append(w.gaps[before], c.At+begun.at-at)
			}
			before, at = w.text, c.At+begun.at
		}
	}
	return words
}

// listen demands of one Play that each word is heard from its start, and whole or into a fade; cut tells that the
// device failed at its end.
func listen(t *testing.T, words map[string]*word, sound []float64, cut bool) {
	t.Helper()
	before, at := "", 0
	all := islands(sound)
	for i, n := range all {
		if len(n.sound) <= 2*fade {
			before = "" // too little to be recognised
			continue
		}
		w := recognise(words, n.sound)
		if w == nil {
			t.Errorf("at %.3f s is no word from its beginning", float64(n.at)/audio.Rate)
			continue
		}
		if len(n.sound) < len(w.sound) && !(cut && i == len(all)-1) && math.Abs(n.sound[len(n.sound)-1]) > 1e-4 {
			t.Errorf("%q is cut off at %.3f s", w.text, float64(n.at)/audio.Rate)
		}
		if len(w.gaps) > 0 {
			right := false
			for _, gap := range w.gaps[before] {
				right = right || n.at-at == gap
			}
			if !right {
				t.Errorf("%q at %.3f s comes %d samples after %q: a breath went on in its middle", w.text, float64(n.at)/audio.Rate, n.at-at, before)
			}
		}
		before, at = w.text, n.at
	}
}

func recognise(words map[string]*word, sound []float64) *word {
	for _, w := range words {
		k := 0
		for k < min(len(sound), len(w.sound)) && math.Abs(sound[k]-w.sound[k]) < 1e-12 {
			k++
		}
		if k >= len(sound)-fade && len(sound) <= len(w.sound) {
			return w
		}
	}
	return nil
}
