package audio

import "testing"

func TestVolumeGain(t *testing.T) {
	for volume, want := range map[int]float64{0: 0, 50: 0.125, 100: 1} {
		if got := VolumeGain(volume); got != want {
			t.Errorf("volume %d is a gain of %v, want %v", volume, got, want)
		}
	}
}
