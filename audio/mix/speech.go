package mix

import (
	"context"
	"errors"

	"guided/audio"
	"guided/audio/voice"
)

// speechStep is how many samples of a speech are decoded before they can be heard: a Raspberry Pi takes some milliseconds.
const speechStep = audio.Rate / 10

// openSpeech opens the recording of a clip that can be heard while it is decoded, and reports whether it is one, and not in
// memory yet. It fails only when ctx ends.
func (s *scoreClips) openSpeech(ctx context.Context, c *scoreClip) (bool, error) {
	if c.isFile || c.key.clip.Say == "" {
		return false, nil
	}
	if err := c.hold(ctx); err != nil {
		return false, err
	}
	defer c.letGo()
	if c.speech == nil && !s.bank.clips.has(c.key) && !(blockRef{c, 0}).whole() {
		c.speech = s.bank.openSpeech(ctx, c.key)
	}
	return c.speech != nil, ctx.Err()
}

// openSpeech returns the recording of a text in the first voice that has it, nil where only speak can tell.
func (b *Bank) openSpeech(ctx context.Context, key clipKey) *voice.Speech {
	for _, v := range b.voices {
		recorded, is := v.(*voice.RecordedVoice)
		if !is {
			return nil
		}
		speech, err := recorded.OpenSpeech(ctx, key.clip.Say)
		if errors.Is(err, voice.ErrNoRecording) {
			continue
		}
		if err != nil || speech.Len() != key.length {
			return nil
		}
		return speech
	}
	return nil
}

// loadUntil loads a block as load does, and puts it into its clip. Of a speech that openSpeech has opened it decodes so many
// samples at least; these can be heard at once, and progress is called whenever there are more.
func (s *scoreClips) loadUntil(ctx context.Context, ref blockRef, until int, progress func()) error {
	c := ref.clip
	if c.isFile {
		pcm, err := s.load(ctx, ref)
		if err == nil {
			c.loaded[ref.k].Store(pcm)
		}
		return err
	}
	if err := c.hold(ctx); err != nil {
		return err
	}
	defer c.letGo()
	if ref.whole() { // another goroutine has loaded it meanwhile
		return nil
	}
	for c.speech != nil {
		if err := ctx.Err(); err != nil {
			return err
		}
		had := 0
		if p := ref.pcm(); p != nil {
			had = len(*p)
		}
		if c.partial.Load() && had >= until {
			return nil
		}
		pcm, whole, err := c.speech.Read(had + speechStep)
		if err != nil { // load tells what is wrong with it
			c.loaded[ref.k].Store(nil)
			c.closeSpeech()
			break
		}
		c.partial.Store(true)
		c.loaded[ref.k].Store(&pcm)
		if whole {
			c.closeSpeech()
			s.bank.clips.put(c.key, pcm)
			s.bank.sounds.problems.forget(clipName(c.key.clip))
		}
		progress()
		if whole {
			return nil
		}
	}
	pcm, err := s.load(ctx, ref)
	if err == nil {
		c.loaded[ref.k].Store(pcm)
	}
	return err
}

// missing returns the first block of the cues that is not there as far as it is heard between two samples of the score, up to
// which of its clip's samples it is needed, and whether there is one.
func (s *scoreClips) missing(from, to int) (ref blockRef, until int, is bool) {
	for i := s.firstCue(from); i < len(s.cues) && s.cues[i].at < to; i++ {
		cue, clip := s.cues[i], s.clips[i]
		k, end := clip.between(from-cue.at, to-cue.at)
		for ; k < end; k++ {
			ref, until := blockRef{clip, k}, min(to-cue.at, clip.length)
			pcm := ref.pcm()
			if pcm == nil || clip.partial.Load() && len(*pcm) < until {
				return ref, until, true
			}
		}
	}
	return blockRef{}, 0, false
}
