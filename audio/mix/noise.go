package mix

// hash64 is a well-mixed number for a number: the finaliser of SplitMix64 (Steele, Lea and Flood, 2014). Noise that
// comes from an index this way is the same from wherever one begins.
func hash64(place uint64) uint64 {
	place *= 0x9e3779b97f4a7c15
	place = (place ^ place>>30) * 0xbf58476d1ce4e5b9
	place = (place ^ place>>27) * 0x94d049bb133111eb
	return place ^ place>>31
}

// Keys of noises that have nothing to do with each other.
const (
	seedHiss = (iota + 1) << 48
	seedDrops
	seedGusts
	seedWaves
	seedSwell
)

// hashUniform is a number from 0 to 1 for a place.
func hashUniform(place int, key uint64) float64 {
	return float64(hash64(uint64(place)+key)>>11) / (1 << 53)
}

// stereoWidth is how far the two channels of a noise differ: 0 is mono, 1 has nothing in common.
const stereoWidth = 0.6

// fillWhiteNoise fills frames with noise of ±1, wide but with its middle in the centre; at is the index of the first.
func fillWhiteNoise(frames [][2]float64, at int) {
	const side, mid = stereoWidth / (1 << 31), 0.8 / (1 << 31)
	for i := range frames {
		h := hash64(uint64(at+i) + seedHiss)
		m, s := float64(mid*float64(int32(h>>32))), float64(side*float64(int32(h)))
		frames[i] = [2]float64{m + s, m - s}
	}
}

// valueNoise is a curve from −1 to 1 without a pattern, smooth over a period in samples.
func valueNoise(at, period int, key uint64) float64 {
	cell := floorDiv(at, period)
	from, to := hashUniform(cell, key), hashUniform(cell+1, key)
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

// smoothStep eases from 0 to 1.
func smoothStep(x float64) float64 { return x * x * (3 - 2*x) }
