package mix

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"guided/audio"
	"guided/audio/audiotest"
	"guided/audio/voice"
	"guided/routines"
)

// bedScore returns a score of a bed without cues.
func bedScore(sound string, seconds int) *routines.Score {
	return &routines.Score{Len: seconds * audio.Rate, Bed: routines.Bed{Sound: sound}}
}

// excerpt is a streamer of a part of a score.
type excerpt struct {
	*Renderer
	left int
}

func excerptOf(t testing.TB, r *Renderer, from, seconds float64) *excerpt {
	t.Helper()
	if err := r.Seek(int(from * audio.Rate)); err != nil {
		t.Fatal(err)
	}
	return &excerpt{r, int(seconds * audio.Rate)}
}

func (p *excerpt) Stream(samples [][2]float64) (int, bool) {
	n, ok := p.Renderer.Stream(samples[:min(len(samples), p.left)])
	p.left -= n
	return n, ok && n > 0
}

// streamFrames returns the frames of a part of a score; from and seconds are in seconds.
func streamFrames(t testing.TB, r *Renderer, from, seconds float64) [][2]float64 {
	t.Helper()
	list := make([][2]float64, int(seconds*audio.Rate))
	if n, _ := audio.ReadFull(excerptOf(t, r, from, seconds), list); n != len(list) {
		t.Fatalf("%d samples from %.3f s on, want %d", n, from, len(list))
	}
	return list
}

func TestBedLoudnessIsConstant(t *testing.T) {
	for _, name := range routines.BedNames() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const first, last = 4, 154
			r := Render(bedScore(name, last+6), nil)
			quietest, loudest := math.Inf(1), math.Inf(-1)
			for at := first; at+30 <= last; at += 24 {
				loud := audio.MeasureLoudness(excerptOf(t, r, float64(at), 30)).Integrated
				quietest, loudest = min(quietest, loud), max(loudest, loud)
			}
			t.Logf("%.2f to %.2f LUFS", quietest, loudest)
			if quietest < bedLUFS-0.5 || loudest > bedLUFS+0.5 {
				t.Errorf("%.2f to %.2f LUFS, want %.0f ± 0.5", quietest, loudest, bedLUFS)
			}
		})
	}
}

// busyScore returns a score with everything that changes a bed's gain: words near each other and far apart, breaths, and
// quiet hours.
func busyScore(sound string) (*routines.Score, Clips) {
	s := bedScore(sound, 9)
	s.Bed.Swell, s.Quiet = true, true
	clips := Clips{speech("word"): {PCM: audio.QuantizeClip(audiotest.WhiteNoise(9_000, 0.5))}, bellClip(): {PCM: audio.QuantizeClip(audiotest.WhiteNoise(4_000, 0.5))}}
	for _, at := range []int{1_000, 60_000, 190_000, 300_001} {
		s.Cues = append(s.Cues, routines.Cue{At: at, Len: 9_000, Clip: speech("word")})
	}
	s.Cues = append(s.Cues, routines.Cue{At: 301_000, Len: 4_000, Clip: bellClip()})
	s.Marks = breathMarks(96_123, 2, map[string]int{"in": 48_000, "out": 60_000})
	if !slices.Contains(routines.BedNames(), sound) {
		clips[bedClipKey(sound)] = voice.Recording{PCM: audio.QuantizeClip(audiotest.WhiteNoise(50_021, 0.1))}
	}
	return s, clips
}

func bellClip() routines.Clip { return routines.Clip{Sound: "bell"} }

// breathMarks returns the phase marks of n breaths; phases gives the length of each phase in samples.
func breathMarks(at, n int, phases map[string]int) []routines.Mark {
	var marks []routines.Mark
	for range n {
		for _, name := range []string{"in", "again", "hold", "out", "wait"} {
			if length := phases[name]; length > 0 {
				marks = append(marks, routines.Mark{Kind: routines.PhaseMark, Name: name, At: at, From: at, Len: length})
				at += length
			}
		}
	}
	return marks
}

func TestBedIsIndependentOfBlockAndSeek(t *testing.T) {
	for _, name := range append(routines.BedNames(), "forest.flac") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			score, clips := busyScore(name)
			r := Render(score, clips)
			want := streamFrames(t, r, 0, 9)
			for _, block := range []int{1, 63, 480, 4096} {
				from, got := 250_000, make([][2]float64, 70_000)
				if err := r.Seek(from); err != nil {
					t.Fatal(err)
				}
				for i := 0; i < len(got); i += block {
					r.Stream(got[i:min(i+block, len(got))])
				}
				if !slices.Equal(got, want[from:from+len(got)]) {
					t.Errorf("blocks of %d give another sound", block)
				}
			}
			got := make([][2]float64, 1000)
			for _, at := range []int{resetInterval, resetInterval - 1, 0, score.Len - 1000, resetInterval + warmUp, 1, 262_143, 262_144, resetInterval} {
				if err := r.Seek(at); err != nil {
					t.Fatal(err)
				}
				if r.Stream(got); !slices.Equal(got, want[at:at+len(got)]) {
					t.Errorf("other samples after a seek to %d", at)
				}
			}
		})
	}
}

// A generator that is restarted after its warm-up continues like one that was never restarted, to within the last bit.
func TestBedGeneratorRestartIsSeamless(t *testing.T) {
	for name, fresh := range map[string]func() generator{
		"rain": func() generator { return newRain() }, "waves": func() generator { return newWaves() },
		"brown": func() generator { return newBrown() }, "drone": func() generator { return newDrone() },
	} {
		t.Run(name, func(t *testing.T) {
			through, anew := fresh(), &restarting{generator: fresh()}
			through.reset(-warmUp)
			var a, b [controlBlock][2]float64
			for at := -warmUp; at < 2*resetInterval; at += controlBlock {
				through.fill(a[:], at)
				if at < 0 {
					continue
				}
				anew.fill(b[:], at)
				for i := range a {
					for c := range a[i] {
						if math.Abs(a[i][c]-b[i][c]) > 1.0/(1<<17) {
							t.Fatalf("at %d: %v with a seam, %v without", at+i, b[i][c], a[i][c])
						}
					}
				}
			}
		})
	}
}

func TestBedDoesNotRepeat(t *testing.T) {
	for _, name := range []string{"rain", "waves", "brown"} {
		t.Run(name, func(t *testing.T) {
			x := streamFrames(t, Render(bedScore(name, 40), nil), 3, 30)
			for _, lag := range []int{resetInterval, 2 * resetInterval, 1 << 16, 1 << 17, 5 * audio.Rate, 10 * audio.Rate, 15 * audio.Rate / 2, 20 * audio.Rate} {
				var both, one, other float64
				for i := range 6 * audio.Rate {
					a, b := x[i][0], x[i+lag][0]
					both, one, other = both+a*b, one+a*a, other+b*b
				}
				if like := both / math.Sqrt(one*other); math.Abs(like) > 0.05 {
					t.Errorf("after %.2f s it is alike by %.3f", float64(lag)/audio.Rate, like)
				}
			}
		})
	}
}

func TestBedSuitsSmallSpeakers(t *testing.T) {
	for _, name := range routines.BedNames() {
		x := streamFrames(t, Render(bedScore(name, 20), nil), 4, 6)
		left := make([]float64, len(x))
		var sum, sides float64
		for i := range x {
			left[i] = x[i][0]
			sum += (x[i][0] + x[i][1]) * (x[i][0] + x[i][1]) / 2
			sides += x[i][0]*x[i][0] + x[i][1]*x[i][1]
		}
		rumble := slices.Clone(left)
		audio.LowPass(35).Filter(rumble)
		audio.LowPass(35).Filter(rumble)
		if below := 10 * math.Log10(audio.MeanSquare(rumble)/audio.MeanSquare(left)); below > -12 {
			t.Errorf("%s: what is below 35 Hz is only %.1f dB down", name, below)
		}
		if mono := 10 * math.Log10(sum/sides); mono < -3 || mono > -0.1 {
			t.Errorf("%s: one speaker loses %.1f dB of what two play, want 0.1 to 3", name, -mono)
		}
	}
}

// The golden file holds a few frames in steps of 16 bits; every machine gives them to within 4 steps.
func TestBedGolden(t *testing.T) {
	const file = "testdata/beds.txt"
	var b strings.Builder
	for _, name := range routines.BedNames() {
		r := Render(bedScore(name, 4000), nil)
		for _, at := range []int{100_000, resetInterval - 1, resetInterval, 1_000_003, 48_000_000, 150_000_007} {
			x := streamFrames(t, r, float64(at)/audio.Rate, 2.0/audio.Rate)
			fmt.Fprintf(&b, "%s %d %.0f %.0f\n", name, at, x[0][0]*32768, x[0][1]*32768)
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, want := strings.Fields(b.String()), strings.Fields(string(audiotest.ReadFile(t, file)))
	if len(got) != len(want) {
		t.Fatalf("%d values, want %d", len(got), len(want))
	}
	for i := range got {
		var x, y float64
		if got[i] == want[i] {
			continue
		}
		_, err := fmt.Sscan(got[i]+" "+want[i], &x, &y)
		if err != nil || math.Abs(x-y) > 4 {
			t.Errorf("%s, want %s (%s)", got[i], want[i], strings.Join(want[i/4*4:i/4*4+2], " at "))
		}
	}
}
