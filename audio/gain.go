package audio

import "math"

// VolumeGain returns the factor of a volume from 0 to 100: (v/100)³. Loudness is felt as a power of the amplitude, and
// the cube spreads it about evenly over the scale: 50 is −18 dB, which sounds about a third as loud as 100.
func VolumeGain(volume int) float64 {
	v := float64(volume) / 100
	return v * v * v
}

// GainFromDB returns the factor on amplitudes of a gain in dB.
func GainFromDB(db float64) float64 { return math.Pow(10, db/20) }

// PowerFromDB returns the factor on powers, such as a mean square, of a gain in dB.
func PowerFromDB(db float64) float64 { return math.Pow(10, db/10) }
