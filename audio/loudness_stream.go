package audio

import (
	"math"

	"github.com/gopxl/beep/v2"
)

// Measurement is what a stereo sound measures (ITU-R BS.1770-5); all is −Inf for silence.
type Measurement struct {
	Integrated float64 // LUFS, with both gates
	Momentary  float64 // LUFS of the loudest 400 ms
	ShortTerm  float64 // LUFS of the loudest 3 s
	TruePeak   float64 // dBTP of the higher channel
}

const (
	meterHop  = Rate / 10 // samples from one block of 400 ms to the next
	hopsShort = 30        // in 3 s
	binsInLU  = 100       // of the blocks' loudness, so that memory does not grow with the sound
	mostLU    = 20        // above full scale
	taps      = 2 * sincZeros
)

// meter measures a sound hop by hop.
type meter struct {
	filters [2]StereoFilter
	hops    [hopsShort]float64 // mean squares of the last, both channels together
	n       int                // hops
	blocks  [(mostLU - AbsoluteGate) * binsInLU]bin
	loudest [2]float64 // mean square of the loudest block and of the loudest 3 s
	peaks   truePeakMeter
}

// bin is the blocks of one loudness.
type bin struct {
	power float64
	n     int
}

// MeasureLoudness hears src out. It needs little memory, however long that is.
func MeasureLoudness(src beep.Streamer) Measurement {
	shelf, high := kWeighting()
	m := &meter{filters: [2]StereoFilter{{Biquad: shelf}, {Biquad: high}}, peaks: newTruePeakMeter()}
	frames := make([][2]float64, meterHop)
	for drained := false; !drained; {
		var n int
		n, drained = Fill(src, frames)
		m.peaks.add(frames[:n])
		if n == meterHop {
			m.add(frames)
		}
	}
	m.peaks.add(make([][2]float64, sincZeros))
	return Measurement{m.integrated(), LUFS(m.loudest[0] / 2), LUFS(m.loudest[1] / 2), 20 * math.Log10(m.peaks.peak)}
}

// add takes one hop, and leaves frames weighted.
func (m *meter) add(frames [][2]float64) {
	m.filters[0].Filter(frames)
	m.filters[1].Filter(frames)
	sum := 0.0
	for _, x := range frames {
		sum += float64(x[0]*x[0]) + float64(x[1]*x[1])
	}
	m.hops[m.n%hopsShort] = sum / meterHop
	m.n++
	if m.n >= 4 {
		m.addBlock(m.meanOfLast(4))
	}
	if m.n >= hopsShort {
		m.loudest[1] = max(m.loudest[1], m.meanOfLast(hopsShort))
	}
}

// meanOfLast is the mean of the last hops.
func (m *meter) meanOfLast(n int) float64 {
	sum := 0.0
	for i := m.n - n; i < m.n; i++ {
		sum += m.hops[i%hopsShort]
	}
	return sum / float64(n)
}

func (m *meter) addBlock(power float64) {
	m.loudest[0] = max(m.loudest[0], power)
	if loud := LUFS(power / 2); loud > AbsoluteGate {
		b := &m.blocks[min(int((loud-AbsoluteGate)*binsInLU), len(m.blocks)-1)]
		b.power += power
		b.n++
	}
}

func (m *meter) integrated() float64 {
	first := m.loudnessFrom(0)
	gate := max(0, int((first+relativeGate-AbsoluteGate)*binsInLU))
	if math.IsInf(first, -1) {
		return first
	}
	return m.loudnessFrom(gate)
}

// loudnessFrom is the loudness of the blocks of a bin and all above it.
func (m *meter) loudnessFrom(first int) float64 {
	sum, n := 0.0, 0
	for _, b := range m.blocks[first:] {
		sum += b.power
		n += b.n
	}
	if n == 0 {
		return math.Inf(-1)
	}
	return LUFS(sum / float64(n) / 2)
}

// truePeakMeter looks between the samples of both channels, four times as finely.
type truePeakMeter struct {
	filters [3][]float64
	maxGain float64 // what a filter makes of samples of 1
	past    [2][]float64
	peak    float64
}

func newTruePeakMeter() truePeakMeter {
	p := truePeakMeter{past: [2][]float64{make([]float64, taps-1), make([]float64, taps-1)}}
	for k := range p.filters {
		p.filters[k] = sincFilter(1, float64(k+1)/4)
		sum := 0.0
		for _, tap := range p.filters[k] {
			sum += math.Abs(tap)
		}
		p.maxGain = max(p.maxGain, sum)
	}
	return p
}

// add takes frames. Where they are so low that nothing between them can be a peak it does not look.
func (p *truePeakMeter) add(frames [][2]float64) {
	for c := range p.past {
		samples := p.past[c]
		for _, x := range frames {
			samples = append(samples, x[c])
			p.peak = max(p.peak, math.Abs(x[c]))
		}
		for at := 0; at+taps <= len(samples); at += taps {
			near := samples[at:min(at+2*taps-1, len(samples))]
			if p.maxGain*maxAbs(near) <= p.peak {
				continue
			}
			for i := 0; i+taps <= len(near); i++ {
				for _, filter := range p.filters {
					p.peak = max(p.peak, math.Abs(dot(filter, near[i:i+taps])))
				}
			}
		}
		p.past[c] = append(samples[:0], samples[len(samples)-taps+1:]...)
	}
}

func maxAbs(samples []float64) float64 {
	most := 0.0
	for _, x := range samples {
		most = max(most, math.Abs(x))
	}
	return most
}
