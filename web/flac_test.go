package web

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"guided/audio"

	"github.com/mewkiz/flac"
)

func TestFLACWriterIsLossless(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for name, next := range map[string]func(i int) int{
		"silence":              func(int) int { return 0 },
		"dither":               func(int) int { return r.IntN(3) - 1 },
		"noise at full scale":  func(int) int { return r.IntN(1<<16) - 1<<15 },
		"alternating extremes": func(i int) int { return 1<<15*(i%2*2-1) - i%2 },
		"a ramp":               func(i int) int { return i % 30000 },
		"a click in silence":   func(i int) int { return i % 5000 / 4999 * 32767 },
		"one channel silent":   func(i int) int { return i % 2 * (r.IntN(1000) - 500) },
	} {
		for _, frames := range []int{1, 4, 5, 255, 256, 1000, flacBlock, 2*flacBlock + 17} {
			sound := make([]byte, audio.FrameBytes*frames)
			for i := range 2 * frames {
				binary.LittleEndian.PutUint16(sound[2*i:], uint16(next(i)))
			}
			if got, sum := flacRoundTrip(t, sound); !bytes.Equal(got, sound) || sum != md5.Sum(sound) {
				t.Errorf("%s, %d frames: the decoded samples differ", name, frames)
			}
		}
	}
}

// flacRoundTrip encodes 16-bit stereo and decodes it with another library; it also returns the MD5 sum in the file.
func flacRoundTrip(t *testing.T, sound []byte) ([]byte, [md5.Size]byte) {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "x.flac"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	f, err := newFLACWriter(file, "A title", len(sound)/audio.FrameBytes)
	if err != nil {
		t.Fatal(err)
	}
	for rest := sound; len(rest) > 0; {
		n := min(len(rest), audio.FrameBytes*flacBlock)
		if err := f.write(f.encode(rest[:n])); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	if err := f.finish(); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	stream, err := flac.New(file)
	if err != nil {
		t.Fatal(err)
	}
	var got []byte
	for {
		frame, err := stream.ParseNext() // verifies the checksums
		if err == io.EOF {
			return got, stream.Info.MD5sum
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range frame.Subframes[0].Samples {
			for _, channel := range frame.Subframes {
				got = binary.LittleEndian.AppendUint16(got, uint16(channel.Samples[i]))
			}
		}
	}
}

// The numbers include the surrogates, which UTF-8 leaves out. A file of four hours has 168,750 frames.
func TestFLACFrameNumbers(t *testing.T) {
	for n, want := range map[int][]byte{
		0: {0}, 127: {0x7F}, 128: {0xC2, 0x80}, 0xD7FF: {0xED, 0x9F, 0xBF}, 0xD800: {0xED, 0xA0, 0x80}, 0xDFFF: {0xED, 0xBF, 0xBF}, 168_750: {0xF0, 0xA9, 0x8C, 0xAE},
	} {
		var b bitWriter
		if b.writeFrameNumber(n); !bytes.Equal(b.bytes, want) {
			t.Errorf("%d: % x, want % x", n, b.bytes, want)
		}
	}
}

// BenchmarkEncodeFLAC encodes one block of stereo noise with a tone in it, as loud as speech.
func BenchmarkEncodeFLAC(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	sound := make([]byte, audio.FrameBytes*flacBlock)
	for i := range flacBlock {
		v := uint16(int16(4000*math.Sin(float64(i)/30)) + int16(r.IntN(64)))
		binary.LittleEndian.PutUint16(sound[4*i:], v)
		binary.LittleEndian.PutUint16(sound[4*i+2:], v)
	}
	var c flacEncoder
	n := 0
	b.SetBytes(int64(len(sound)))
	b.ReportAllocs()
	for b.Loop() {
		c.encodeFrame(sound, n)
		n++
	}
	b.ReportMetric(float64(n)*flacBlock/audio.Rate/b.Elapsed().Seconds(), "×realtime")
}
