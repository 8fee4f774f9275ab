package mix

import (
	"encoding/binary"
	"math"
	"testing"

	"guided/audio"
	"guided/audio/audiotest"
	"guided/audio/voice"
	"guided/routines"
)

// stereoWAV returns frames as a file of 16-bit stereo without dither.
func stereoWAV(frames [][2]float64) []byte {
	var data []byte
	for _, x := range frames {
		for _, v := range x {
			data = binary.LittleEndian.AppendUint16(data, uint16(int16(math.Round(v*32768))))
		}
	}
	h := audiotest.MonoHeader(audio.Rate, len(data))
	h.Channels, h.Frame = 2, audio.FrameBytes
	return h.File(data)
}

// loudestMix renders everything at once: a voice at its highest peak, a bell, a bowl and a bed.
func loudestMix(t *testing.T) *Renderer {
	t.Helper()
	score := bedScore("waves", 20)
	clips := Clips{}
	v := audiotest.Vowel(3*audio.Rate, func(float64) float64 { return 1 })
	clips[speech("loud")] = voice.Recording{PCM: audio.QuantizeClip(audiotest.Scaled(v, audio.GainFromDB(audio.MaxTruePeak)/audio.TruePeak(v)))}
	clips[speech("high")] = voice.Recording{PCM: audio.QuantizeClip(audiotest.Scaled(audiotest.Sine(3*audio.Rate, audio.Rate, 3001, 1), audio.GainFromDB(audio.MaxTruePeak)))}
	for _, name := range []string{"bell", "bowl"} {
		tone, err := synthesizeTone(name)
		if err != nil {
			t.Fatal(err)
		}
		clips[sound(name)] = tone
	}
	for i, clip := range []routines.Clip{speech("loud"), sound("bell"), sound("bowl"), speech("high"), sound("bell")} {
		score.Cues = append(score.Cues, routines.Cue{At: (4 + i/3*6) * audio.Rate, Len: len(clips[clip].PCM), Clip: clip})
	}
	return Render(score, clips)
}

func TestRenderTruePeakAtLoudest(t *testing.T) {
	x := streamFrames(t, loudestMix(t), 0, 20)
	left, right := make([]float64, len(x)), make([]float64, len(x))
	for i := range x {
		left[i], right[i] = x[i][0], x[i][1]
	}
	if top := max(audiotest.DB(audio.TruePeak(left)), audiotest.DB(audio.TruePeak(right))); top > audio.MaxTruePeak || top < audio.MaxTruePeak-2 {
		t.Errorf("%.2f dBTP, want a little below %.0f", top, audio.MaxTruePeak)
	}
	if got := audio.MeasureLoudness(excerptOf(t, loudestMix(t), 0, 20)).TruePeak; math.Abs(got-max(audiotest.DB(audio.TruePeak(left)), audiotest.DB(audio.TruePeak(right)))) > 1e-9 {
		t.Errorf("measured as %.3f dBTP", got)
	}
}

func TestMeasureLoudnessAgreesWithFFmpeg(t *testing.T) {
	audiotest.RequireProgram(t, "ffmpeg")
	busyScore, clips := busyScore("rain")
	busyScore.Quiet = false
	for name, r := range map[string]*Renderer{"all at once": loudestMix(t), "words over rain": Render(busyScore, clips), "a drone": Render(bedScore("drone", 20), nil)} {
		t.Run(name, func(t *testing.T) {
			x := streamFrames(t, r, 0, float64(r.Len())/audio.Rate)
			loud, top := audiotest.EBUR128(t, stereoWAV(x), "")
			got := audio.MeasureLoudness(excerptOf(t, r, 0, float64(r.Len())/audio.Rate))
			if math.Abs(got.Integrated-loud) > 0.1 || math.Abs(got.TruePeak-top) > 0.3 {
				t.Errorf("%.2f LUFS and %.2f dBTP; ffmpeg measures %.1f and %.1f", got.Integrated, got.TruePeak, loud, top)
			}
			if got.Momentary < got.ShortTerm {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestMeasureLoudnessOfSilence(t *testing.T) {
	for _, seconds := range []float64{0, 0.2, 5} {
		got := audio.MeasureLoudness(excerptOf(t, Render(&routines.Score{Len: 10 * audio.Rate}, nil), 0, seconds))
		if !math.IsInf(got.Integrated, -1) || !math.IsInf(got.TruePeak, -1) {
			t.Errorf("%v s measure %+v", seconds, got)
		}
	}
}
