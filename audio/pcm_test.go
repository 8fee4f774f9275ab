package audio

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"
	"testing"

	"guided/audio/audiotest"
)

// noiseFrame returns a frame of ditherNoise at indices that Encode does not use.
func noiseFrame(i int) [2]float64 {
	const scale = 0.3 / (1 << 16)
	return [2]float64{scale * float64(ditherNoise(uint32(i)+1<<31)), scale * float64(ditherNoise(uint32(i)+1<<31+1<<30))}
}

func encodedNoise(frames int) []byte { return encoded(noiseFrame, frames) }

func encoded(frame func(i int) [2]float64, frames int) []byte {
	samples := make([][2]float64, frames)
	for i := range samples {
		samples[i] = frame(i)
	}
	b := make([]byte, frames*FrameBytes)
	Encode(b, samples, 0)
	return b
}

func TestEncodeIsIndependentOfBlockSize(t *testing.T) {
	const frames = 5000
	want := encodedNoise(frames)
	samples := make([][2]float64, frames)
	for i := range samples {
		samples[i] = noiseFrame(i)
	}
	for _, size := range []int{1, 7, Block, 4096} {
		got := make([]byte, len(want))
		for at := 0; at < frames; at += size {
			Encode(got[at*FrameBytes:], samples[at:min(at+size, frames)], at)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("blocks of %d give other bytes", size)
		}
	}
}

// The bytes are the same on every machine.
func TestEncodeGolden(t *testing.T) {
	src := [][2]float64{{0, 0}, {0.5, -0.5}, {1, -1}, {7, -7}, {math.NaN(), math.Inf(-1)}, {1e-5, -1e-5}, {0.1, 0.2}, {math.Inf(1), 0}}
	got := make([]byte, len(src)*FrameBytes)
	Encode(got, src, -3)
	want := [][2]int16{{1, 0}, {16384, -16384}, {32767, -32767}, {32767, -32767}, {0, -32767}, {1, 0}, {3277, 6554}, {32767, 0}}
	for i := range src {
		l, r := int16(binary.LittleEndian.Uint16(got[4*i:])), int16(binary.LittleEndian.Uint16(got[4*i+2:]))
		if l != want[i][0] || r != want[i][1] {
			t.Errorf("frame %d, %v: got %d, %d, want %v", i, src[i], l, r, want[i])
		}
	}
	if sum := crc32.ChecksumIEEE(encodedNoise(10 * Rate)); sum != 0x1531389b {
		t.Errorf("ten seconds of noise have the checksum %#x", sum)
	}
}

// Dither that is triangular, of ±1 step, white and independent in each channel leaves no distortion in what is rounded.
func TestDitherNoiseIsTriangularAndWhite(t *testing.T) {
	const n = 1 << 20
	var sum, squares, next, other float64
	for i := range n {
		x := float64(ditherNoise(2*uint32(i))) / (1 << 16)
		if math.Abs(x) > 1 {
			t.Fatalf("noise of %v", x)
		}
		sum += x
		squares += x * x
		next += x * float64(ditherNoise(2*uint32(i)+2)) / (1 << 16)
		other += x * float64(ditherNoise(2*uint32(i)+1)) / (1 << 16)
	}
	for what, got := range map[string]float64{
		"mean": sum / n, "variance": squares/n - 1.0/6, "correlation with the next": next / n, "with the other channel": other / n,
	} {
		if math.Abs(got) > 1e-3 {
			t.Errorf("%s is off by %v", what, got)
		}
	}
}

// The mean of an encoded constant between two steps is that constant.
func TestEncodePreservesLevelsBelowOneStep(t *testing.T) {
	const n = 1 << 18
	src := make([][2]float64, n)
	for i := range src {
		src[i] = [2]float64{0.3 / (1 << 15), -0.3 / (1 << 15)}
	}
	b := make([]byte, n*FrameBytes)
	Encode(b, src, 0)
	sum := 0
	for i := range src {
		sum += int(int16(binary.LittleEndian.Uint16(b[4*i:])))
	}
	if mean := float64(sum) / n; math.Abs(mean-0.3) > 0.01 {
		t.Errorf("0.3 steps come out as %v", mean)
	}
}

func BenchmarkEncode(b *testing.B) {
	b.ReportAllocs()
	src := make([][2]float64, Rate)
	for i := range src {
		src[i] = audiotest.NoiseAt(i)
	}
	dst := make([]byte, len(src)*FrameBytes)
	b.ReportAllocs()
	for b.Loop() {
		Encode(dst, src, 0)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(src)), "ns/frame")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "x-realtime")
}

func TestQuantizeRoundsToTheNearest(t *testing.T) {
	check := func(x float64) {
		t.Helper()
		if got, want := quantize(x), int16(math.Round(max(-1, min(1, x))*math.MaxInt16)); got != want {
			t.Errorf("%v comes out as %d, want %d", x, got, want)
		}
	}
	for n := -65534; n <= 65534; n++ { // whole steps, halves and what lies beside them
		x := float64(n) / 2 / math.MaxInt16
		for _, near := range []float64{x, math.Nextafter(x, -2), math.Nextafter(x, 2), x + 1e-7} {
			check(near)
		}
	}
	for _, x := range []float64{2, -2, math.Inf(1), math.Inf(-1), math.SmallestNonzeroFloat64} {
		check(x)
	}
}
