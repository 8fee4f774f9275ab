package audio

import "math"

// The low-pass of the resampler: a sinc under a Kaiser window. It is flat up to 0.82 of the lower Nyquist frequency and
// below −80 dB from 1.0 on.
const (
	sincZeros  = 32   // zero crossings on each side
	kaiserBeta = 8.6  // of the window
	sincEdge   = 0.91 // cutoff, of the lower Nyquist frequency
)

// Resample converts samples from a rate to Rate by a polyphase filter, a windowed sinc for each phase of the two rates'
// ratio. It is meant for the import of a sound: nothing resamples while it plays.
func Resample(in []float64, rate int) []float64 {
	if rate == Rate {
		return in
	}
	g := gcd(rate, Rate)
	up, down := Rate/g, rate/g
	cutoff := sincEdge * math.Min(1, float64(Rate)/float64(rate)) // of the input's Nyquist frequency
	filters := make([][]float64, up)
	out := make([]float64, (int64(len(in))*int64(up)+int64(down)-1)/int64(down))
	center, phase := 0, 0
	for i := range out {
		if filters[phase] == nil {
			filters[phase] = sincFilter(cutoff, float64(phase)/float64(up))
		}
		out[i] = ConvolveAt(in, center, filters[phase])
		phase += down
		center += phase / up
		phase %= up
	}
	return out
}

// ConvolveAt returns the convolution of in, silent outside, with the taps of a filter whose centre lies between samples i
// and i+1.
func ConvolveAt(in []float64, i int, filter []float64) float64 {
	first := i - len(filter)/2 + 1
	from, to := max(0, -first), min(len(filter), len(in)-first)
	return dot(filter[from:to], in[first+from:first+to])
}

// dot returns the dot product, in four lanes so that no addition waits for the one before it. The conversions forbid
// fused multiply-adds: every machine gives the same sound.
func dot(a, b []float64) float64 {
	var s0, s1, s2, s3 float64
	for len(a) >= 4 && len(b) >= 4 {
		s0 += float64(a[0] * b[0])
		s1 += float64(a[1] * b[1])
		s2 += float64(a[2] * b[2])
		s3 += float64(a[3] * b[3])
		a, b = a[4:], b[4:]
	}
	for i := range a {
		s0 += float64(a[i] * b[i])
	}
	return s0 + s1 + s2 + s3
}

// sincFilter returns the taps that interpolate at a fraction of a sample after the centre, with unit gain at 0 Hz. The
// cutoff is relative to the Nyquist frequency.
func sincFilter(cutoff, frac float64) []float64 {
	half := int(math.Ceil(sincZeros / cutoff))
	taps := make([]float64, 2*half)
	sum := 0.0
	for k := range taps {
		x := float64(k-half+1) - frac
		taps[k] = sinc(cutoff*x) * kaiser(x/float64(half))
		sum += taps[k]
	}
	for k := range taps {
		taps[k] /= sum
	}
	return taps
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// kaiser returns the Kaiser window at x from −1 to 1, not normalised.
func kaiser(x float64) float64 {
	if x <= -1 || x >= 1 {
		return 0
	}
	return besselI0(kaiserBeta * math.Sqrt(1-x*x))
}

// besselI0 returns the modified Bessel function of the first kind and order zero, by its series.
func besselI0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > sum*1e-12; k++ {
		term *= (x / (2 * k)) * (x / (2 * k))
		sum += term
	}
	return sum
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
