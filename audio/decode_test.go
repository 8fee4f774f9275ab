package audio

import (
	"bytes"
	"encoding/binary"
	"math"
	"runtime"
	"strings"
	"testing"

	"guided/audio/audiotest"
)

func TestDecodeFLACIsLossless(t *testing.T) {
	for _, f := range fixtures[:3] {
		t.Run(f.file, func(t *testing.T) {
			for kind, data := range map[string][]byte{"flac": f.read(t), "wav": f.wav()} {
				got, rate, err := Decode(data)
				if err != nil || rate != f.rate || len(got) != f.n {
					t.Fatalf("%s: %d samples at %d (%v), want %d at %d", kind, len(got), rate, err, f.n, f.rate)
				}
				for i, want := range f.mono() {
					if math.Abs(got[i]-want) > 1e-12 {
						t.Fatalf("%s: sample %d is %v, want %v", kind, i, got[i], want)
					}
				}
			}
		})
	}
}

// The pre-skip is dropped and the end cut: a clip has the length of its source and is not shifted.
func TestDecodeOpusKeepsLengthAndAlignment(t *testing.T) {
	for _, f := range fixtures[3:6] {
		t.Run(f.file, func(t *testing.T) {
			got, rate, err := Decode(f.read(t))
			if err != nil || rate != opusRate {
				t.Fatalf("at %d: %v", rate, err)
			}
			step := f.rate / opusRate
			want := f.mono()
			if len(got) != f.n/step {
				t.Fatalf("%d samples, want %d", len(got), f.n/step)
			}
			best, lag := 0.0, 0
			for shift := -48; shift <= 48; shift++ {
				sum := 0.0
				for i := 48; i < len(got)-48; i++ {
					sum += got[i+shift] * want[i*step]
				}
				if sum > best {
					best, lag = sum, shift
				}
			}
			if lag < -1 || lag > 1 { // a lossy codec changes phases a little
				t.Errorf("is %d samples late", lag)
			}
			power := 0.0
			for i := range got {
				power += want[i*step] * want[i*step]
			}
			if best < 0.9*power {
				t.Errorf("correlates with its source by %.2f", best/power)
			}
		})
	}
}

// A whole file announces the samples that it has.
func TestDecoderFrames(t *testing.T) {
	for _, f := range fixtures[:6] {
		data := f.read(t)
		d, err := NewDecoder(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		n, err := d.Frames()
		if samples, _, _ := Decode(data); err != nil || n != len(samples) {
			t.Errorf("%s announces %d samples and has %d: %v", f.file, n, len(samples), err)
		}
	}
}

func TestDecodeWAVFormats(t *testing.T) {
	f32 := func(x float32) []byte { return binary.LittleEndian.AppendUint32(nil, math.Float32bits(x)) }
	f64 := func(x float64) []byte { return binary.LittleEndian.AppendUint64(nil, math.Float64bits(x)) }
	list := []byte("LIST\x05\x00\x00\x00INFO!\x00") // of an odd size, with its padding byte
	for name, c := range map[string]struct {
		header audiotest.WAVHeader
		data   []byte
		want   float64
	}{
		"8 bits":                {audiotest.NewWAVHeader(1, 1, 8, 8000, 1, 2, nil), []byte{192, 192}, 0.5},
		"24 bits":               {audiotest.NewWAVHeader(1, 1, 24, 8000, 3, 3, nil), []byte{0, 0, 0xC0}, -0.5},
		"32 bits":               {audiotest.NewWAVHeader(1, 1, 32, 8000, 4, 4, nil), []byte{0, 0, 0, 0x40}, 0.5},
		"float of 32":           {audiotest.NewWAVHeader(3, 1, 32, 8000, 4, 4, nil), f32(0.25), 0.25},
		"float of 64":           {audiotest.NewWAVHeader(3, 1, 64, 8000, 8, 8, nil), f64(-0.25), -0.25},
		"not a number":          {audiotest.NewWAVHeader(3, 1, 64, 8000, 8, 8, nil), f64(math.NaN()), 0},
		"infinite":              {audiotest.NewWAVHeader(3, 1, 32, 8000, 4, 4, nil), f32(float32(math.Inf(-1))), -1},
		"stereo":                {audiotest.NewWAVHeader(1, 2, 16, 8000, 4, 4, nil), []byte{0, 0x40, 0, 0}, 0.25},
		"chunk before the data": {audiotest.NewWAVHeader(1, 1, 16, 8000, 2, 2, list), []byte{0, 0x40}, 0.5},
		"chunk after the data":  {audiotest.NewWAVHeader(1, 1, 16, 8000, 2, 2, nil), []byte("\x00\x40LIST\x04\x00\x00\x00INFO"), 0.5},
		"size 0":                {audiotest.NewWAVHeader(1, 1, 16, 8000, 2, 0, nil), []byte{0, 0x40}, 0.5},
		"size 0xFFFFFFFF":       {audiotest.NewWAVHeader(1, 1, 16, 8000, 2, 0xFFFFFFFF, nil), []byte{0, 0x40}, 0.5},
		"size 0x7FFFF000":       {audiotest.NewWAVHeader(1, 1, 16, 8000, 2, 0x7FFFF000, nil), []byte{0, 0x40}, 0.5},
		"BytesPerFrame 0":       {audiotest.NewWAVHeader(1, 1, 16, 8000, 0, 2, nil), []byte{0, 0x40}, 0.5},
		"incomplete last frame": {audiotest.NewWAVHeader(1, 1, 16, 8000, 2, 3, nil), []byte{0, 0x40, 7}, 0.5},
	} {
		t.Run(name, func(t *testing.T) {
			got, rate, err := Decode(c.header.File(c.data))
			if err != nil || rate != 8000 || len(got) == 0 {
				t.Fatalf("%d samples at %d: %v", len(got), rate, err)
			}
			for _, x := range got {
				if x != c.want {
					t.Fatalf("got %v, want %v", got, c.want)
				}
			}
		})
	}
}

func TestDecodeRefusesHostileAndDamagedFiles(t *testing.T) {
	for name, c := range hostileFiles(t) {
		t.Run(name, func(t *testing.T) {
			samples, _, err := Decode(c.data)
			if err == nil || samples != nil {
				t.Fatalf("decoded %d samples: %v", len(samples), err)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("says %q, want %q", err, c.want)
			}
		})
	}
}

// A small file must not exhaust the memory of a Raspberry Pi.
func TestDecodeAllocationIsBounded(t *testing.T) {
	for name, c := range hostileFiles(t) {
		if strings.HasSuffix(name, "too long") || name == "FLAC longer than it says" {
			continue // these are decoded up to the limit
		}
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _, _ = Decode(c.data)
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
				t.Errorf("%d bytes took %d MB", len(c.data), used>>20)
			}
		})
	}
}

// A file that was cut anywhere gives an error or what is complete in it, never a panic, a hang or more sound than it had.
func TestDecodeTruncatedFiles(t *testing.T) {
	for _, f := range fixtures[:6] {
		data := f.read(t)
		whole, _, err := Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(data); n += 1 + len(data)/150 {
			if got, _, err := Decode(data[:n]); err == nil && len(got) >= len(whole) {
				t.Errorf("%s: %d of %d bytes give %d samples of %d", f.file, n, len(data), len(got), len(whole))
			}
		}
	}
}

// fuzzSamples is how many samples of a file FuzzDecode decodes: what fails, fails early, and a fuzzer lives from speed.
const fuzzSamples = 6000

func FuzzDecode(f *testing.F) {
	for _, x := range fixtures[:6] {
		f.Add(x.read(f))
	}
	for name, c := range hostileFiles(f) {
		if len(c.data) < 1<<14 && !strings.HasPrefix(name, "FLAC longer") {
			f.Add(c.data)
		}
	}
	f.Add(audiotest.WAVFile(16000, audiotest.Vowel(4000, func(float64) float64 { return 1 })))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 32<<10 {
			return
		}
		d, err := NewDecoder(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			if d != nil {
				t.Fatal("an error with a decoder")
			}
			return
		}
		if checkRate(d.Rate) != nil {
			t.Fatalf("a rate of %d", d.Rate)
		}
		for d.total < fuzzSamples {
			samples, err := d.Next()
			if err != nil {
				if samples != nil {
					t.Fatal("an error with samples")
				}
				return
			}
			if len(samples) == 0 {
				t.Fatal("neither samples nor an error")
			}
			for i, x := range samples {
				if !(x >= -1 && x <= 1) {
					t.Fatalf("sample %d is %v", i, x)
				}
			}
		}
	})
}

func BenchmarkDecodeOpus(b *testing.B) {
	data := fixtures[3].read(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Decode(data); err != nil {
			b.Fatal(err)
		}
	}
	audiotest.ReportRealTime(b, float64(fixtures[3].n)/opusRate)
}

// BenchmarkDecodeWAV makes a recording at Rate of ten seconds of speech at 24 kHz.
func BenchmarkDecodeWAV(b *testing.B) {
	var sound bytes.Buffer
	sound.Write(WAVFormat{Channels: 1, Rate: 24000, Bits: 16}.Header(240_000))
	for _, x := range audiotest.WhiteNoise(240_000, 0.3) {
		_ = binary.Write(&sound, binary.LittleEndian, int16(x*32767))
	}
	b.ReportAllocs()
	for b.Loop() {
		d, err := NewDecoder(bytes.NewReader(sound.Bytes()), int64(sound.Len()))
		if err != nil {
			b.Fatal(err)
		}
		q := NewClipQuantizer(10 * Rate)
		if err := d.Resampled(func(samples []float64) error { q.Add(samples); return nil }); err != nil {
			b.Fatal(err)
		}
		q.Clip()
	}
	audiotest.ReportRealTime(b, 10)
}
