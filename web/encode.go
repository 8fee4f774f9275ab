package web

import (
	"io"

	"guided/audio"
)

// encodeFLAC writes a performance as a FLAC file of the same samples as its WAV file. It ends with the server.
func (s *server) encodeFLAC(w io.WriteSeeker, p *performance) error {
	x := s.sound(s.flac.ctx, p)
	defer x.close()
	f, err := newFLAC(w, p.score.Title)
	if err != nil {
		return err
	}
	samples, bytes := make([][2]float64, flacBlock), make([]byte, frameBytes*flacBlock)
	for at := p.from; at < p.score.Len; at += flacBlock {
		samples = samples[:min(flacBlock, p.score.Len-at)]
		if err := x.fill(samples, at); err != nil {
			return err
		}
		audio.Encode(bytes, samples, at)
		if err := f.block(bytes[:frameBytes*len(samples)]); err != nil {
			return err
		}
	}
	return f.end()
}
