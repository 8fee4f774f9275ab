package mix

import (
	"fmt"
	"testing"

	"guided/audio"
	"guided/audio/audiotest"
	"guided/audio/voice"
	"guided/routines"
)

// BenchmarkRender streams a score of 15 minutes with 400 cues, some of which overlap.
func BenchmarkRender(b *testing.B) {
	score, clips := &routines.Score{Len: 15 * 60 * audio.Rate}, Clips{}
	for i := range 400 {
		c := speech(fmt.Sprint(i % 60))
		if _, has := clips[c]; !has {
			clips[c] = voice.Recording{PCM: audio.QuantizeClip(audiotest.WhiteNoise(audio.Rate/2+i*2000, 0.3))}
		}
		score.Cues = append(score.Cues, routines.Cue{At: i * score.Len / 400, Len: len(clips[c].PCM), Clip: c})
	}
	block := make([][2]float64, audio.Block)
	b.ReportAllocs()
	for b.Loop() {
		r := Render(score, clips)
		for ok := true; ok; {
			_, ok = r.Stream(block)
		}
	}
	audiotest.ReportRealTime(b, 15*60)
}

// BenchmarkBed streams words over a bed that swells with the breath.
func BenchmarkBed(b *testing.B) {
	for _, name := range append(routines.BedNames(), "forest.flac") {
		b.Run(name, func(b *testing.B) {
			score, clips := busyScore(name)
			r := Render(score, clips)
			block := make([][2]float64, 480)
			b.ReportAllocs()
			for b.Loop() {
				if err := r.Seek(0); err != nil {
					b.Fatal(err)
				}
				for ok := true; ok; {
					_, ok = r.Stream(block)
				}
			}
			audiotest.ReportRealTime(b, float64(score.Len)/audio.Rate)
		})
	}
}

// BenchmarkMeasureLoudness measures words over a looped bed.
func BenchmarkMeasureLoudness(b *testing.B) {
	score, clips := busyScore("forest.flac")
	r := Render(score, clips)
	for b.Loop() {
		audio.MeasureLoudness(excerptOf(b, r, 0, float64(score.Len)/audio.Rate))
	}
	audiotest.ReportRealTime(b, float64(score.Len)/audio.Rate)
}

// BenchmarkTone makes a tone, as at its first use.
func BenchmarkTone(b *testing.B) {
	for _, name := range []string{"bell", "bowl", "in"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := synthesizeTone(name); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSwell makes the sound of a breath of four seconds.
func BenchmarkSwell(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		synthesizeSwell("swell-in", 4*audio.Rate)
	}
	audiotest.ReportRealTime(b, 4)
}

// BenchmarkRenderSilence streams what has neither a cue nor a bed.
func BenchmarkRenderSilence(b *testing.B) {
	r := Render(&routines.Score{Len: 60 * audio.Rate}, nil)
	block := make([][2]float64, audio.Block)
	b.ReportAllocs()
	for b.Loop() {
		if err := r.Seek(0); err != nil {
			b.Fatal(err)
		}
		for ok := true; ok; {
			_, ok = r.Stream(block)
		}
	}
	audiotest.ReportRealTime(b, 60)
}
