package prove

import (
	"errors"
	"math"
	"math/bits"
	"slices"

	"github.com/gopxl/beep/v2"

	"guided/audio"
	"guided/routines"
)

// errSilence is the error for a recording that is silent from beginning to end.
var errSilence = errors.New("nothing was heard; is the sink muted, or its volume zero?")

// envelopeHop is the samples of one point of an energy envelope: 10 ms.
const envelopeHop = audio.Rate / 100

// maxCandidates is how many offsets align tries. A routine repeats itself, and its envelope may fit at several.
const maxCandidates = 8

// align finds the frame of the recording at which the score begins, to within some 10 ms: of the candidates, the one
// where the first and the last cues correlate best.
func align(c *correlator, cues []routines.Cue) (int, error) {
	offsets, err := candidateOffsets(c.rendered, c.recording)
	if err != nil {
		return 0, err
	}
	const some = 4
	if len(cues) > 2*some {
		cues = slices.Concat(cues[:some], cues[len(cues)-some:])
	}
	best, highest := offsets[0], 0.0
	for _, offset := range offsets {
		sum := 0.0
		for _, cue := range cues {
			found, err := c.find(cue.At, min(cue.Len, narrowWindow), cue.At+offset, narrowReach)
			if err != nil {
				return 0, err
			}
			sum += found.correlation
		}
		if sum > highest {
			best, highest = offset, sum
		}
	}
	return best, nil
}

// candidateOffsets correlates the energy envelopes of score and recording and returns the offsets of the highest peaks,
// in frames, the highest first.
func candidateOffsets(rendered beep.StreamSeeker, recording *audio.WAVReader) ([]int, error) {
	want, err := scoreEnvelope(rendered)
	if err != nil {
		return nil, err
	}
	got, err := recordingEnvelope(recording)
	if err != nil {
		return nil, err
	}
	n := 1 << bits.Len(uint(len(want)+len(got)))
	z := make([]complex128, n)
	for i, x := range got {
		z[i] = complex(x, 0)
	}
	for i, x := range want {
		z[i] += complex(0, x)
	}
	newFFT(n).correlate(z)
	offsets := make([]int, 0, maxCandidates)
	for len(offsets) < maxCandidates {
		best := 0
		for k := range z {
			if real(z[k]) > real(z[best]) {
				best = k
			}
		}
		for k := best - 10; k <= best+10; k++ { // the flanks of this peak are no candidates
			z[(k+n)%n] = complex(math.Inf(-1), 0)
		}
		if best > len(got) { // the correlation is circular: a negative offset
			best -= n
		}
		offsets = append(offsets, best*envelopeHop)
	}
	return offsets, nil
}

func scoreEnvelope(rendered beep.StreamSeeker) ([]float64, error) {
	if err := rendered.Seek(0); err != nil {
		return nil, err
	}
	energies, frames := make([]float64, rendered.Len()/envelopeHop+1), make([][2]float64, envelopeHop)
	for i := range energies {
		n, _ := rendered.Stream(frames)
		for _, x := range frames[:n] {
			energies[i] += x[0] * x[0]
		}
	}
	centredAmplitude(energies)
	return energies, nil
}

func recordingEnvelope(recording *audio.WAVReader) ([]float64, error) {
	energies, samples := make([]float64, recording.Frames/envelopeHop+1), make([]float64, envelopeHop)
	loudest := 0.0
	for i := range energies {
		if err := recording.ReadMono(samples, i*envelopeHop); err != nil {
			return nil, err
		}
		for _, x := range samples {
			energies[i] += x * x
		}
		loudest = math.Max(loudest, energies[i]/envelopeHop)
	}
	if math.Sqrt(loudest) < 3e-4 { // -70 dBFS
		return nil, errSilence
	}
	centredAmplitude(energies)
	return energies, nil
}

// centredAmplitude turns energies into amplitudes with a mean of zero, in place.
func centredAmplitude(list []float64) {
	mean := 0.0
	for i, x := range list {
		list[i] = math.Sqrt(x)
		mean += list[i] / float64(len(list))
	}
	for i := range list {
		list[i] -= mean
	}
}
