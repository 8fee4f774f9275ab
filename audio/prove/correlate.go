package prove

import (
	"math"
	"math/bits"
	"math/cmplx"

	"github.com/gopxl/beep/v2"

	"guided/audio"
)

// correlator finds a piece of a score in a recording. Of both it holds one window in memory.
type correlator struct {
	rendered  beep.StreamSeeker
	recording *audio.WAVReader
	fft       *fft

	stereo [][2]float64
	want   []float64 // the score's window
	got    []float64 // the recording's window
	energy []float64 // the running sum of got's squares
	z      []complex128
}

// A narrow search looks for up to the first 283 ms of a cue, up to 200 ms to each side of where it should be: together
// they fill one transform.
const (
	narrowReach  = audio.Rate / 5
	narrowSpan   = 1 << 15
	narrowWindow = narrowSpan - 2*narrowReach
)

// newCorrelator returns one whose window and reach fill up to span samples, a power of two.
func newCorrelator(rendered beep.StreamSeeker, recording *audio.WAVReader, span int) *correlator {
	return &correlator{rendered: rendered, recording: recording, fft: newFFT(span),
		stereo: make([][2]float64, span), want: make([]float64, span), got: make([]float64, span),
		energy: make([]float64, span+1), z: make([]complex128, span)}
}

// match is where a piece of the score was found.
type match struct {
	lag         float64 // samples from where it was looked for
	correlation float64 // normalised; 1: the same sound, but for its level
	gain        float64 // of the recording
}

// readScore puts n samples of the score from a position into want and returns their energy.
func (c *correlator) readScore(at, n int) (float64, error) {
	if err := c.rendered.Seek(min(at, c.rendered.Len())); err != nil {
		return 0, err
	}
	n, _ = c.rendered.Stream(c.stereo[:n])
	clear(c.want)
	sum := 0.0
	for i, x := range c.stereo[:n] {
		c.want[i] = x[0]
		sum += x[0] * x[0]
	}
	return sum, nil
}

// find looks for n samples of the score from at on, up to reach samples to each side of a frame of the recording. It
// returns the peak of the normalised cross-correlation, interpolated by a parabola. n and twice reach together fit the
// span. A piece that is silent in the score or in the recording correlates with nothing.
func (c *correlator) find(at, n, frame, reach int) (match, error) {
	want, err := c.readScore(at, n)
	if err != nil {
		return match{}, err
	}
	if err := c.recording.ReadMono(c.got[:n+2*reach], frame-reach); err != nil {
		return match{}, err
	}
	clear(c.got[n+2*reach:])
	for i, x := range c.got {
		c.energy[i+1] = c.energy[i] + x*x
		c.z[i] = complex(x, c.want[i])
	}
	const silence = 1e-10 // a mean square far below the last bit of 16
	if want < silence*float64(n) || c.energy[len(c.got)] < silence*float64(n) {
		return match{}, nil
	}
	c.fft.correlate(c.z)
	floor := c.energy[len(c.got)] * 1e-6 // near silence correlates by chance
	normalized := func(k int) float64 {
		e := c.energy[k+n] - c.energy[k]
		return real(c.z[k]) / math.Sqrt(want*math.Max(e, floor))
	}
	best := 0
	peak := normalized(0)
	for k := range 2*reach + 1 {
		if x := normalized(k); x > peak {
			best, peak = k, x
		}
	}
	found := match{float64(best - reach), peak, real(c.z[best]) / want}
	if best > 0 && best < 2*reach {
		a, b := normalized(best-1), normalized(best+1)
		if curvature := a - 2*peak + b; curvature < 0 {
			found.lag += (a - b) / (2 * curvature)
		}
	}
	return found, nil
}

// fft is the discrete Fourier transform of one length, a power of two.
type fft struct {
	twiddles []complex128 // exp(-2πik/n), for k below n/2
}

func newFFT(n int) *fft {
	f := &fft{make([]complex128, n/2)}
	for k := range f.twiddles {
		f.twiddles[k] = cmplx.Rect(1, -2*math.Pi*float64(k)/float64(n))
	}
	return f
}

// transform works in place (Cooley and Tukey, radix 2, decimation in time).
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

// correlate replaces z, whose real parts are one signal x and whose imaginary parts another y, by their circular
// cross-correlation: the real part of z[k] is the sum of x[i+k]·y[i]. One transform serves both signals.
func (f *fft) correlate(z []complex128) {
	f.transform(z)
	n := len(z)
	for i := 0; i <= n/2; i++ {
		j := (n - i) % n
		a, b := z[i], cmplx.Conj(z[j])
		x, y := (a+b)/2, (a-b)/2i
		cross := x * cmplx.Conj(y) / complex(float64(n), 0)
		// The inverse transform is the transform of the conjugates, of which only the real part is used.
		z[i], z[j] = cmplx.Conj(cross), cross
	}
	f.transform(z)
}
