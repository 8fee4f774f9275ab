package audiotest

import (
	"encoding/binary"
	"math"
	"regexp"
	"strconv"
	"testing"

	"guided/routines"
)

// LevelAt returns the level in dB of one frequency in samples at routines.Rate, under a Blackman-Harris window: 90 dB down
// is what lies more than four bins away, which is 16 Hz in a quarter of a second.
func LevelAt(samples []float64, hz float64) float64 {
	n := len(samples)
	re, im, sum := 0.0, 0.0, 0.0
	for i, x := range samples {
		u := 2 * math.Pi * (float64(i) + 0.5) / float64(n)
		w := 0.35875 - 0.48829*math.Cos(u) + 0.14128*math.Cos(2*u) - 0.01168*math.Cos(3*u)
		s, c := math.Sincos(2 * math.Pi * hz * float64(i) / routines.Rate)
		re, im, sum = re+w*x*c, im+w*x*s, sum+w
	}
	return DB(2 * math.Hypot(re, im) / sum)
}

// LoudFrames returns the first and the last frame of 16-bit stereo that are louder than dither, -1 for none.
func LoudFrames(b []byte) (first, last int) {
	first, last = -1, -1
	for i := 0; i+4 <= len(b); i += 4 {
		l, r := int16(binary.LittleEndian.Uint16(b[i:])), int16(binary.LittleEndian.Uint16(b[i+2:]))
		if max(l, -l, r, -r) > 8 {
			if first < 0 {
				first = i / 4
			}
			last = i / 4
		}
	}
	return first, last
}

// EBUR128 returns what ffmpeg measures of a WAV file, in LUFS and dBTP. options are those of its ebur128 filter, each
// followed by a colon.
func EBUR128(t *testing.T, file []byte, options string) (integrated, truePeak float64) {
	t.Helper()
	_, report := RunProgram(t, file, "ffmpeg", "-hide_banner", "-nostats", "-i", "-",
		"-filter_complex", "ebur128="+options+"peak=true", "-f", "null", "-")
	find := func(pattern string) float64 {
		m := regexp.MustCompile(pattern).FindAllSubmatch(report, -1)
		if m == nil {
			t.Fatalf("no %s in\n%s", pattern, report)
		}
		v, err := strconv.ParseFloat(string(m[len(m)-1][1]), 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	return find(`I:\s+(-?[\d.]+) LUFS`), find(`Peak:\s+(-?[\d.]+) dBFS`)
}

// ReportRealTime reports how many times faster than real time a benchmark made so many seconds of sound.
func ReportRealTime(b *testing.B, seconds float64) {
	b.ReportMetric(seconds*float64(b.N)/b.Elapsed().Seconds(), "x-real-time")
}
