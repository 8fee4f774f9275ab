package mix

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"
	"testing/fstest"

	"guided/audio"
	"guided/audio/audiotest"
	"guided/routines"
)

// fileScore returns a score of so many seconds with a bed, words, tones and overlapping sound files, and its bank.
func fileScore(t testing.TB, bed string, seconds int) (*routines.Score, *Bank) {
	bank := NewBank(nil, nil, audio.InFolders(fstest.MapFS{
		"gong.wav":   {Data: audiotest.WAVFile(audio.Rate, audiotest.Sine(5*audio.Rate/2, audio.Rate, 300, 0.5))},
		"forest.wav": {Data: audiotest.WAVFile(24000, audiotest.WhiteNoise(5*24000, 0.1))},
	}), audiotest.Logger(t))
	s := bedScore(bed, seconds)
	for at := 7; at < s.Len; at += 40_000 {
		s.Cues = append(s.Cues,
			routines.Cue{At: at, Len: 5 * audio.Rate / 2, Clip: sound("gong.wav")}, routines.Cue{At: at + 100, Len: 4 * audio.Rate, Clip: bellClip()},
			routines.Cue{At: at + 900, Len: 9_000, Clip: routines.Clip{Sound: "swell-in", Len: 9_000}})
	}
	return s, bank
}

func offline(t testing.TB, ctx context.Context, bed string, seconds int) *OfflineRenderer {
	t.Helper()
	score, bank := fileScore(t, bed, seconds)
	r, err := bank.RenderOffline(ctx, score)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func TestAFileIsTheSameOnAnyNumberOfProcessors(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, bed := range []string{"", "rain", "drone", "waves", "forest.wav"} {
		t.Run("bed "+bed, func(t *testing.T) {
			audiotest.NoLeaks(t)
			var want bytes.Buffer
			one := offline(t, t.Context(), bed, 6)
			if err := audio.WriteWAV(&want, one, one.Len(), nil); err != nil {
				t.Fatal(err)
			}
			for _, processors := range []int{1, 2, 3, 8} {
				runtime.GOMAXPROCS(processors)
				var got bytes.Buffer
				last := 0
				if err := offline(t, t.Context(), bed, 6).WriteWAV(&got, func(done int) { last = done }); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got.Bytes(), want.Bytes()) || last != one.Len() {
					t.Errorf("on %d processors: other bytes, or %d of %d samples told", processors, last, one.Len())
				}
			}
		})
	}
}

func TestAFileEndsWithItsContext(t *testing.T) {
	audiotest.NoLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := offline(t, ctx, "forest.wav", 60).WriteWAV(io.Discard, func(int) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("after the context had ended: %v", err)
	}
}

// BenchmarkWriteWAV renders a minute of sound files and tones with each kind of bed into a file.
func BenchmarkWriteWAV(b *testing.B) {
	for _, bed := range []string{"", "rain", "forest.wav"} {
		b.Run(fmt.Sprintf("bed %s", bed), func(b *testing.B) {
			r := offline(b, b.Context(), bed, 60)
			b.ReportAllocs()
			for b.Loop() {
				if err := r.WriteWAV(io.Discard, nil); err != nil {
					b.Fatal(err)
				}
			}
			audiotest.ReportRealTime(b, 60)
		})
	}
}
