package audio

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"os/exec"
	"testing"

	"guided/routines"
)

// riffHeader is what a WAV file says of itself, true or not.
type riffHeader struct {
	tag, channels, bits uint16
	rate                uint32
	frame               uint16 // BytesPerFrame
	size                uint32 // of the data chunk
	before              []byte // chunks between format and data
}

// wav is the header of honest 16-bit mono for so many bytes.
func wav(rate, size int) riffHeader {
	return riffHeader{tag: 1, channels: 1, bits: 16, rate: uint32(rate), frame: 2, size: uint32(size)}
}

func (h riffHeader) with(data []byte) []byte {
	b := []byte("RIFF")
	u16 := func(v uint16) { b = binary.LittleEndian.AppendUint16(b, v) }
	u32 := func(v uint32) { b = binary.LittleEndian.AppendUint32(b, v) }
	u32(h.size + 36)
	b = append(b, "WAVEfmt "...)
	u32(16)
	u16(h.tag)
	u16(h.channels)
	u32(h.rate)
	u32(h.rate * uint32(h.frame))
	u16(h.frame)
	u16(h.bits)
	b = append(b, h.before...)
	b = append(b, "data"...)
	u32(h.size)
	return append(b, data...)
}

// wavOf is an honest 16-bit mono file of samples.
func wavOf(rate int, samples []float64) []byte {
	var b []byte
	for _, x := range samples {
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(math.Round(x*32767))))
	}
	return wav(rate, len(b)).with(b)
}

func sine(n, rate int, hz, level float64) []float64 {
	list := make([]float64, n)
	for i := range list {
		list[i] = level * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))
	}
	return list
}

// hiss is white, the same every time.
func hiss(n int, level float64) []float64 {
	list, state := make([]float64, n), uint64(1)
	for i := range list {
		state = state*6364136223846793005 + 1442695040888963407
		list[i] = level * (float64(int32(state>>32)) / (1 << 31))
	}
	return list
}

// vowel is 120 Hz speech without words, under an envelope.
func vowel(n int, envelope func(second float64) float64) []float64 {
	list := make([]float64, n)
	for i := range list {
		for k := 1.0; k <= 25; k++ {
			list[i] += math.Sin(2*math.Pi*120*k*float64(i)/routines.Rate+k*k) / (1 + math.Abs(k-5)/3)
		}
		list[i] *= 0.04 * envelope(float64(i)/routines.Rate)
	}
	return list
}

// rise goes from 0 at from to 1 at to, smoothly.
func rise(x, from, to float64) float64 {
	x = max(0, min(1, (x-from)/(to-from)))
	return x * x * (3 - 2*x)
}

func join(parts ...[]float64) []float64 {
	var list []float64
	for _, p := range parts {
		list = append(list, p...)
	}
	return list
}

func gained(samples []float64, gain float64) []float64 {
	list := make([]float64, len(samples))
	for i, x := range samples {
		list[i] = x * gain
	}
	return list
}

func inDB(x float64) float64 { return 20 * math.Log10(x) }

// floats is PCM as it plays.
func floats(pcm []int16) []float64 {
	list := make([]float64, len(pcm))
	for i, s := range pcm {
		list[i] = float64(s) / 32768
	}
	return list
}

// tool skips a test without a program, except where CI says that it belongs there.
func tool(t testing.TB, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%v; CI installs it", err)
		}
		t.Skip(err)
	}
}

// output runs a program over input.
func output(t testing.TB, input []byte, name string, args ...string) (stdout, stderr []byte) {
	t.Helper()
	cmd := exec.Command(name, args...)
	var out, complaint bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &out, &complaint
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, complaint.Bytes())
	}
	return out.Bytes(), complaint.Bytes()
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
