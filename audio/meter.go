package audio

import (
	"math"

	"github.com/gopxl/beep/v2"
)

// Measurement is the loudness of a stereo programme (ITU-R BS.1770-5, EBU Tech 3341). All is −Inf for silence.
type Measurement struct {
	Integrated float64 // LUFS, with both gates
	Momentary  float64 // LUFS of the loudest 400 ms
	ShortTerm  float64 // LUFS of the loudest 3 s
	TruePeak   float64 // dBTP of the higher channel
}

const (
	meterHop      = Rate / 10 // samples from one block of 400 ms to the next
	hopsMomentary = 4         // in 400 ms
	hopsShortTerm = 30        // in 3 s
	binsPerLU     = 100       // of the histogram of blocks, so that memory does not grow with the programme
	maxLUFS       = 20        // the end of the histogram
	taps          = 2 * sincZeros
)

// meter measures a programme hop by hop.
type meter struct {
	shelf, highPass [2]monoFilter          // of both channels
	hops            [hopsShortTerm]float64 // mean squares of the latest ones, both channels together
	n               int                    // hops so far
	histogram       [(maxLUFS - AbsoluteGate) * binsPerLU]bin
	momentary       float64 // mean square of the loudest 400 ms
	shortTerm       float64 // and of the loudest 3 s
	peaks           truePeakMeter
}

// bin holds the blocks of 400 ms of one loudness.
type bin struct {
	power float64
	n     int
}

// MeasureLoudness measures src to its end. Its memory does not grow with the length.
func MeasureLoudness(src beep.Streamer) Measurement {
	shelf, highPass := kWeighting()
	m := &meter{
		shelf: [2]monoFilter{{Biquad: shelf}, {Biquad: shelf}}, highPass: [2]monoFilter{{Biquad: highPass}, {Biquad: highPass}},
		peaks: newTruePeakMeter(),
	}
	frames := make([][2]float64, meterHop)
	for drained := false; !drained; {
		var n int
		n, drained = ReadFull(src, frames)
		m.peaks.add(frames[:n])
		if n == meterHop {
			m.add(frames)
		}
	}
	m.peaks.add(make([][2]float64, sincZeros))
	return Measurement{m.integrated(), LUFS(m.momentary / 2), LUFS(m.shortTerm / 2), 20 * math.Log10(m.peaks.peak)}
}

// add measures one hop.
func (m *meter) add(frames [][2]float64) {
	var weighted [2][meterHop]float64
	for c := range weighted {
		shelf, highPass := &m.shelf[c], &m.highPass[c]
		s1, s2, h1, h2 := shelf.z1, shelf.z2, highPass.z1, highPass.z2
		for i := range frames {
			x := frames[i][c]
			x, s1, s2 = shelf.step(x, s1, s2)
			weighted[c][i], h1, h2 = highPass.step(x, h1, h2)
		}
		shelf.z1, shelf.z2, highPass.z1, highPass.z2 = s1, s2, h1, h2
	}
	sum := 0.0
	for i, left := range &weighted[0] {
		right := weighted[1][i]
		sum += float64(left*left) + float64(right*right)
	}
	m.hops[m.n%hopsShortTerm] = sum / meterHop
	m.n++
	if m.n >= hopsMomentary {
		m.addBlock(m.meanOfLast(hopsMomentary))
	}
	if m.n >= hopsShortTerm {
		m.shortTerm = max(m.shortTerm, m.meanOfLast(hopsShortTerm))
	}
}

// meanOfLast returns the mean square of the latest n hops.
func (m *meter) meanOfLast(n int) float64 {
	sum := 0.0
	for i := m.n - n; i < m.n; i++ {
		sum += m.hops[i%hopsShortTerm]
	}
	return sum / float64(n)
}

// addBlock counts a block of 400 ms by its mean square.
func (m *meter) addBlock(power float64) {
	m.momentary = max(m.momentary, power)
	if loudness := LUFS(power / 2); loudness > AbsoluteGate {
		b := &m.histogram[min(int((loudness-AbsoluteGate)*binsPerLU), len(m.histogram)-1)]
		b.power += power
		b.n++
	}
}

// integrated returns the gated loudness of all blocks so far.
func (m *meter) integrated() float64 {
	ungated := m.loudnessFrom(0) // but for the absolute gate
	if math.IsInf(ungated, -1) {
		return ungated
	}
	return m.loudnessFrom(max(0, int((ungated+relativeGate-AbsoluteGate)*binsPerLU)))
}

// loudnessFrom returns the loudness of the blocks in a bin and all above it.
func (m *meter) loudnessFrom(first int) float64 {
	sum, n := 0.0, 0
	for _, b := range m.histogram[first:] {
		sum += b.power
		n += b.n
	}
	if n == 0 {
		return math.Inf(-1)
	}
	return LUFS(sum / float64(n) / 2)
}

// truePeakMeter finds the true peak of both channels at four times the rate.
type truePeakMeter struct {
	filters *peakFilters
	past    [2][]float64 // the latest taps−1 samples of each channel
	peak    float64
}

func newTruePeakMeter() truePeakMeter {
	return truePeakMeter{filters: newPeakFilters(), past: [2][]float64{make([]float64, taps-1), make([]float64, taps-1)}}
}

// add measures frames. It does not interpolate where they are too low for a new peak between them.
func (p *truePeakMeter) add(frames [][2]float64) {
	for c := range p.past {
		samples := p.past[c]
		for _, x := range frames {
			samples = append(samples, x[c])
		}
		p.peak = max(p.peak, maxAbs(samples[taps-1:]))
		for at := 0; at+taps <= len(samples); at += taps {
			near := samples[at:min(at+2*taps-1, len(samples))]
			if p.filters.maxGain*maxAbs(near) <= p.peak {
				continue
			}
			for i := 0; i+taps <= len(near); i++ {
				p.peak = max(p.peak, p.filters.highest(near[i:i+taps]))
			}
		}
		p.past[c] = append(samples[:0], samples[len(samples)-taps+1:]...)
	}
}

// maxAbs returns the highest absolute value, 0 for none.
func maxAbs(samples []float64) float64 {
	most := 0.0
	for _, x := range samples {
		if level := math.Abs(x); level > most {
			most = level
		}
	}
	return most
}
