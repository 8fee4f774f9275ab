package audio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math"
	"testing"

	"github.com/gopxl/beep/v2/generators"

	"guided/audio/audiotest"
)

// noiseFrame is a frame of the noise that dither is made of, far from where dither begins.
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

// These bytes must be the same on every machine.
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

// The noise is triangular, of ±1 step, white, and of its own in each channel: then rounding leaves no distortion.
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

// A constant between two steps comes out as itself, on average.
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

func TestWriteWAV(t *testing.T) {
	for _, test := range []struct{ there, frames int }{{Rate * 5 / 2, Rate * 5 / 2}, {Rate, Rate + 100}, {Rate, 100}, {0, 10}, {10, 0}} {
		var out bytes.Buffer
		var told []int
		if err := WriteWAV(&out, audiotest.NewNoise(test.there), test.frames, func(done int) { told = append(told, done) }); err != nil {
			t.Fatal(err)
		}
		if len(out.Bytes()) != WAVHeaderBytes+test.frames*FrameBytes {
			t.Fatalf("%+v: %d bytes", test, out.Len())
		}
		header, sound := out.Bytes()[:WAVHeaderBytes], out.Bytes()[WAVHeaderBytes:]
		if size := binary.LittleEndian.Uint32(header[40:]); int(size) != len(sound) || binary.LittleEndian.Uint32(header[4:]) != size+36 {
			t.Errorf("%+v: the header tells of %d bytes", test, size)
		}
		both := min(test.there, test.frames)
		if !bytes.Equal(sound[:both*FrameBytes], encoded(audiotest.NoiseAt, both)) {
			t.Errorf("%+v: another sound", test)
		}
		if first, _ := audiotest.LoudFrames(sound[both*FrameBytes:]); first >= 0 {
			t.Errorf("%+v: the rest is not silent", test)
		}
		if test.frames > 0 && told[len(told)-1] != test.frames {
			t.Errorf("%+v: progress is %v", test, told)
		}
	}
}

func TestWriteWAVErrors(t *testing.T) {
	if err := WriteWAV(io.Discard, audiotest.NewNoise(1), MaxWAVFrames+1, nil); err == nil {
		t.Error("more than a WAV file holds is no error")
	}
	if err := WriteWAV(io.Discard, audiotest.NewNoise(1), -1, nil); err == nil {
		t.Error("less than nothing is no error")
	}
	broken := errors.New("the pipe broke")
	r, w := io.Pipe()
	r.CloseWithError(broken)
	if err := WriteWAV(w, audiotest.NewNoise(1), 1, nil); !errors.Is(err, broken) {
		t.Errorf("the error is %v", err)
	}
}

func BenchmarkEncode(b *testing.B) {
	src := make([][2]float64, Rate)
	for i := range src {
		src[i] = audiotest.NoiseAt(i)
	}
	dst := make([]byte, len(src)*FrameBytes)
	for b.Loop() {
		Encode(dst, src, 0)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "x-realtime")
}

func BenchmarkWriteWAV(b *testing.B) {
	const seconds = 60
	for b.Loop() {
		if err := WriteWAV(io.Discard, generators.Silence(-1), seconds*Rate, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(seconds*float64(b.N)/b.Elapsed().Seconds(), "x-realtime")
}
