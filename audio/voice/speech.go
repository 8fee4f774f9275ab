package voice

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"guided/audio"
)

// maxGradualBytes bounds the file of a Speech, which is in memory: minutes of Opus, and some seconds of WAV.
const maxGradualBytes = 1 << 20

var errNotGradual = errors.New("the recording can only be decoded as a whole")

// Speech is a recording that is decoded as far as it is needed: its first word can be heard long before its last one is
// decoded. The samples are those of Speak. It is for one goroutine at a time, and needs no closing.
type Speech struct {
	name      string
	decoder   *audio.Decoder
	resampler *audio.Resampler
	clip      *audio.ClipStream
	pcm       []int16 // of the length in the index
	made      int     // samples decoded, more than pcm has where the file is longer
	ended     bool
}

// OpenSpeech reads the file of a text and decodes nothing yet. It fails with ErrNoRecording as Speak does, and with other
// errors where only Speak can tell what the recording is.
func (f *RecordedVoice) OpenSpeech(ctx context.Context, text string) (*Speech, error) {
	i, has := f.lookup(text)
	if !has {
		return nil, ErrNoRecording
	}
	if f.unmeasured[i] {
		return nil, errNotGradual
	}
	name := f.Clips[i].File
	data, err := f.files.ReadFile(ctx, name, maxGradualBytes)
	if err != nil {
		return nil, fmt.Errorf("reading a recording: %w", err)
	}
	decoder, err := audio.NewDecoder(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	s := &Speech{name: name, decoder: decoder, resampler: audio.NewResampler(decoder.Rate), pcm: make([]int16, f.Clips[i].Samples)}
	s.clip = audio.NewClipStream(func(pcm []int16) error {
		copy(s.pcm[min(s.made, len(s.pcm)):], pcm)
		s.made += len(pcm)
		return nil
	})
	return s, nil
}

// Len is the length of the recording in samples.
func (s *Speech) Len() int { return len(s.pcm) }

// Read decodes on until at least so many samples are there, and returns all that are; whole tells that these are all. What
// it returned is never written to.
func (s *Speech) Read(until int) (pcm []int16, whole bool, err error) {
	for !s.ended && s.ready() < min(until, len(s.pcm)) {
		samples, err := s.decoder.Next()
		switch {
		case err == io.EOF:
			err = s.finish()
		case err == nil:
			err = s.resampler.Add(samples, s.clip.Add)
		}
		if err != nil {
			return nil, false, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return slices.Clip(s.pcm[:s.ready()]), s.ended, nil
}

// ready is how many samples are as they stay. The last ones are not while the file may turn out to be longer, and is cut.
func (s *Speech) ready() int {
	if s.ended {
		return len(s.pcm)
	}
	return max(0, min(s.made, len(s.pcm)-audio.RampLen))
}

func (s *Speech) finish() error {
	if err := s.resampler.Finish(s.clip.Add); err != nil {
		return err
	}
	if err := s.clip.Finish(); err != nil {
		return err
	}
	s.ended = true
	if s.made > len(s.pcm) {
		audio.FadeCut(s.pcm)
	}
	return nil
}
