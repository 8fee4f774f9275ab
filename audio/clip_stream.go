package audio

import "slices"

// ClipStream makes the recording of QuantizeClip block by block, for who never has it in memory as a whole.
type ClipStream struct {
	emit    func([]int16) error
	pending []float64 // what may still belong to a fade: at first up to 2*RampLen, and then the last RampLen
	begun   bool      // the fade at the beginning is done
	pcm     []int16
}

// NewClipStream returns a stream that hands emit the samples that are complete, which are valid during the call.
func NewClipStream(emit func([]int16) error) *ClipStream { return &ClipStream{emit: emit} }

// Add takes the next samples, and leaves them as they are.
func (s *ClipStream) Add(samples []float64) error {
	s.pending = append(s.pending, samples...)
	if !s.begun {
		if len(s.pending) < 2*RampLen {
			return nil
		}
		s.begun = true
		for i := range RampLen {
			s.pending[i] *= fadeGain(i, RampLen)
		}
	}
	done := len(s.pending) - RampLen
	err := s.flush(done)
	s.pending = s.pending[:copy(s.pending, s.pending[done:])]
	return err
}

// Finish hands emit the rest.
func (s *ClipStream) Finish() error {
	if s.begun {
		for i := range RampLen {
			s.pending[RampLen-1-i] *= fadeGain(i, RampLen)
		}
	} else {
		fadeEnds(s.pending)
	}
	return s.flush(len(s.pending))
}

func (s *ClipStream) flush(n int) error {
	s.pcm = slices.Grow(s.pcm[:0], n)[:n]
	for i, x := range s.pending[:n] {
		s.pcm[i] = quantize(x)
	}
	return s.emit(s.pcm)
}

// QuantizePart makes samples of the recording of QuantizeClip from those that begin at a sample of a sound of length samples;
// both have the same length.
func QuantizePart(pcm []int16, samples []float64, at, length int) {
	n := min(RampLen, length/2)
	for i, x := range samples {
		switch i := at + i; {
		case i < n:
			x *= fadeGain(i, n)
		case i >= length-n:
			x *= fadeGain(length-1-i, n)
		}
		pcm[i] = quantize(x)
	}
}

// ResampledLen returns how many samples at Rate a Resampler makes of so many at a rate.
func ResampledLen(frames, rate int) int {
	g := gcd(rate, Rate)
	up, down := int64(Rate/g), int64(rate/g)
	return int((int64(frames)*up + down - 1) / down)
}
