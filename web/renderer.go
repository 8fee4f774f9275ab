package web

import (
	"context"
	"errors"
	"io"
	"sync"

	"guided/audio"
	"guided/audio/mix"
)

// maxRenderFrames is how many samples are made at a time: so much of the score Load brings into memory at once.
const maxRenderFrames = audio.Rate

// renderer makes any part of a performance, at any time, in memory that does not grow with its length: clips are loaded
// around the place. It belongs to one goroutine.
type renderer struct {
	*rendition
	ctx     context.Context
	slots   chan struct{}
	live    *mix.Live
	cancel  context.CancelFunc
	loading sync.WaitGroup
}

func (s *handlers) newRenderer(ctx context.Context, p *rendition) *renderer {
	ctx, cancel := context.WithCancel(ctx)
	return &renderer{rendition: p, ctx: ctx, cancel: cancel, slots: s.renderSlots}
}

// close ends what loads ahead.
func (x *renderer) close() {
	x.cancel()
	x.loading.Wait()
}

// render makes samples from a sample of the score on; at+len(samples) lies within it. It fails only when ctx ends.
func (x *renderer) render(samples [][2]float64, at int) error {
	if x.live == nil {
		live, err := x.bank.Begin(x.ctx, x.score, x.loading.Go)
		if err != nil {
			return err
		}
		x.live = live
	}
	for len(samples) > 0 {
		part := samples[:min(len(samples), maxRenderFrames)]
		if !x.live.Reach(at) {
			if err := x.live.Load(x.ctx, at); err != nil {
				return err
			}
		}
		if err := x.renderPart(part, at); err != nil {
			return err
		}
		samples, at = samples[len(part):], at+len(part)
	}
	return nil
}

// renderPart takes its turn, so that what is rendered here never takes the last core from what is playing.
func (x *renderer) renderPart(samples [][2]float64, at int) error {
	select {
	case x.slots <- struct{}{}:
	case <-x.ctx.Done():
		return x.ctx.Err()
	}
	defer func() { <-x.slots }()
	if at != x.live.Position() {
		if err := x.live.Seek(at); err != nil {
			return err
		}
	}
	for done := 0; done < len(samples); {
		n, more := x.live.Stream(samples[done:])
		if !more {
			clear(samples[done:])
			break
		}
		done += n
	}
	if x.gain != 1 {
		for i := range samples {
			samples[i][0] *= x.gain
			samples[i][1] *= x.gain
		}
	}
	return nil
}

// wavChunkFrames is how many frames of a WAV file are made at a time: 0.2 s.
const wavChunkFrames = audio.Rate / 5

// wavReader is a performance as a WAV file that is made while it is read; every part of it can be had at once.
type wavReader struct {
	renderer    *renderer
	header      []byte
	size        int64
	offset      int64
	frames      [][2]float64
	chunk       []byte // a piece of the file
	chunkOffset int64  // where it lies
}

var _ io.ReadSeeker = (*wavReader)(nil)

func newWAVReader(x *renderer) *wavReader {
	header := wavHeader(uint32(x.frames()) * frameBytes)
	return &wavReader{renderer: x, header: header, size: int64(len(header)) + int64(x.frames())*frameBytes}
}

// Seek goes to a byte, and makes nothing.
func (f *wavReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.offset
	case io.SeekEnd:
		offset += f.size
	}
	if offset < 0 {
		return f.offset, errors.New("a place before the beginning of the file")
	}
	f.offset = offset
	return offset, nil
}

// Read makes what is read.
func (f *wavReader) Read(p []byte) (int, error) {
	if f.offset >= f.size {
		return 0, io.EOF
	}
	if f.offset < int64(len(f.header)) {
		n := copy(p, f.header[f.offset:])
		f.offset += int64(n)
		return n, nil
	}
	if f.offset < f.chunkOffset || f.offset >= f.chunkOffset+int64(len(f.chunk)) {
		if err := f.renderChunk(int((f.offset - int64(len(f.header))) / frameBytes)); err != nil {
			return 0, err
		}
	}
	n := copy(p, f.chunk[f.offset-f.chunkOffset:])
	f.offset += int64(n)
	return n, nil
}

// renderChunk makes the piece of the file that begins with a frame.
func (f *wavReader) renderChunk(frame int) error {
	if f.frames == nil {
		f.frames = make([][2]float64, wavChunkFrames)
	}
	samples := f.frames[:min(wavChunkFrames, f.renderer.frames()-frame)]
	at := f.renderer.start + frame
	if err := f.renderer.render(samples, at); err != nil {
		return err
	}
	f.chunk = append(f.chunk[:0], make([]byte, frameBytes*len(samples))...)
	audio.Encode(f.chunk, samples, at)
	f.chunkOffset = int64(len(f.header)) + int64(frame)*frameBytes
	return nil
}

// Close ends the making.
func (f *wavReader) Close() error {
	f.renderer.close()
	return nil
}

// encodeFLAC writes a performance as a FLAC file of the same samples as its WAV file. It ends with the server.
func (s *handlers) encodeFLAC(w io.WriteSeeker, p *rendition) error {
	x := s.newRenderer(s.flacCache.ctx, p)
	defer x.close()
	f, err := newFLACWriter(w, p.score.Title)
	if err != nil {
		return err
	}
	samples, bytes := make([][2]float64, flacBlock), make([]byte, frameBytes*flacBlock)
	for at := p.start; at < p.score.Len; at += flacBlock {
		samples = samples[:min(flacBlock, p.score.Len-at)]
		if err := x.render(samples, at); err != nil {
			return err
		}
		audio.Encode(bytes, samples, at)
		if err := f.writeBlock(bytes[:frameBytes*len(samples)]); err != nil {
			return err
		}
	}
	return f.finish()
}
