package prove

import (
	"errors"
	"math"
	"math/bits"
	"slices"

	"guided/audio"
	"guided/audio/mix"
	"guided/routines"
)

// errSilence tells that a recording is silent from beginning to end.
var errSilence = errors.New("nothing was heard; is the sink muted, or its volume zero?")

// envelopeHop is the width of a point of an envelope: 10 ms.
const envelopeHop = audio.Rate / 100

// maxCandidates is how many places are tried. A routine repeats itself, and may look the same from several.
const maxCandidates = 8

// align finds the frame of the recording at which the score begins, to within some 10 ms: the one of the candidates
// where the first and the last cues sound best.
func align(m *correlator, cues []routines.Cue) (int, error) {
	places, err := candidateOffsets(m.score, m.recording)
	if err != nil {
		return 0, err
	}
	const some = 4
	if len(cues) > 2*some {
		cues = slices.Concat(cues[:some], cues[len(cues)-some:])
	}
	begins, most := places[0], 0.0
	for _, place := range places {
		sum := 0.0
		for _, c := range cues {
			found, err := m.find(c.At, min(c.Len, narrowWindow), c.At+place, narrowReach)
			if err != nil {
				return 0, err
			}
			sum += found.correlation
		}
		if sum > most {
			begins, most = place, sum
		}
	}
	return begins, nil
}

// candidateOffsets finds the candidates by the loudness of both alone, the likeliest first.
func candidateOffsets(score *mix.Renderer, recording *recording) ([]int, error) {
	want, got := make([]float64, score.Len()/envelopeHop+1), make([]float64, recording.frames/envelopeHop+1)
	stereo, mono := make([][2]float64, envelopeHop), make([]float64, envelopeHop)
	if err := score.Seek(0); err != nil {
		return nil, err
	}
	for i := range want {
		n, _ := score.Stream(stereo)
		for _, x := range stereo[:n] {
			want[i] += x[0] * x[0]
		}
	}
	loud := 0.0
	for i := range got {
		if err := recording.read(mono, i*envelopeHop); err != nil {
			return nil, err
		}
		for _, x := range mono {
			got[i] += x * x
		}
		loud = math.Max(loud, got[i]/envelopeHop)
	}
	if math.Sqrt(loud) < 3e-4 { // -70 dBFS
		return nil, errSilence
	}
	centredAmplitude(want)
	centredAmplitude(got)
	n := 1 << bits.Len(uint(len(want)+len(got)))
	z := make([]complex128, n)
	for i, x := range got {
		z[i] = complex(x, 0)
	}
	for i, x := range want {
		z[i] += complex(0, x)
	}
	newFFT(n).correlate(z)
	places := make([]int, 0, maxCandidates)
	for len(places) < maxCandidates {
		best := 0
		for k := range z {
			if real(z[k]) > real(z[best]) {
				best = k
			}
		}
		for k := best - 10; k <= best+10; k++ { // the next one is another place, and not the same peak
			z[(k+n)%n] = complex(math.Inf(-1), 0)
		}
		if best > len(got) {
			best -= n
		}
		places = append(places, best*envelopeHop)
	}
	return places, nil
}

// centredAmplitude makes an envelope of energies one of amplitudes about zero.
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
