package mix

import (
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guided/audio"
	"guided/audio/audiotest"
	"guided/routines"
)

// goldenRoutines use tones alone, so that they need no voice.
var goldenRoutines = map[string]string{
	"breaths": `
		title = "Breaths"
		count = "tones"
		[[step]]
		breathe = "1+0.5-0.5-1.5-0.5"
		for = "2 breaths"`,
	"bells": `
		title = "Bells"
		[[step]]
		sound = "bell"
		for = "2s"
		cues = [
			{ at = "300ms", sound = "chime" }, { at = "310ms", sound = "ping" },
			{ at = "1s", sound = "tick" }, { at = "1.5s", sound = "chime" },
		]
		[[step]]
		say = "Nobody can say this."
		[[step]]
		rest = "3s"
		countdown = 2`,
}

// The golden files are FLAC, to be small; -update writes them.
func TestRenderGolden(t *testing.T) {
	for name, text := range goldenRoutines {
		t.Run(name, func(t *testing.T) {
			routine, err := routines.Parse(name+".toml", []byte(strings.ReplaceAll(text, "\t", "")))
			if err != nil {
				t.Fatal(err)
			}
			bank := newTestBank(t, audiotest.Logger(t))
			score, err := routines.Compile(t.Context(), routine, bank.Measure, routines.Options{})
			if err != nil {
				t.Fatal(err)
			}
			clips, err := bank.Load(context.Background(), score)
			if err != nil {
				t.Fatal(err)
			}
			got := streamAll(Render(score, clips), 480)
			golden := "testdata/" + name + ".flac"
			if *update {
				data, _ := audiotest.RunProgram(t, monoWAV(got), "flac", "--silent", "--best", "--no-padding", "--stdout", "-")
				if err := os.WriteFile(golden, data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, rate, err := audio.Decode(audiotest.ReadFile(t, golden))
			if err != nil || rate != audio.Rate {
				t.Fatalf("%s at %d: %v", golden, rate, err)
			}
			if at, wrong := firstDifference(got, want); wrong {
				file := filepath.Join(t.ArtifactDir(), name+".wav")
				if err := os.WriteFile(file, monoWAV(got), 0o644); err != nil {
					t.Error(err)
				}
				t.Errorf("%s\n(go test -artifacts keeps what was got as %s; -update takes it as right)", describeDifference(score, got, want, at), file)
			}
		})
	}
}

// monoWAV returns samples as a file of 16-bit mono without dither.
func monoWAV(samples []float64) []byte {
	var data []byte
	for _, x := range samples {
		data = binary.LittleEndian.AppendUint16(data, uint16(int16(math.Round(x*32768))))
	}
	return audiotest.MonoHeader(audio.Rate, len(data)).File(data)
}

// firstDifference returns the first sample that differs by more than one step of 16 bits or is only in one of them.
func firstDifference(got, want []float64) (int, bool) {
	for i := range min(len(got), len(want)) {
		if math.Abs(math.Round(got[i]*32768)-math.Round(want[i]*32768)) > 1 {
			return i, true
		}
	}
	return min(len(got), len(want)), len(got) != len(want)
}

// describeDifference names a wrong sample by its time and the cues that sound there.
func describeDifference(score *routines.Score, got, want []float64, at int) string {
	var b bytes.Buffer
	if at == len(got) || at == len(want) {
		fmt.Fprintf(&b, "%d samples, want %d", len(got), len(want))
	} else {
		fmt.Fprintf(&b, "at %s (sample %d): %.0f, want %.0f", routines.Timecode(at), at, got[at]*32768, want[at]*32768)
	}
	sounding := 0
	for _, c := range score.Cues {
		if c.At <= at && at < c.At+c.Len {
			sounding++
			fmt.Fprintf(&b, "; sample %d of %q", at-c.At, c.Clip.Say+c.Clip.Sound)
		}
	}
	if sounding == 0 {
		b.WriteString("; no cue sounds there")
	}
	return b.String()
}

func TestDescribeDifferenceNamesTimeAndCue(t *testing.T) {
	score := scoreOf(routines.Cue{At: 4800, Len: 4800, Clip: sound("bell")}, routines.Cue{At: 7200, Len: 48, Clip: speech("in")})
	want := make([]float64, score.Len)
	got := audiotest.Scaled(want, 1)
	got[7201], got[7203] = 1.0/32768, 3.0/32768
	at, wrong := firstDifference(got, want)
	if text := describeDifference(score, got, want, at); !wrong || text != `at 0:00.150 (sample 7203): 3, want 0; sample 2403 of "bell"; sample 3 of "in"` {
		t.Error(text)
	}
	at, wrong = firstDifference(want[:100], want)
	if text := describeDifference(score, want[:100], want, at); !wrong || text != "100 samples, want 9600; no cue sounds there" {
		t.Error(text)
	}
}

var update = flag.Bool("update", false, "write the golden files anew")
