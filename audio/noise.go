package audio

import "math"

// scramble is a well-mixed number for a number: the finaliser of SplitMix64 (Steele, Lea and Flood, 2014). Noise that
// comes from an index this way is the same from wherever one begins.
func scramble(place uint64) uint64 {
	place *= 0x9e3779b97f4a7c15
	place = (place ^ place>>30) * 0xbf58476d1ce4e5b9
	place = (place ^ place>>27) * 0x94d049bb133111eb
	return place ^ place>>31
}

// Keys of noises that have nothing to do with each other.
const (
	keyHiss = (iota + 1) << 48
	keyDrops
	keyGusts
	keySurges
	keyBreath
)

// chance is a number from 0 to 1 for a place.
func chance(place int, key uint64) float64 {
	return float64(scramble(uint64(place)+key)>>11) / (1 << 53)
}

// width is how far the two channels of a noise differ: 0 is mono, 1 has nothing in common.
const width = 0.6

// white fills frames with noise of ±1, wide but with its middle in the centre; at is the index of the first.
func white(frames [][2]float64, at int) {
	const side, mid = width / (1 << 31), 0.8 / (1 << 31)
	for i := range frames {
		h := scramble(uint64(at+i) + keyHiss)
		m, s := float64(mid*float64(int32(h>>32))), float64(side*float64(int32(h)))
		frames[i] = [2]float64{m + s, m - s}
	}
}

// wander is a curve from −1 to 1 without a pattern, smooth over a period in samples.
func wander(at, period int, key uint64) float64 {
	cell := floorDiv(at, period)
	from, to := chance(cell, key), chance(cell+1, key)
	x := smoothStep(float64(at-cell*period) / float64(period))
	return 2*(from+float64((to-from)*x)) - 1
}

func floorDiv(a, b int) int {
	q := a / b
	if a < q*b {
		q--
	}
	return q
}

// stereo is a filter of both channels, with its state.
type stereo struct {
	biquad
	left, right [2]float64
}

func (f *stereo) reset() { f.left, f.right = [2]float64{}, [2]float64{} }

// run filters frames in place.
func (f *stereo) run(frames [][2]float64) {
	l1, l2, r1, r2 := f.left[0], f.left[1], f.right[0], f.right[1]
	for i, x := range frames {
		l := float64(f.b0*x[0]) + l1
		r := float64(f.b0*x[1]) + r1
		l1 = float64(f.b1*x[0]) - float64(f.a1*l) + l2
		r1 = float64(f.b1*x[1]) - float64(f.a1*r) + r2
		l2 = float64(f.b2*x[0]) - float64(f.a2*l)
		r2 = float64(f.b2*x[1]) - float64(f.a2*r)
		frames[i] = [2]float64{l, r}
	}
	f.left, f.right = [2]float64{l1, l2}, [2]float64{r1, r2}
}

// slope falls by 6 dB an octave from a frequency on.
func slope(hz float64) biquad {
	fall := math.Exp(-2 * math.Pi * hz / Rate)
	return biquad{b0: 1 - fall, a1: -fall}
}

// bandPass lets a band around a frequency through, of unit gain in its middle (the cookbook of Bristow-Johnson).
func bandPass(hz, q float64) biquad {
	w := 2 * math.Pi * hz / Rate
	alpha := math.Sin(w) / (2 * q)
	n := 1 / (1 + alpha)
	return biquad{b0: alpha * n, b2: -alpha * n, a1: -2 * math.Cos(w) * n, a2: (1 - alpha) * n}
}
