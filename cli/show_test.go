package cli

import (
	"strings"
	"testing"

	"guided/routines"
)

func TestBarIsAsWideAsItsColumn(t *testing.T) {
	for _, tt := range [][3]int{{0, 1, 1000}, {0, 1000, 1000}, {999, 1, 1000}, {500, 13, 1000}, {487, 513, 1000}} {
		if b := []rune(bar(tt[0], tt[1], tt[2])); len(b) != barWidth {
			t.Errorf("bar(%v) is %d columns wide: %s", tt, len(b), string(b))
		}
	}
}

// The product of samples and columns does not fit into 32 bits: run with GOARCH=386.
func TestBarOfAnHour(t *testing.T) {
	const minute = 60 * routines.Rate
	want := strings.Repeat("·", 20) + strings.Repeat("█", 10) + strings.Repeat("·", 10)
	if got := bar(30*minute, 15*minute, 60*minute); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
