package mix

// hash64 is the finaliser of SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators",
// 2014). Noise that is a hash of its index is the same from wherever one begins.
func hash64(x uint64) uint64 {
	x *= 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Seeds of independent noises.
const (
	seedHiss = (iota + 1) << 48
	seedDrops
	seedGusts
	seedWaves
	seedSwell
)

// hashUniform returns a number from 0 to 1, uniformly distributed over indices.
func hashUniform(index int, seed uint64) float64 {
	return float64(hash64(uint64(index)+seed)>>11) / (1 << 53)
}

// stereoWidth is the level of the side signal of white noise, of full scale.
const stereoWidth = 0.6

// whiteNoise returns a frame of white noise, of a mid and an independent side signal.
func whiteNoise(at int) (left, right float64) {
	const side, mid = stereoWidth / (1 << 31), 0.8 / (1 << 31)
	h := hash64(uint64(at) + seedHiss)
	m, s := float64(mid*float64(int32(h>>32))), float64(side*float64(int32(h)))
	return m + s, m - s
}

// valueNoise is a smooth random curve from −1 to 1: a random value at each multiple of period samples, eased between.
func valueNoise(at, period int, seed uint64) float64 {
	k := floorDiv(at, period)
	from, to := hashUniform(k, seed), hashUniform(k+1, seed)
	x := smoothStep(float64(at-k*period) / float64(period))
	return 2*(from+float64((to-from)*x)) - 1
}

// floorDiv is a/b rounded down; b is positive.
func floorDiv(a, b int) int {
	q := a / b
	if a < q*b {
		q--
	}
	return q
}
