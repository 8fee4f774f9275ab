package audio

import (
	"math"
	"slices"
)

// The gates of integrated loudness (ITU-R BS.1770-5). What is below AbsoluteGate is silence.
const (
	AbsoluteGate = -70.0 // LUFS
	relativeGate = -10.0 // LU from the loudness of what passes the absolute gate
)

// kWeighting returns the two filters of BS.1770-5 at Rate: a high shelf for the head, and a high-pass at 38 Hz.
func kWeighting() (shelf, highPass Biquad) {
	return Biquad{1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585},
		Biquad{1, -2, 1, -1.99004745483398, 0.99007225036621}
}

// KWeight returns a K-weighted copy of samples.
func KWeight(samples []float64) []float64 {
	shelf, highPass := kWeighting()
	weighted := slices.Clone(samples)
	shelf.Filter(weighted)
	highPass.Filter(weighted)
	return weighted
}

// LUFS returns the loudness of the K-weighted mean square of one channel that is played on two.
func LUFS(meanSquare float64) float64 { return -0.691 + 10*math.Log10(2*meanSquare) }

// Loudness returns the loudness in LUFS of a mono recording played on both channels: integrated with both gates from one
// second on; below that, where gated blocks of 400 ms are too few, from the mean of all of it. It is −Inf for silence.
func Loudness(samples []float64) float64 {
	m := NewLoudnessMeter()
	m.Add(samples)
	return m.Loudness()
}

// The blocks of integrated loudness: 400 ms long, one every 100 ms.
const (
	LoudnessStep  = Rate / 10
	LoudnessBlock = openBlocks * LoudnessStep
	openBlocks    = 4 // blocks that overlap
)

// LoudnessMeter measures Loudness block by block. Its memory grows by 80 bytes for each second.
type LoudnessMeter struct {
	shelf, highPass monoFilter
	n               int                 // samples so far
	sum             float64             // of the squares of all
	open            [openBlocks]float64 // of the squares of the blocks that have not ended; the one that begins at step k is at k modulo openBlocks
	blocks          []float64           // mean squares of those that have
}

// NewLoudnessMeter returns a meter that has heard nothing.
func NewLoudnessMeter() *LoudnessMeter {
	shelf, highPass := kWeighting()
	return &LoudnessMeter{shelf: monoFilter{Biquad: shelf}, highPass: monoFilter{Biquad: highPass}}
}

// Add measures the next samples, and leaves them as they are.
func (m *LoudnessMeter) Add(samples []float64) {
	for len(samples) > 0 {
		if m.n%LoudnessStep == 0 {
			m.step()
		}
		n := min(len(samples), LoudnessStep-m.n%LoudnessStep)
		m.addToOpen(samples[:n])
		samples = samples[n:]
		m.n += n
	}
}

// addToOpen adds samples to the blocks that are open. Both filters are in one loop, where neither waits for the other.
func (m *LoudnessMeter) addToOpen(samples []float64) {
	s1, s2, h1, h2 := m.shelf.z1, m.shelf.z2, m.highPass.z1, m.highPass.z2
	sum, open0, open1, open2, open3 := m.sum, m.open[0], m.open[1], m.open[2], m.open[3]
	for _, x := range samples {
		x, s1, s2 = m.shelf.step(x, s1, s2)
		x, h1, h2 = m.highPass.step(x, h1, h2)
		square := float64(x * x)
		sum += square
		open0 += square
		open1 += square
		open2 += square
		open3 += square
	}
	m.shelf.z1, m.shelf.z2, m.highPass.z1, m.highPass.z2 = s1, s2, h1, h2
	m.sum, m.open = sum, [openBlocks]float64{open0, open1, open2, open3}
}

// step ends the block that is complete, and begins one.
func (m *LoudnessMeter) step() {
	i := m.n / LoudnessStep % openBlocks
	if m.n >= LoudnessBlock {
		m.blocks = append(m.blocks, m.open[i]/LoudnessBlock)
	}
	m.open[i] = 0
}

// Blocks returns the mean square of each whole block so far.
func (m *LoudnessMeter) Blocks() []float64 {
	if m.n >= LoudnessBlock && m.n%LoudnessStep == 0 { // the last one has just become complete
		return append(slices.Clip(m.blocks), m.open[m.n/LoudnessStep%openBlocks]/LoudnessBlock)
	}
	return m.blocks
}

// Loudness returns the loudness of all so far.
func (m *LoudnessMeter) Loudness() float64 {
	if m.n < Rate {
		return LUFS(m.sum / float64(max(1, m.n)))
	}
	return GatedLoudness(m.Blocks())
}

// GatedLoudness returns the loudness of the blocks, by their mean squares, that pass both gates.
func GatedLoudness(blocks []float64) float64 {
	gatedMean := func(threshold float64) float64 {
		sum, n := 0.0, 0
		for _, b := range blocks {
			if LUFS(b) > threshold {
				sum += b
				n++
			}
		}
		if n == 0 {
			return 0
		}
		return sum / float64(n)
	}
	return LUFS(gatedMean(LUFS(gatedMean(AbsoluteGate)) + relativeGate))
}

// MeanSquare returns the mean power of samples, 0 for none.
func MeanSquare(samples []float64) float64 {
	if len(samples) == 0 {
		return 0
	}
	sum := 0.0
	for _, x := range samples {
		sum += float64(x * x)
	}
	return sum / float64(len(samples))
}

// TruePeak returns the true peak of samples, as an amplitude: the highest level at four times the rate (BS.1770-5 annex 2).
func TruePeak(samples []float64) float64 {
	peak, filters := maxAbs(samples), newPeakFilters()
	for at := 0; at < len(samples); at += taps {
		if filters.bound(samples, at) <= peak {
			continue
		}
		for i := at; i < min(at+taps, len(samples)); i++ {
			peak = max(peak, filters.after(samples, i))
		}
	}
	return peak
}

// peakFilters find the true peak between two samples.
type peakFilters struct {
	quarters [3][]float64 // each interpolates a quarter of a sample after the one before
	maxGain  float64      // of any, on samples of ±1
}

func newPeakFilters() *peakFilters {
	p := &peakFilters{}
	for k := range p.quarters {
		p.quarters[k] = sincFilter(1, float64(k+1)/4)
		sum := 0.0
		for _, tap := range p.quarters[k] {
			sum += math.Abs(tap)
		}
		p.maxGain = max(p.maxGain, sum)
	}
	return p
}

// after returns the highest level between sample i and the next.
func (p *peakFilters) after(samples []float64, i int) float64 {
	if first := i - taps/2 + 1; first >= 0 && first+taps <= len(samples) {
		return p.highest(samples[first : first+taps])
	}
	peak := 0.0
	for _, filter := range p.quarters {
		peak = max(peak, math.Abs(ConvolveAt(samples, i, filter)))
	}
	return peak
}

// highest returns the highest level between the two samples in the middle of taps samples.
func (p *peakFilters) highest(near []float64) float64 {
	a, b, c := dotThree(near, p.quarters[0], p.quarters[1], p.quarters[2])
	return max(math.Abs(a), math.Abs(b), math.Abs(c))
}

// bound returns what after cannot exceed for the taps samples from one on.
func (p *peakFilters) bound(samples []float64, from int) float64 {
	return p.maxGain * maxAbs(samples[max(0, from-taps/2+1):min(len(samples), from+taps+taps/2)])
}
