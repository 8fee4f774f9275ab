package mix

import (
	"io"
	"runtime"

	"guided/audio"
)

// maxRanges is how many ranges of a file are rendered at a time: sound files are decoded forward, and the ranges have to be
// near each other.
const maxRanges = 4

// A range begins where the generators of beds begin anew: the difference must be zero, as no constant of this type is
// negative.
const _ = uint(-(audio.RangeFrames % resetInterval))

// WriteWAV writes the whole score as a WAV file, on all processors. The bytes are those of a live session, whatever their
// number. It fails when w does, and when the context of the renderer ends. progress, where it is not nil, is called with
// the samples that are written.
func (r *OfflineRenderer) WriteWAV(w io.Writer, progress func(done int)) error {
	// Twice as many as processors: some wait for a file, or for a sound that a neighbour loads.
	encoders := make([]audio.RangeEncoder, min(2*runtime.GOMAXPROCS(0), maxRanges))
	for i := range encoders {
		clone := r.Clone()
		defer clone.Close()
		block := make([][2]float64, audio.Rate/20) // which the processor's cache holds
		encoders[i] = func(dst []byte, at int) error { return clone.encodeRange(dst, at, block) }
	}
	return audio.WriteWAVRanges(w, encoders, r.length, progress)
}

// encodeRange fills dst with the score from a sample on; block is the memory to work in.
func (r *OfflineRenderer) encodeRange(dst []byte, at int, block [][2]float64) error {
	if err := r.Load(at, at+len(dst)/audio.FrameBytes); err != nil {
		return err
	}
	if err := r.Seek(at); err != nil {
		return err
	}
	for len(dst) > 0 {
		n, more := r.Stream(block[:min(len(block), len(dst)/audio.FrameBytes)])
		if !more {
			return r.err
		}
		audio.Encode(dst, block[:n], at)
		dst = dst[audio.FrameBytes*n:]
		at += n
	}
	return nil
}
