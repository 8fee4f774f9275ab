// Package audiotest is what the tests of audio share: signals, WAV files, noise that is known by its index, a recording's
// spectrum and loudness, and the programs and clean-up of a test.
package audiotest

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"os/exec"
	"testing"

	"guided/routines"
)

// WAVHeader is what a WAV file says of itself, true or not.
type WAVHeader struct {
	Tag, Channels, Bits uint16
	Rate                uint32
	Frame               uint16 // BytesPerFrame
	Size                uint32 // of the data chunk
	Before              []byte // chunks between format and data
}

// NewWAVHeader is a header of so many channels, bits, samples a second, bytes a frame and bytes of data.
func NewWAVHeader(tag, channels, bits uint16, rate uint32, frame uint16, size uint32, before []byte) WAVHeader {
	return WAVHeader{tag, channels, bits, rate, frame, size, before}
}

// MonoHeader is the header of honest 16-bit mono for so many bytes.
func MonoHeader(rate, size int) WAVHeader {
	return WAVHeader{Tag: 1, Channels: 1, Bits: 16, Rate: uint32(rate), Frame: 2, Size: uint32(size)}
}

func (h WAVHeader) File(data []byte) []byte {
	b := []byte("RIFF")
	u16 := func(v uint16) { b = binary.LittleEndian.AppendUint16(b, v) }
	u32 := func(v uint32) { b = binary.LittleEndian.AppendUint32(b, v) }
	u32(h.Size + 36)
	b = append(b, "WAVEfmt "...)
	u32(16)
	u16(h.Tag)
	u16(h.Channels)
	u32(h.Rate)
	u32(h.Rate * uint32(h.Frame))
	u16(h.Frame)
	u16(h.Bits)
	b = append(b, h.Before...)
	b = append(b, "data"...)
	u32(h.Size)
	return append(b, data...)
}

// WAVOf is an honest 16-bit mono file of samples.
func WAVOf(rate int, samples []float64) []byte {
	var b []byte
	for _, x := range samples {
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(math.Round(x*32767))))
	}
	return MonoHeader(rate, len(b)).File(b)
}

func Sine(n, rate int, hz, level float64) []float64 {
	list := make([]float64, n)
	for i := range list {
		list[i] = level * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))
	}
	return list
}

// WhiteNoise is white, the same every time.
func WhiteNoise(n int, level float64) []float64 {
	list, state := make([]float64, n), uint64(1)
	for i := range list {
		state = state*6364136223846793005 + 1442695040888963407
		list[i] = level * (float64(int32(state>>32)) / (1 << 31))
	}
	return list
}

// Vowel is 120 Hz speech without words, under an envelope.
func Vowel(n int, envelope func(second float64) float64) []float64 {
	list := make([]float64, n)
	for i := range list {
		for k := 1.0; k <= 25; k++ {
			list[i] += math.Sin(2*math.Pi*120*k*float64(i)/routines.Rate+k*k) / (1 + math.Abs(k-5)/3)
		}
		list[i] *= 0.04 * envelope(float64(i)/routines.Rate)
	}
	return list
}

// Rise goes from 0 at from to 1 at to, smoothly.
func Rise(x, from, to float64) float64 {
	x = max(0, min(1, (x-from)/(to-from)))
	return x * x * (3 - 2*x)
}

func Join(parts ...[]float64) []float64 {
	var list []float64
	for _, p := range parts {
		list = append(list, p...)
	}
	return list
}

func Gained(samples []float64, gain float64) []float64 {
	list := make([]float64, len(samples))
	for i, x := range samples {
		list[i] = x * gain
	}
	return list
}

func DB(x float64) float64 { return 20 * math.Log10(x) }

// Floats is PCM as it plays.
func Floats(pcm []int16) []float64 {
	list := make([]float64, len(pcm))
	for i, s := range pcm {
		list[i] = float64(s) / 32768
	}
	return list
}

// NeedProgram skips a test without a program, except where CI says that it belongs there.
func NeedProgram(t testing.TB, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%v; CI installs it", err)
		}
		t.Skip(err)
	}
}

// RunProgram runs a program over input.
func RunProgram(t testing.TB, input []byte, name string, args ...string) (stdout, stderr []byte) {
	t.Helper()
	cmd := exec.Command(name, args...)
	var out, complaint bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &out, &complaint
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, complaint.Bytes())
	}
	return out.Bytes(), complaint.Bytes()
}

func ReadFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Word is a soft consonant of 80 ms, as an f, some decibels below the vowel of 200 ms behind it, which fades for 100.
func Word(consonant float64) []float64 {
	soft := WhiteNoise(routines.Rate*80/1000, 0.3*math.Pow(10, consonant/20))
	for i := range soft {
		soft[i] *= Rise(float64(i)/routines.Rate, 0, 0.02)
	}
	return Join(soft, Vowel(routines.Rate*300/1000, func(x float64) float64 { return Rise(x, 0, 0.03) * (1 - Rise(x, 0.2, 0.3)) }))
}

// ResampleBack is samples at 44.1 kHz, the nearest of each.
func ResampleBack(samples []float64) []float64 {
	out := make([]float64, len(samples)*441/480)
	for i := range out {
		out[i] = samples[i*480/441]
	}
	return out
}
