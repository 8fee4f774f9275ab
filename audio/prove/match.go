package prove

import (
	"guided/audio"
	"guided/audio/mix"
	"math"
)

// matcher finds a piece of a score in a recording. Of both it holds one window at a time.
type matcher struct {
	score     *mix.Renderer
	recording *tape
	fourier   *fourier

	stereo [][2]float64
	want   []float64
	got    []float64
	energy []float64 // of got, summed from its beginning
	z      []complex128
}

// What is looked for is the first 283 ms of a cue at most, 200 ms to each side of where it should be: together they
// fill one transform.
const (
	matchReach  = audio.Rate / 5
	matchSpan   = 1 << 15
	matchWindow = matchSpan - 2*matchReach
)

func newMatcher(score *mix.Renderer, recording *tape, span int) *matcher {
	return &matcher{score: score, recording: recording, fourier: newFourier(span),
		stereo: make([][2]float64, span), want: make([]float64, span), got: make([]float64, span),
		energy: make([]float64, span+1), z: make([]complex128, span)}
}

// match is where a piece of the score was found.
type match struct {
	at          float64 // samples from where it was looked for
	correlation float64 // 1: the same sound, but for its level
	gain        float64
}

// reference reads n samples of the score at a place, and tells their energy.
func (m *matcher) reference(at, n int) (float64, error) {
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
func (m *matcher) find(at, n, place, reach int) (match, error) {
	want, err := m.reference(at, n)
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
	m.fourier.correlate(m.z)
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
