package audio

import (
	"math"
	"slices"
)

// The low-pass of the resampler: a sinc under a Kaiser window. It is flat up to 0.82 of the lower Nyquist frequency and
// below −80 dB from 1.0 on.
const (
	sincZeros  = 32   // zero crossings on each side
	kaiserBeta = 8.6  // of the window
	sincEdge   = 0.91 // cutoff, of the lower Nyquist frequency
)

// Resampler converts a sound from a rate to Rate block by block, by a polyphase filter: a windowed sinc for each phase of
// the two rates' ratio. Any division into blocks gives the same samples. It is meant for the import of a sound: nothing
// resamples while it plays.
type Resampler struct {
	up, down int         // Rate and the rate, without their common divisor
	cutoff   float64     // of the input's Nyquist frequency
	half     int         // taps of a filter on each side
	filters  [][]float64 // by phase; made when they are needed

	in     []float64 // the latest input
	center int       // index in it of the input sample before the next output
	phase  int       // of the next output, in 1/up of an input sample after center
	read   int64     // all input
	made   int64     // all output
	out    []float64
}

// NewResampler returns a resampler from a rate that checkRate allows.
func NewResampler(rate int) *Resampler {
	g := gcd(rate, Rate)
	r := &Resampler{up: Rate / g, down: rate / g, cutoff: sincEdge * math.Min(1, float64(Rate)/float64(rate))}
	r.filters = make([][]float64, r.up)
	r.half = sincReach(r.cutoff)
	return r
}

// Add takes the next samples and hands emit those that they complete, valid during the call.
func (r *Resampler) Add(in []float64, emit func([]float64) error) error {
	if r.up == r.down {
		return emit(in)
	}
	for part := range slices.Chunk(in, resampleBlock) {
		r.read += int64(len(part))
		r.in = append(r.in, part...)
		r.convolve(len(r.in) - r.half)
		if done := min(r.center-r.half+1, len(r.in)); done > len(r.in)/2 {
			r.in = r.in[:copy(r.in, r.in[done:])]
			r.center -= done
		}
		if err := r.emit(emit); err != nil {
			return err
		}
	}
	return nil
}

// resampleBlock is how many samples are taken at a time: what is in work stays in the processor's cache.
const resampleBlock = 4096

// Finish hands emit the rest, as if silence followed.
func (r *Resampler) Finish(emit func([]float64) error) error {
	if r.up == r.down {
		return nil
	}
	r.convolve(len(r.in))
	return r.emit(emit)
}

// convolve makes the output whose center lies before an index of the input, up to the length of all that was read.
func (r *Resampler) convolve(before int) {
	length := (r.read*int64(r.up) + int64(r.down) - 1) / int64(r.down)
	n := length - r.made
	if r.center >= before {
		return
	}
	if ahead := (int64(before-r.center)*int64(r.up) - int64(r.phase) + int64(r.down) - 1) / int64(r.down); ahead < n {
		n = ahead
	}
	r.out = slices.Grow(r.out[:0], int(n))[:n]
	// The outputs of a phase share its filter, and come by threes.
	for first := range min(r.up, len(r.out)) {
		phase := r.phase + first*r.down
		center := r.center + phase/r.up
		filter := r.filter(phase % r.up)
		k := first
		for ; k < len(r.out) && center-r.half+1 < 0; k += r.up {
			r.out[k] = ConvolveAt(r.in, center, filter)
			center += r.down
		}
		for ; k+2*r.up < len(r.out) && center+2*r.down+r.half < len(r.in); k += 3 * r.up {
			x := r.in[center-r.half+1:]
			r.out[k], r.out[k+r.up], r.out[k+2*r.up] = dotThree(filter, x, x[r.down:], x[2*r.down:])
			center += 3 * r.down
		}
		for ; k < len(r.out); k += r.up {
			r.out[k] = ConvolveAt(r.in, center, filter)
			center += r.down
		}
	}
	r.made += n
	next := int64(r.phase) + n*int64(r.down)
	r.center += int(next / int64(r.up))
	r.phase = int(next % int64(r.up))
}

// filter returns the filter of a phase. Those beyond the middle mirror the others.
func (r *Resampler) filter(phase int) []float64 {
	switch mirrored := r.up - phase; {
	case r.filters[phase] != nil:
	case phase > mirrored:
		r.filters[phase] = slices.Clone(r.filter(mirrored))
		slices.Reverse(r.filters[phase])
	default:
		r.filters[phase] = sincFilter(r.cutoff, float64(phase)/float64(r.up))
	}
	return r.filters[phase]
}

func (r *Resampler) emit(emit func([]float64) error) error {
	out := r.out
	r.out = r.out[:0]
	if len(out) == 0 {
		return nil
	}
	return emit(out)
}

// Resample converts samples from a rate to Rate, all at once.
func Resample(in []float64, rate int) []float64 {
	if rate == Rate {
		return in
	}
	r := NewResampler(rate)
	out := make([]float64, 0, (int64(len(in))*int64(r.up)+int64(r.down)-1)/int64(r.down))
	keep := func(samples []float64) error {
		out = append(out, samples...)
		return nil
	}
	_ = r.Add(in, keep) // keep does not fail
	_ = r.Finish(keep)
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

// dotThree returns the dot products of a filter with three excerpts of its length, each as dot does: a tap that is loaded
// serves all. It goes over the lanes two by two, which is as many as a processor has registers for.
func dotThree(filter, x, y, z []float64) (a, b, c float64) {
	x, y, z = x[:len(filter)], y[:len(filter)], z[:len(filter)]
	var a0, a1, b0, b1, c0, c1 float64
	i := 0
	for ; i < len(filter)-3; i += 4 {
		f0, f1 := filter[i], filter[i+1]
		a0 += float64(f0 * x[i])
		a1 += float64(f1 * x[i+1])
		b0 += float64(f0 * y[i])
		b1 += float64(f1 * y[i+1])
		c0 += float64(f0 * z[i])
		c1 += float64(f1 * z[i+1])
	}
	for ; i < len(filter); i++ {
		a0 += float64(filter[i] * x[i])
		b0 += float64(filter[i] * y[i])
		c0 += float64(filter[i] * z[i])
	}
	a, b, c = a0+a1, b0+b1, c0+c1
	a0, a1, b0, b1, c0, c1 = 0, 0, 0, 0, 0, 0
	for i := 3; i < len(filter); i += 4 {
		f0, f1 := filter[i-1], filter[i]
		a0 += float64(f0 * x[i-1])
		a1 += float64(f1 * x[i])
		b0 += float64(f0 * y[i-1])
		b1 += float64(f1 * y[i])
		c0 += float64(f0 * z[i-1])
		c1 += float64(f1 * z[i])
	}
	return a + a0 + a1, b + b0 + b1, c + c0 + c1
}

// sincFilter returns the taps that interpolate at a fraction of a sample after the centre, with unit gain at 0 Hz. The
// cutoff is relative to the Nyquist frequency.
func sincFilter(cutoff, frac float64) []float64 {
	half := sincReach(cutoff)
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

// sincReach returns how many taps sincFilter has on each side.
func sincReach(cutoff float64) int { return int(math.Ceil(sincZeros / cutoff)) }

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
	square := x * x / 4
	for k := 1.0; term > sum*1e-12; k++ {
		term *= square / (k * k)
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
