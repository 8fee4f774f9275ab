package audio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"testing"

	"github.com/gopxl/beep/v2/generators"

	"guided/audio/audiotest"
)

func TestWriteWAV(t *testing.T) {
	for _, test := range []struct{ there, frames int }{{Rate * 5 / 2, Rate * 5 / 2}, {Rate, Rate + 100}, {Rate, 100}, {0, 10}, {10, 0}} {
		var out bytes.Buffer
		var reported []int
		if err := WriteWAV(&out, audiotest.NewNoise(test.there), test.frames, func(done int) { reported = append(reported, done) }); err != nil {
			t.Fatal(err)
		}
		if len(out.Bytes()) != WAVHeaderBytes+test.frames*FrameBytes {
			t.Fatalf("%+v: %d bytes", test, out.Len())
		}
		header, sound := out.Bytes()[:WAVHeaderBytes], out.Bytes()[WAVHeaderBytes:]
		if size := binary.LittleEndian.Uint32(header[40:]); int(size) != len(sound) || binary.LittleEndian.Uint32(header[4:]) != size+36 {
			t.Errorf("%+v: the header says %d bytes", test, size)
		}
		both := min(test.there, test.frames)
		if !bytes.Equal(sound[:both*FrameBytes], encoded(audiotest.NoiseAt, both)) {
			t.Errorf("%+v: other samples", test)
		}
		if first, _ := audiotest.LoudFrames(sound[both*FrameBytes:]); first >= 0 {
			t.Errorf("%+v: the rest is not silent", test)
		}
		if test.frames > 0 && reported[len(reported)-1] != test.frames {
			t.Errorf("%+v: progress is %v", test, reported)
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

// Encoders of different speeds make a file in order, one range each at a time.
func TestWriteWAVRanges(t *testing.T) {
	audiotest.NoLeaks(t)
	const frames = 9*RangeFrames + 5
	want := encoded(audiotest.NoiseAt, frames)
	encoder := func(copies int) RangeEncoder {
		return func(dst []byte, at int) error {
			for range copies {
				copy(dst, want[at*FrameBytes:])
			}
			return nil
		}
	}
	for _, encoders := range [][]RangeEncoder{{encoder(1)}, {encoder(1), encoder(100)}, {encoder(100), encoder(1), encoder(10)}} {
		var out bytes.Buffer
		var reported []int
		if err := WriteWAVRanges(&out, encoders, frames, func(done int) { reported = append(reported, done) }); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out.Bytes(), append(WAVHeader(frames), want...)) {
			t.Errorf("%d encoders: other bytes", len(encoders))
		}
		if len(reported) != 10 || reported[0] != RangeFrames || reported[9] != frames {
			t.Errorf("%d encoders: progress is %v", len(encoders), reported)
		}
	}
	broken := errors.New("the disk broke")
	for name, write := range map[string]func() error{
		"an encoder that fails": func() error {
			fails := func(_ []byte, at int) error {
				if at == 2*RangeFrames {
					return broken
				}
				return nil
			}
			return WriteWAVRanges(io.Discard, []RangeEncoder{fails, fails}, frames, nil)
		},
		"a writer that fails": func() error {
			return WriteWAVRanges(&fullWriter{room: 1 << 20, err: broken}, []RangeEncoder{encoder(1), encoder(1)}, frames, nil)
		},
	} {
		if err := write(); !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// fullWriter fails once it has taken so many bytes.
type fullWriter struct {
	room int
	err  error
}

func (w *fullWriter) Write(b []byte) (int, error) {
	if w.room -= len(b); w.room < 0 {
		return 0, w.err
	}
	return len(b), nil
}

func BenchmarkWriteWAV(b *testing.B) {
	const seconds = 60
	b.ReportAllocs()
	for b.Loop() {
		if err := WriteWAV(io.Discard, generators.Silence(-1), seconds*Rate, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(seconds*float64(b.N)/b.Elapsed().Seconds(), "x-realtime")
}

func TestWAVFormatHeader(t *testing.T) {
	for name, c := range map[string]struct {
		got  []byte
		want audiotest.WAVHeader
	}{
		"the program's own format":     {WAVHeader(1000), audiotest.NewWAVHeader(1, 2, 16, Rate, 4, 4000, nil)},
		"24-bit mono":                  {WAVFormat{Channels: 1, Rate: 22050, Bits: 24}.Header(5), audiotest.NewWAVHeader(1, 1, 24, 22050, 3, 15, nil)},
		"float":                        {WAVFormat{Channels: 2, Rate: 8000, Bits: 32, Float: true}.Header(5), audiotest.NewWAVHeader(3, 2, 32, 8000, 8, 40, nil)},
		"the largest file":             {WAVHeader(MaxWAVFrames), audiotest.NewWAVHeader(1, 2, 16, Rate, 4, MaxWAVFrames*4, nil)},
		"no frames":                    {WAVHeader(0), audiotest.NewWAVHeader(1, 2, 16, Rate, 4, 0, nil)},
		"a chunk of odd length padded": {WAVFormat{Channels: 1, Rate: Rate, Bits: 16}.Header(3, WAVChunk{"beat", []byte{1, 2, 3}}), audiotest.NewWAVHeader(1, 1, 16, Rate, 2, 6, []byte("beat\x03\x00\x00\x00\x01\x02\x03\x00"))},
	} {
		t.Run(name, func(t *testing.T) {
			want := c.want.File(nil)
			binary.LittleEndian.PutUint32(want[4:], uint32(len(want)-8)+c.want.Size)
			if !bytes.Equal(c.got, want) {
				t.Errorf("got %q, want %q", c.got, want)
			}
		})
	}
	t.Run("unknown length", func(t *testing.T) {
		b := WAVHeader(UnknownFrames)
		if len(b) != WAVHeaderBytes || binary.LittleEndian.Uint32(b[4:]) != math.MaxUint32 || binary.LittleEndian.Uint32(b[40:]) != math.MaxUint32 {
			t.Errorf("got %q", b)
		}
		if samples, _, err := Decode(append(b, 0, 0x40, 0, 0x40)); err != nil || len(samples) != 1 || samples[0] != 0.5 {
			t.Errorf("decoded %v: %v", samples, err)
		}
	})
}

func TestWAVReader(t *testing.T) {
	sound := []byte{0, 0x40, 0, 0, 0, 0x20, 0, 0x20, 7} // two frames of 16-bit stereo, and a part of one
	for name, header := range map[string]audiotest.WAVHeader{
		"size as it is":           audiotest.NewWAVHeader(1, 2, 16, 8000, 4, 9, nil),
		"size of a killed writer": audiotest.NewWAVHeader(1, 2, 16, 8000, 4, 4000, nil),
		"size 0":                  audiotest.NewWAVHeader(1, 2, 16, 8000, 4, 0, nil),
		"chunk before the data":   audiotest.NewWAVHeader(1, 2, 16, 8000, 4, 9, []byte("LIST\x05\x00\x00\x00INFO!\x00")),
	} {
		t.Run(name, func(t *testing.T) {
			file := header.File(sound)
			r, err := OpenWAV(bytes.NewReader(file), int64(len(file)))
			if err != nil {
				t.Fatal(err)
			}
			if r.Frames != 2 || r.Format != (WAVFormat{Channels: 2, Rate: 8000, Bits: 16}) {
				t.Errorf("%d frames of %+v", r.Frames, r.Format)
			}
			got := []float64{9, 9, 9, 9}
			if err := r.ReadMono(got, -1); err != nil || !slices.Equal(got, []float64{0, 0.25, 0.25, 0}) {
				t.Errorf("read %v: %v", got, err)
			}
		})
	}
}

// A sound that takes several reads, of frames that do not fill one evenly, is the same whichever way it is read.
func TestWAVIsTheSameInPieces(t *testing.T) {
	for name, format := range map[string]WAVFormat{
		"8 bits": {1, 8000, 8, false}, "16 bits": {1, 24_000, 16, false}, "stereo": {2, Rate, 16, false}, "stereo of 24 bits": {2, Rate, 24, false},
		"five channels": {5, Rate, 24, false}, "floats": {2, Rate, 32, true},
	} {
		t.Run(name, func(t *testing.T) {
			const frames = 100_003
			sound := make([]byte, frames*format.frameBytes()+format.frameBytes()-1) // and a part of a frame
			for i := range sound {
				sound[i] = byte(ditherNoise(uint32(i)) >> 3)
			}
			file := append(format.Header(frames), sound...)
			want := format.appendMono(nil, sound)
			if got, _, err := Decode(file); err != nil || !slices.Equal(got, want) {
				t.Errorf("decoded %d samples of %d, or others: %v", len(got), len(want), err)
			}
			r, err := OpenWAV(bytes.NewReader(file), int64(len(file)))
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range [][2]int{{0, frames}, {1, wavBlock + 2}, {frames - 5, frames}, {7, 7}} {
				got := make([]float64, part[1]-part[0])
				if err := r.ReadMono(got, part[0]); err != nil || !slices.Equal(got, want[part[0]:part[1]]) {
					t.Errorf("ReadMono of %v: other samples, %v", part, err)
				}
				got = got[:0]
				err := r.EachMono(part[0], part[1], func(samples []float64, at int) {
					if at != part[0]+len(got) {
						t.Errorf("EachMono of %v: a piece at %d, want %d", part, at, part[0]+len(got))
					}
					got = append(got, samples...)
				})
				if err != nil || !slices.Equal(got, want[part[0]:part[1]]) {
					t.Errorf("EachMono of %v: other samples, %v", part, err)
				}
			}
			if err := r.EachMono(frames-1, frames+1_000_000, func([]float64, int) {}); err == nil {
				t.Error("frames behind the end of the file were read")
			}
		})
	}
	t.Run("no sound", func(t *testing.T) {
		if samples, _, err := Decode(WAVFormat{1, 8000, 16, false}.Header(0)); err == nil || samples != nil {
			t.Errorf("%d samples, %v", len(samples), err)
		}
	})
}
