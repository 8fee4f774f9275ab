package routines

import (
	"testing"
	"time"
)

// What is read as a length, a moment or a pattern lies within the limits of a routine; what is not has an error.
func FuzzLength(f *testing.F) {
	for _, text := range []string{"45s", "3m", "1m30s", "5 breaths", "1 breath", "0s", "-1s", "5", "4h1s", "1e3s", "halfway", "25%", "NaN%", "10s before end", "4-4-6", "2+1-0-6", "Inf-Inf", "½m", "9223372036854775807ns"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if l, err := ParseLength(text); err == nil && (l.Samples < 0 || l.Samples > maxLength || l.Breaths < 0 || l.Breaths > maxBreaths || (l.Samples == 0) == (l.Breaths == 0)) {
			if d, err := time.ParseDuration(text); err != nil || Samples(d) > 0 { // less than a sample is nothing
				t.Errorf("%q is %+v", text, l)
			}
		}
		if o, err := parseOffset(text); err == nil && !(o.Fraction >= 0 && o.Fraction < 1) {
			t.Errorf("%q is %+v", text, o)
		}
		if p, err := parsePattern(text); err == nil && (p.Len() <= 0 || p.Len() > maxLength) {
			t.Errorf("%q is %+v", text, p)
		}
	})
}
