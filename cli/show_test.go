package cli

import "testing"

func TestBarsFillTheirPlace(t *testing.T) {
	for _, tt := range [][3]int{{0, 1, 1000}, {0, 1000, 1000}, {999, 1, 1000}, {500, 13, 1000}, {487, 513, 1000}} {
		if b := []rune(bar(tt[0], tt[1], tt[2])); len(b) != barWidth {
			t.Errorf("bar(%v) is %d columns wide: %s", tt, len(b), string(b))
		}
	}
}
