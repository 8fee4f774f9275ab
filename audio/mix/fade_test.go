package mix

import (
	"math"
	"slices"
	"testing"

	"guided/audio"
	"guided/routines"
)

// fadedBed is two minutes of rain with a fade of half a minute at its start and one of a minute at its end.
func fadedBed() *routines.Score {
	const second = audio.Rate
	return &routines.Score{
		Name: "faded", Len: 120*second + 77, Bed: routines.Bed{Sound: "rain"},
		Fade: routines.Fade{{At: 0, Len: 30 * second, From: 0.4, To: 1}, {At: 60*second + 77, Len: 60 * second, From: 1, To: 0}},
	}
}

// The level of a bed, measured each second, rises to what it is without a fade, stays there, and sinks to nothing.
func TestFadeLevels(t *testing.T) {
	score := fadedBed()
	plain := *score
	plain.Fade = nil
	faded, unfaded := Render(score, nil), Render(&plain, nil)
	samples, reference := make([][2]float64, audio.Rate), make([][2]float64, audio.Rate)
	last := math.Inf(-1)
	for s := range 121 {
		n, _ := faded.Stream(samples)
		unfaded.Stream(reference)
		power := func(list [][2]float64) (sum float64) {
			for _, x := range list[:n] {
				sum += x[0]*x[0] + x[1]*x[1]
			}
			return sum
		}
		db := 10 * math.Log10(power(samples)/power(reference))
		switch {
		case s == 0 && math.Abs(db+23.4) > 0.6:
			t.Errorf("it begins at %.1f dB", db)
		case s < 30 && db <= last, s > 61 && db >= last:
			t.Errorf("%.1f dB after %.1f at %d s", db, last, s)
		case s > 30 && s < 60 && !slices.Equal(samples[:n], reference[:n]):
			t.Errorf("it differs at %d s", s)
		case s == 90 && math.Abs(db+18) > 0.5:
			t.Errorf("half of the way down is %.1f dB", db)
		case s == 119 && db > -100:
			t.Errorf("%.1f dB in the last second", db)
		}
		last = db
	}
	if last > -200 {
		t.Errorf("the last 77 samples are at %.1f dB", last)
	}
}

// A fade is a function of the sample's place, as all else is: whatever the blocks and the seeks, the samples are the same.
func TestFadeIsIndependentOfBlockAndSeek(t *testing.T) {
	score, clips := crowdedScore()
	score.Fade = routines.Fade{{At: 0, Len: 20_001, From: 0.4, To: 1}, {At: 33_333, Len: 26_667, From: 1, To: 0}}
	want := streamAll(Render(score, clips), score.Len)
	for _, block := range []int{1, 7, 63, 64, 480, 4096} {
		if got := streamAll(Render(score, clips), block); !slices.Equal(got, want) {
			t.Errorf("blocks of %d give other samples", block)
		}
	}
	r := Render(score, clips)
	for _, to := range []int{59_999, 0, 63, 64, 20_000, 20_001, 20_002, 33_333, 40_000} {
		if err := r.Seek(to); err != nil {
			t.Fatal(err)
		}
		if got := streamAll(r, 480); !slices.Equal(got, want[to:]) {
			t.Errorf("other samples after a seek to %d", to)
		}
	}
}
