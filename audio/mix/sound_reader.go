package mix

import (
	"context"
	"errors"
	"io"
	"slices"

	"guided/audio"
)

// soundKind is how the samples of a file are played.
type soundKind int

const (
	clipKind soundKind = iota // once, at its own level
	loopKind                  // again and again, at bedLUFS
)

// soundReader reads the samples of one version of a sound file in blocks of blockLen. It is for one goroutine at a time.
type soundReader struct {
	length int // samples

	sounds *soundFiles
	known  *soundFile
	kind   soundKind
	source blockSource
}

// blockSource makes the blocks of a sound: plainSource, storedSource or decodedSource.
type blockSource interface {
	// read returns block k. It fails with errBehind where it must be called again, with errDamaged where another source must
	// be asked, and with every other error where there is no such block.
	read(ctx context.Context, k int) ([]int16, error)
	close()
}

// errBehind is the error of a block that must still be decoded: the next call goes on with it.
var errBehind = errors.New("the sound is still being decoded")

// block reads a block, which is shared with the other readers of that version, and never written to.
func (r *soundReader) block(ctx context.Context, k int) (*[]int16, error) {
	if k*blockLen >= r.length { // the score was laid out for a longer file
		return &[]int16{}, nil
	}
	shared := sharedBlock{r.kind, k}
	if pcm := r.known.shared(shared); pcm != nil {
		return pcm, nil
	}
	r.findStored(ctx, k)
	pcm, err := r.source.read(ctx, k)
	if errors.Is(err, errDamaged) {
		r.sounds.store.remove(r.known.version, r.kind)
		r.source.close()
		r.source = noSource{}
		var source blockSource
		if source, err = r.sounds.decodeAgain(ctx, r.known, r.kind); err == nil {
			r.source = source
			pcm, err = source.read(ctx, k)
		}
	}
	if err != nil {
		return nil, err
	}
	r.known.share(shared, &pcm)
	return &pcm, nil
}

// findStored goes over from decoding to the store, where much would have to be decoded for block k and the store has it by now.
func (r *soundReader) findStored(ctx context.Context, k int) {
	source, is := r.source.(*decodedSource)
	if !is || r.sounds.store == nil || source.decoder == nil || k >= source.made-keptBlocks && k < source.made+decodeStep/blockLen {
		return
	}
	if stored, has := r.sounds.store.open(ctx, r.known.version, r.kind, r.length); has {
		source.close()
		r.source = stored
	}
}

func (r *soundReader) close() { r.source.close() }

// noSource stands for a source that could not be opened again.
type noSource struct{}

func (noSource) read(context.Context, int) ([]int16, error) { return nil, errDamaged }
func (noSource) close()                                     {}

// plainSource reads a WAV file at audio.Rate where it lies.
type plainSource struct {
	file   *audio.File
	wav    *audio.WAVReader
	kind   soundKind
	level  loopLevel
	length int
	end    []float64 // of the file, where it is mixed into the beginning of the loop
}

func (s *plainSource) read(ctx context.Context, k int) ([]int16, error) {
	s.file.Continue(ctx)
	begin := k * blockLen
	pcm := make([]int16, min(blockLen, s.length-begin))
	if s.kind == clipKind {
		return pcm, s.wav.EachMono(begin, begin+len(pcm), func(samples []float64, at int) {
			audio.QuantizePart(pcm[at-begin:], samples, at, s.length)
		})
	}
	faded := max(0, min(len(pcm), s.level.fade()-begin))
	if faded > 0 {
		s.end = slices.Grow(s.end[:0], faded)[:faded]
		if err := s.wav.ReadMono(s.end, s.length+begin); err != nil {
			return nil, err
		}
	}
	return pcm, s.wav.EachMono(begin, begin+len(pcm), func(samples []float64, at int) {
		if i := at - begin; i < faded {
			n := min(len(samples), faded-i)
			fadePart(samples[:n], s.end[i:i+n], at, s.level.fade())
		}
		s.level.quantize(pcm[at-begin:], samples)
	})
}

func (s *plainSource) close() { s.file.Close() }

const (
	// decodeStep is how many samples a decodedSource makes before it gives way: a third of a second of work on a slow
	// Raspberry Pi.
	decodeStep = 10 * audio.Rate
	// keptBlocks is how many of its latest blocks a decodedSource keeps, for renderers that are not at the same place.
	keptBlocks = 8
)

// decodedSource decodes a file from its beginning on, as it is read. Reading before the blocks it keeps decodes again from
// the beginning.
type decodedSource struct {
	file     *audio.File
	known    *soundFile
	kind     soundKind
	level    loopLevel
	length   int          // samples of the recording; 0: not known
	head     *[]int16     // the beginning of the loop
	writer   *storeWriter // nil: the samples are not kept on disk
	decoder  *audio.Decoder
	resample *audio.Resampler
	clip     *audio.ClipStream
	at       int     // samples of the file so far, of a loop
	pcm      []int16 // scratch, and the block that is not complete
	part     []int16
	kept     [keptBlocks][]int16 // block k is at k modulo keptBlocks
	made     int                 // whole blocks so far; the last one may be shorter
	samples  int                 // of the recording so far
	ended    bool
}

// begin decodes from the beginning on.
func (s *decodedSource) begin() (err error) {
	if s.decoder, err = audio.NewSoundDecoder(s.file, s.file.Size); err != nil {
		return err
	}
	s.resample = audio.NewResampler(s.decoder.Rate)
	s.clip = audio.NewClipStream(s.add)
	s.at, s.part, s.made, s.samples, s.ended, s.kept = 0, nil, 0, 0, false, [keptBlocks][]int16{}
	if s.kind == loopKind {
		return s.add(*s.head)
	}
	return nil
}

func (s *decodedSource) read(ctx context.Context, k int) ([]int16, error) {
	s.file.Continue(ctx)
	if k < s.made-keptBlocks {
		s.endWriting(false)
		s.decoder = nil
	}
	if s.decoder == nil {
		if err := s.begin(); err != nil {
			return nil, err
		}
	}
	last := (k+1)*blockLen >= s.length // the last block is read to the end of the file, which completes it on disk
	for end := s.samples + decodeStep; s.made <= k || last && !s.ended; {
		if s.ended {
			return nil, errors.New("the file is shorter than it was")
		}
		if s.samples >= end {
			return nil, errBehind
		}
		if err := s.step(); err != nil {
			s.endWriting(false)
			s.decoder = nil
			if !isUnreadable(err) {
				s.known.fail(err)
			}
			return nil, err
		}
	}
	return s.kept[k%keptBlocks], nil
}

// finish decodes to the end. ctx may end it before.
func (s *decodedSource) finish(ctx context.Context) error {
	s.file.Continue(ctx)
	if s.decoder == nil {
		if err := s.begin(); err != nil {
			return err
		}
	}
	for !s.ended {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.step(); err != nil {
			return err
		}
	}
	return nil
}

// step decodes the next samples of the file.
func (s *decodedSource) step() error {
	samples, err := s.decoder.Next()
	switch {
	case err == nil:
		return s.resample.Add(samples, s.addFloats)
	case err != io.EOF:
		return err
	}
	if err := s.resample.Finish(s.addFloats); err != nil {
		return err
	}
	if s.kind == clipKind {
		err = s.clip.Finish()
	} else if err = nil; s.at != s.level.total {
		err = errChanged
	}
	if err != nil {
		return err
	}
	if len(s.part) > 0 {
		s.keep()
	}
	s.ended = true
	s.endWriting(true)
	return nil
}

// errChanged is the error of a file that was longer or shorter the second time it was read.
var errChanged = errors.New("the file changed while it was read")

// addFloats takes the next samples of the file.
func (s *decodedSource) addFloats(samples []float64) error {
	if s.kind == clipKind {
		return s.clip.Add(samples)
	}
	from, to := max(0, s.level.fade()-s.at), min(len(samples), s.level.length()-s.at)
	s.at += len(samples)
	if from >= to {
		return nil
	}
	if cap(s.pcm) < to-from {
		s.pcm = make([]int16, to-from)
	}
	s.level.quantize(s.pcm[:to-from], samples[from:to])
	return s.add(s.pcm[:to-from])
}

// add takes the next samples of the recording.
func (s *decodedSource) add(pcm []int16) error {
	if s.writer != nil {
		s.writer.add(pcm)
	}
	s.samples += len(pcm)
	if s.samples > audio.MaxSoundSeconds*audio.Rate {
		return errChanged // it is longer than the decoder allows
	}
	for len(pcm) > 0 {
		if s.part == nil {
			s.part = make([]int16, 0, s.nextLen())
		}
		n := min(len(pcm), blockLen-len(s.part))
		s.part = append(s.part, pcm[:n]...)
		if pcm = pcm[n:]; len(s.part) == blockLen {
			s.keep()
		}
	}
	return nil
}

// nextLen is how many samples the block that follows is expected to have.
func (s *decodedSource) nextLen() int {
	if rest := s.length - s.made*blockLen; rest > 0 {
		return min(rest, blockLen)
	}
	return blockLen
}

// keep ends a block.
func (s *decodedSource) keep() {
	s.kept[s.made%keptBlocks] = s.part
	s.made++
	s.part = nil
}

func (s *decodedSource) endWriting(whole bool) {
	if s.writer != nil {
		s.writer.finish(whole)
		s.writer = nil
	}
}

func (s *decodedSource) close() {
	s.endWriting(false)
	s.file.Close()
}
