package prove

import (
	"math"
	"math/bits"
	"math/cmplx"
)

// fourier is the discrete Fourier transform of one length, a power of two.
type fourier struct {
	roots []complex128 // exp(-2πik/n), for half a turn
}

func newFourier(n int) *fourier {
	f := &fourier{make([]complex128, n/2)}
	for k := range f.roots {
		f.roots[k] = cmplx.Rect(1, -2*math.Pi*float64(k)/float64(n))
	}
	return f
}

// transform is in place (Cooley and Tukey, radix 2).
func (f *fourier) transform(z []complex128) {
	n := 2 * len(f.roots)
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
				t := b[k] * f.roots[k*step]
				a[k], b[k] = a[k]+t, a[k]-t
			}
		}
	}
}

// correlate replaces z, whose real parts are one signal and whose imaginary parts another, by their circular
// correlation: the real part of z[k] is the sum of real[i+k]·imaginary[i]. One transform serves both signals.
func (f *fourier) correlate(z []complex128) {
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
