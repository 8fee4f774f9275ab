package audio

import (
	"errors"
	"math"
	"math/bits"
)

// errSilence tells that a recording is silent from beginning to end.
var errSilence = errors.New("nothing was heard; is the sink muted, or its volume zero?")

// hop is the width of a point of an envelope: 10 ms.
const hop = Rate / 100

// align finds the frame of the recording at which the score begins, to within some 10 ms, from the loudness of both
// alone. A routine repeats itself, but its beginning and end do not.
func align(score *Renderer, recording *tape) (int, error) {
	want, got := make([]float64, score.Len()/hop+1), make([]float64, recording.frames/hop+1)
	stereo, mono := make([][2]float64, hop), make([]float64, hop)
	if err := score.Seek(0); err != nil {
		return 0, err
	}
	for i := range want {
		n, _ := score.Stream(stereo)
		for _, x := range stereo[:n] {
			want[i] += x[0] * x[0]
		}
	}
	loud := 0.0
	for i := range got {
		if err := recording.read(mono, i*hop); err != nil {
			return 0, err
		}
		for _, x := range mono {
			got[i] += x * x
		}
		loud = math.Max(loud, got[i]/hop)
	}
	if math.Sqrt(loud) < 3e-4 { // -70 dBFS
		return 0, errSilence
	}
	contour(want)
	contour(got)
	n := 1 << bits.Len(uint(len(want)+len(got)))
	z := make([]complex128, n)
	for i, x := range got {
		z[i] = complex(x, 0)
	}
	for i, x := range want {
		z[i] += complex(0, x)
	}
	newFourier(n).correlate(z)
	best := 0
	for k := range z {
		if real(z[k]) > real(z[best]) {
			best = k
		}
	}
	if best > len(got) {
		best -= n
	}
	return best * hop, nil
}

// contour makes an envelope of energies one of amplitudes about zero.
func contour(list []float64) {
	mean := 0.0
	for i, x := range list {
		list[i] = math.Sqrt(x)
		mean += list[i] / float64(len(list))
	}
	for i := range list {
		list[i] -= mean
	}
}
