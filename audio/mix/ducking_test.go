package mix

import (
	"math"
	"testing"

	"guided/audio"
	"guided/audio/audiotest"
	"guided/audio/voice"
	"guided/routines"
)

// bedGainOf renders a score with silent cues over a constant bed, and returns the bed's gain in dB at a time in seconds.
func bedGainOf(t *testing.T, score *routines.Score) func(second float64) float64 {
	t.Helper()
	score.Bed.Sound = "steady.flac"
	loop := make([]int16, 1000)
	for i := range loop {
		loop[i] = 16384
	}
	clips := Clips{bedClipKey(score.Bed.Sound): {PCM: loop}}
	for _, c := range score.Cues {
		clips[c.Clip] = voice.Recording{PCM: make([]int16, c.Len)}
	}
	x := streamFrames(t, Render(score, clips), 0, float64(score.Len)/audio.Rate)
	return func(second float64) float64 { return audiotest.DB(2 * x[int(second*audio.Rate)][0]) }
}

// halfSecondCues returns cues of half a second at times in seconds.
func halfSecondCues(clip routines.Clip, seconds ...float64) []routines.Cue {
	var cues []routines.Cue
	for _, at := range seconds {
		cues = append(cues, routines.Cue{At: int(at * audio.Rate), Len: audio.Rate / 2, Clip: clip})
	}
	return cues
}

// checkGains fails the test where the gain at a time in seconds is not the wanted one in dB.
func checkGains(t *testing.T, heard func(second float64) float64, want map[float64]float64) {
	t.Helper()
	for at, db := range want {
		if got := heard(at); math.Abs(got-db) > 0.1 {
			t.Errorf("at %.2f s the bed is at %.2f dB, want %.2f", at, got, db)
		}
	}
}

func TestBedDucksUnderVoice(t *testing.T) {
	t.Run("down before the word, back after it", func(t *testing.T) {
		heard := bedGainOf(t, &routines.Score{Len: 20 * audio.Rate, Cues: halfSecondCues(speech("a"), 6, 10)})
		checkGains(t, heard, map[float64]float64{
			4: 0, 5.74: 0, 5.85: -7, 5.951: -14, 6: -14, 6.25: -14, 6.5: -14, 6.85: -7, 7.21: 0, 8: 0, 9.951: -14, 10.4: -14, 12: 0,
		})
		for at := 5.75; at < 7.2; at += 0.01 {
			if step := math.Abs(heard(at+0.01) - heard(at)); step > 1.2 {
				t.Errorf("a jump of %.1f dB at %.2f s", step, at)
			}
		}
	})
	t.Run("a count each second holds it down", func(t *testing.T) {
		heard := bedGainOf(t, &routines.Score{Len: 20 * audio.Rate, Cues: halfSecondCues(speech("a"), 5, 6, 7, 9.4)})
		for at := 4.96; at < 9.9; at += 0.05 {
			checkGains(t, heard, map[float64]float64{at: -14})
		}
		checkGains(t, heard, map[float64]float64{10.7: 0})
	})
	t.Run("it comes back in a gap of two seconds", func(t *testing.T) {
		heard := bedGainOf(t, &routines.Score{Len: 20 * audio.Rate, Cues: halfSecondCues(speech("a"), 5, 7.5)})
		checkGains(t, heard, map[float64]float64{5.5: -14, 6.3: 0, 7.2: 0, 7.46: -14})
	})
	t.Run("tones do not duck it", func(t *testing.T) {
		checkGains(t, bedGainOf(t, &routines.Score{Len: 20 * audio.Rate, Cues: halfSecondCues(sound("bell"), 6)}), map[float64]float64{5.9: 0, 6.2: 0})
	})
	t.Run("it starts down for a word at the start", func(t *testing.T) {
		checkGains(t, bedGainOf(t, &routines.Score{Len: 20 * audio.Rate, Cues: halfSecondCues(speech("a"), 0, 1, 2, 3)}), map[float64]float64{3.2: -14})
	})
}

func TestBedFadesInAndOut(t *testing.T) {
	heard := bedGainOf(t, &routines.Score{Len: 20 * audio.Rate})
	checkGains(t, heard, map[float64]float64{1.5: -3.01, 3.01: 0, 10: 0, 14.99: 0, 17.5: -3.01})
	if heard(0.001) > -40 || heard(19.999) > -40 {
		t.Error("it starts or ends without a fade")
	}
}

func TestBedSwellsWithBreath(t *testing.T) {
	score := &routines.Score{Len: 80 * audio.Rate, Bed: routines.Bed{Swell: true}}
	score.Marks = breathMarks(10*audio.Rate, 3, map[string]int{"in": 4 * audio.Rate, "hold": 4 * audio.Rate, "out": 6 * audio.Rate, "wait": audio.Rate})
	heard := bedGainOf(t, score)
	top, bottom := heard(14), heard(24)
	if math.Abs(top-bottom-8) > 0.1 || top < 1 || bottom > -3 {
		t.Errorf("from %.1f to %.1f dB, want 8 between them", bottom, top)
	}
	checkGains(t, heard, map[float64]float64{
		9: 0, 12: top / 2, 16: top, 18: top, 21: (top + bottom) / 2, 24.5: bottom, 29: top, 59: 0, 65: 0,
	})
	sum := 0.0
	for at := 25.0; at < 55; at += 0.01 {
		sum += audio.PowerFromDB(heard(at)) / 3000
	}
	if mean := 10 * math.Log10(sum); math.Abs(mean) > 0.5 {
		t.Errorf("breaths are %.2f dB louder than the bed without them", mean)
	}
	for at := 4.0; at < 74; at += 0.01 {
		if step := math.Abs(heard(at+0.01) - heard(at)); step > 0.1 {
			t.Fatalf("a jump of %.2f dB at %.2f s", step, at)
		}
	}
	t.Run("phases of a movement do not swell it", func(t *testing.T) {
		score := &routines.Score{Len: 30 * audio.Rate, Bed: routines.Bed{Swell: true}, Marks: breathMarks(10*audio.Rate, 2, map[string]int{"hold": audio.Rate, "wait": audio.Rate})}
		checkGains(t, bedGainOf(t, score), map[float64]float64{9: 0, 10.5: 0, 12.5: 0})
	})
}

func TestQuietScoreIsSofter(t *testing.T) {
	score, clips := scoreOf(append(halfSecondCues(speech("a"), 0), halfSecondCues(sound("gong.wav"), 1)...)...), Clips{}
	for _, c := range score.Cues {
		clips[c.Clip] = voice.Recording{PCM: audio.QuantizeClip(audiotest.Sine(c.Len, audio.Rate, 500, 0.5))}
	}
	loud := leftChannel(streamFrames(t, Render(score, clips), 0, 1.5))
	score.Quiet = true
	quiet := leftChannel(streamFrames(t, Render(score, clips), 0, 1.5))
	for from, want := range map[int]float64{0: -6, audio.Rate: -12} {
		if got := audiotest.DB(audio.TruePeak(quiet[from:from+audio.Rate/2]) / audio.TruePeak(loud[from:from+audio.Rate/2])); math.Abs(got-want) > 0.1 {
			t.Errorf("%.1f dB, want %.0f", got, want)
		}
	}
	checkGains(t, bedGainOf(t, &routines.Score{Len: 20 * audio.Rate, Quiet: true}), map[float64]float64{10: -6})
}

// leftChannel returns the left channel of frames.
func leftChannel(frames [][2]float64) []float64 {
	list := make([]float64, len(frames))
	for i, x := range frames {
		list[i] = x[0]
	}
	return list
}
