package web

import (
	"context"
	"errors"
	"io"

	"guided/audio"
	"guided/audio/mix"
)

// maxRenderFrames is how many frames are rendered in one slot.
const maxRenderFrames = audio.Rate

// renderer makes the samples of any part of a rendition, in any order. Its memory does not grow with the length: sounds are
// loaded around the position. It belongs to one goroutine.
type renderer struct {
	*rendition
	ctx   context.Context
	slots chan struct{}        // limits how many render at once
	sound *mix.OfflineRenderer // nil before the first samples
}

// newRenderer makes a renderer that ends with ctx or by close.
func (h *handlers) newRenderer(ctx context.Context, p *rendition) *renderer {
	return &renderer{rendition: p, ctx: ctx, slots: h.renderSlots}
}

// close drops the sounds that are in memory.
func (r *renderer) close() {
	if r.sound != nil {
		r.sound.Close()
	}
}

// render fills samples from sample at of the score on; at+len(samples) is at most its length. It fails only when ctx ends.
func (r *renderer) render(samples [][2]float64, at int) error {
	if r.sound == nil {
		sound, err := r.bank.RenderOffline(r.ctx, r.score)
		if err != nil {
			return err
		}
		r.sound = sound
	}
	for len(samples) > 0 {
		part := samples[:min(len(samples), maxRenderFrames)]
		if err := r.sound.Load(at, at+len(part)); err != nil { // which may wait for a disk: not in a slot
			return err
		}
		if err := r.inSlot(func() error { return r.renderPart(part, at) }); err != nil {
			return err
		}
		samples, at = samples[len(part):], at+len(part)
	}
	return nil
}

// inSlot computes something in one of the slots, so that the last core stays with the player. It fails where compute does,
// or when ctx ends.
func (r *renderer) inSlot(compute func() error) error {
	select {
	case r.slots <- struct{}{}:
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
	defer func() { <-r.slots }()
	return compute()
}

// renderPart renders one part.
func (r *renderer) renderPart(samples [][2]float64, at int) error {
	if at != r.sound.Position() {
		if err := r.sound.Seek(at); err != nil {
			return err
		}
	}
	for done := 0; done < len(samples); {
		n, more := r.sound.Stream(samples[done:])
		if !more {
			clear(samples[done:])
			break
		}
		done += n
	}
	if r.gain != 1 {
		for i := range samples {
			samples[i][0] *= r.gain
			samples[i][1] *= r.gain
		}
	}
	return nil
}

// wavChunkFrames is how many frames of a WAV file are rendered at a time: 0.2 s.
const wavChunkFrames = audio.Rate / 5

// wavReader is a rendition as a WAV file that is rendered as it is read, from any offset.
type wavReader struct {
	renderer    *renderer
	header      []byte
	size        int64 // of the file, in bytes
	offset      int64 // of the next read
	frames      [][2]float64
	chunk       []byte // the part of the file rendered last
	chunkOffset int64
}

var _ io.ReadSeekCloser = (*wavReader)(nil)

func newWAVReader(r *renderer) *wavReader {
	header := audio.WAVHeader(r.frames())
	return &wavReader{renderer: r, header: header, size: int64(len(header)) + int64(r.frames())*audio.FrameBytes}
}

// Seek sets the offset of the next read; it renders nothing.
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

// Read reads from the header or from the chunk at the offset, which it renders first.
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
		if err := f.renderChunk(int((f.offset - int64(len(f.header))) / audio.FrameBytes)); err != nil {
			return 0, err
		}
	}
	n := copy(p, f.chunk[f.offset-f.chunkOffset:])
	f.offset += int64(n)
	return n, nil
}

// renderChunk renders the chunk that begins with a frame of the file.
func (f *wavReader) renderChunk(frame int) error {
	if f.frames == nil {
		f.frames = make([][2]float64, wavChunkFrames)
	}
	samples := f.frames[:min(wavChunkFrames, f.renderer.frames()-frame)]
	at := f.renderer.start + frame
	if err := f.renderer.render(samples, at); err != nil {
		return err
	}
	f.chunk = append(f.chunk[:0], make([]byte, audio.FrameBytes*len(samples))...)
	audio.Encode(f.chunk, samples, at)
	f.chunkOffset = int64(len(f.header)) + int64(frame)*audio.FrameBytes
	return nil
}

// Close ends the rendering.
func (f *wavReader) Close() error {
	f.renderer.close()
	return nil
}

// encodeFLAC writes a rendition as a FLAC file, with the same samples as its WAV file. It ends early with ctx.
func (h *handlers) encodeFLAC(ctx context.Context, w io.Writer, p *rendition) error {
	r := h.newRenderer(ctx, p)
	defer r.close()
	f, err := newFLACWriter(w, p.score.Title, p.frames())
	if err != nil {
		return err
	}
	samples, bytes := make([][2]float64, flacBlock), make([]byte, audio.FrameBytes*flacBlock)
	var frame []byte
	for at := p.start; at < p.score.Len; at += flacBlock {
		samples = samples[:min(flacBlock, p.score.Len-at)]
		if err := r.render(samples, at); err != nil {
			return err
		}
		err := r.inSlot(func() error {
			audio.Encode(bytes, samples, at)
			frame = f.encode(bytes[:audio.FrameBytes*len(samples)])
			return nil
		})
		if err != nil {
			return err
		}
		if err := f.write(frame); err != nil {
			return err
		}
	}
	return f.finish()
}
