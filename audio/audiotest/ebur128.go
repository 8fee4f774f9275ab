package audiotest

import (
	"regexp"
	"strconv"
	"testing"
)

// EBUR128 is what ffmpeg measures of a WAV file.
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
