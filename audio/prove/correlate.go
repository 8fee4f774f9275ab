package prove

import (
	"math"
	"math/bits"
	"math/cmplx"

	"guided/audio"
	"guided/audio/mix"
)

// correlator finds a piece of a score in a recording. Of both it holds one window at a time.
type correlator struct {
	score     *mix.Renderer
	recording *recording
	fft       *fft

	stereo [][2]float64
	want   []float64
	got    []float64
	energy []float64 // of got, summed from its beginning
	z      []complex128
}

// What is looked for is the first 283 ms of a cue at most, 200 ms to each side of where it should be: together they
// fill one transform.
const (
	narrowReach  = audio.Rate / 5
	narrowSpan   = 1 << 15
	narrowWindow = narrowSpan - 2*narrowReach
)

func newCorrelator(score *mix.Renderer, recording *recording, span int) *correlator {
	return &correlator{score: score, recording: recording, fft: newFFT(span),
		stereo: make([][2]float64, span), want: make([]float64, span), got: make([]float64, span),
		energy: make([]float64, span+1), z: make([]complex128, span)}
}

// match is where a piece of the score was found.
type match struct {
	at          float64 // samples from where it was looked for
	correlation float64 // 1: the same sound, but for its level
	gain        float64
}

// readScore reads n samples of the score at a place, and tells their energy.
func (m *correlator) readScore(at, n int) (float64, error) {
	if err := m.score.Seek(min(at, m.score.Len())); err != nil {
		return 0, err
	}
	n, _ = m.score.Stream(m.stereo[:n])
	clear(m.want)
	sum := 0.0
	for i, x := range m.stereo[:n] {
		m.want[i] = x[0]
		sum += x[0] * x[0]
	}
	return sum, nil
}

// find looks for n samples of the score, up to reach to each side of a place in the recording: the normalised
// cross-correlation, its peak between the samples by a parabola. n and twice reach together fit the span. A piece that
// is silent in the score or in the recording correlates with nothing.
func (m *correlator) find(at, n, place, reach int) (match, error) {
	want, err := m.readScore(at, n)
	if err != nil {
		return match{}, err
	}
	if err := m.recording.read(m.got[:n+2*reach], place-reach); err != nil {
		return match{}, err
	}
	clear(m.got[n+2*reach:])
	for i, x := range m.got {
		m.energy[i+1] = m.energy[i] + x*x
		m.z[i] = complex(x, m.want[i])
	}
	const quiet = 1e-10 // a mean square far under the last bit of 16
	if want < quiet*float64(n) || m.energy[len(m.got)] < quiet*float64(n) {
		return match{}, nil
	}
	m.fft.correlate(m.z)
	floor := m.energy[len(m.got)] * 1e-6 // what is all but silence correlates by chance
	near := func(k int) float64 {
		e := m.energy[k+n] - m.energy[k]
		return real(m.z[k]) / math.Sqrt(want*math.Max(e, floor))
	}
	best := 0
	top := near(0)
	for k := range 2*reach + 1 {
		if c := near(k); c > top {
			best, top = k, c
		}
	}
	found := match{float64(best - reach), top, real(m.z[best]) / want}
	if best > 0 && best < 2*reach {
		a, b := near(best-1), near(best+1)
		if bend := a - 2*top + b; bend < 0 {
			found.at += (a - b) / (2 * bend)
		}
	}
	return found, nil
}

// fft is the discrete Fourier transform of one length, a power of two.
type fft struct {
	twiddles []complex128 // exp(-2πik/n), for half a turn
}

func newFFT(n int) *fft {
	f := &fft{make([]complex128, n/2)}
	for k := range f.twiddles {
		f.twiddles[k] = cmplx.Rect(1, -2*math.Pi*float64(k)/float64(n))
	}
	return f
}

// transform is in place (Cooley and Tukey, radix 2).
func (f *fft) transform(z []complex128) {
	n := 2 * len(f.twiddles)
	shift := bits.UintSize - bits.Len(uint(n-1))
	for i := range z {
		if j := int(bits.Reverse(uint(i)) >> shift); i < j {
			z[i], z[j] = z[j], z[i]
		}
	}
	for half := 1; half < n; half *= 2 {
		step := n / (2 * half)
		for from := 0; from < n; from += 2 * half {
			a, b := z[from:from+half], z[from+half:from+2*half]
			for k := range a {
				t := b[k] * f.twiddles[k*step]
				a[k], b[k] = a[k]+t, a[k]-t
			}
		}
	}
}

// correlate replaces z, whose real parts are one signal and whose imaginary parts another, by their circular
// correlation: the real part of z[k] is the sum of real[i+k]·imaginary[i]. One transform serves both signals.
func (f *fft) correlate(z []complex128) {
	f.transform(z)
	n := len(z)
	for i := 0; i <= n/2; i++ {
		j := (n - i) % n
		a, b := z[i], cmplx.Conj(z[j])
		x, y := (a+b)/2, (a-b)/2i
		cross := x * cmplx.Conj(y) / complex(float64(n), 0)
		// The inverse transform is the transform of the conjugates, and of the result only the real part is wanted.
		z[i], z[j] = cmplx.Conj(cross), cross
	}
	f.transform(z)
}
