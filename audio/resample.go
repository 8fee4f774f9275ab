package audio

import "math"

// Shape of the low-pass: a sinc of 24 zero crossings a side under a Kaiser window of beta 9 (stop band below −90 dB),
// its edge at 0.94 of the lower Nyquist frequency.
const (
	sincZeros  = 24
	kaiserBeta = 9.0
	sincEdge   = 0.94
)

// resample converts samples from one rate to Rate through a windowed sinc, one filter for each phase of the two rates'
// ratio. It is done once, when a sound is imported: nothing resamples while it plays.
func resample(in []float64, rate int) []float64 {
	if rate == Rate {
		return in
	}
	g := gcd(rate, Rate)
	up, down := Rate/g, rate/g
	cut := sincEdge * math.Min(1, float64(Rate)/float64(rate)) // of the input's Nyquist frequency
	half := int(math.Ceil(sincZeros / cut))
	filters := make([][]float64, up)
	out := make([]float64, (len(in)*up+down-1)/down)
	for i := range out {
		at := i * down
		center, phase := at/up, at%up
		if filters[phase] == nil {
			filters[phase] = sincFilter(half, cut, float64(phase)/float64(up))
		}
		sum := 0.0
		first := center - half + 1
		for k, c := range filters[phase] {
			if j := first + k; j >= 0 && j < len(in) {
				sum += float64(c * in[j])
			}
		}
		out[i] = sum
	}
	return out
}

// sincFilter is the taps for a sample that lies frac of a sample after the centre, of unit gain at 0 Hz.
func sincFilter(half int, cut, frac float64) []float64 {
	taps := make([]float64, 2*half)
	sum := 0.0
	for k := range taps {
		x := float64(k-half+1) - frac
		window := kaiser(x / float64(half))
		taps[k] = sinc(cut*x) * window
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

// kaiser is the window at x from −1 to 1.
func kaiser(x float64) float64 {
	if x <= -1 || x >= 1 {
		return 0
	}
	return bessel(kaiserBeta*math.Sqrt(1-x*x)) / bessel(kaiserBeta)
}

// bessel is the modified Bessel function of the first kind and order zero, by its series.
func bessel(x float64) float64 {
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
