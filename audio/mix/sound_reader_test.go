package mix

import (
	"math"
	"testing"

	"guided/audio"
)

// oldSamples decodes a file in memory as a whole.
func oldSamples(t testing.TB, file []byte) []float64 {
	t.Helper()
	samples, rate, err := audio.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	return audio.Resample(samples, rate)
}

// oldClip makes the clip of a file from the whole file in memory.
func oldClip(t testing.TB, file []byte) []int16 { return audio.QuantizeClip(oldSamples(t, file)) }

// oldLoop makes the bed of a file from the whole file in memory.
func oldLoop(t testing.TB, file []byte) []int16 {
	samples := oldSamples(t, file)
	fade := min(loopFade, len(samples)/3)
	loop := samples[:len(samples)-fade]
	fadeInto(loop[:fade], samples[len(loop):])
	var shape loopShape // its loudness is that of audio.Loudness but for the order of sums
	if err := shape.add(oldSamples(t, file)); err != nil {
		t.Fatal(err)
	}
	gain := audio.GainFromDB(bedLUFS - shape.loudness())
	pcm := make([]int16, len(loop))
	for i, x := range loop {
		pcm[i] = int16(math.Round(max(-1, min(1, gain*x)) * math.MaxInt16))
	}
	return pcm
}
