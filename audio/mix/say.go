package mix

import (
	"context"
	"fmt"

	"guided/routines"
)

// CanSay tells whether a text can be spoken: the voices have it, or an engine is there to speak what they lack.
func (b *Bank) CanSay(text string) bool {
	if len(b.voices) > 1 {
		return true
	}
	_, err := b.message(text)
	return err == nil
}

// Say is a text as mono samples at Rate and the level of every phrase, without silence around it. What no voice has is
// spoken by the engine first, which may take seconds.
func (b *Bank) Say(ctx context.Context, text string) ([]int16, error) {
	clips, err := routines.Clips(routines.Message(text))
	if err != nil {
		return nil, err
	}
	if err := b.Prepare(ctx, clips); err != nil {
		return nil, err
	}
	score, err := b.message(text)
	if err != nil {
		return nil, err
	}
	sounds, err := b.Load(ctx, score)
	if err != nil {
		return nil, err
	}
	last := score.Cues[len(score.Cues)-1]
	pcm := make([]int16, last.At+last.Len)
	for _, c := range score.Cues { // sentences do not overlap
		copy(pcm[c.At:], sounds[c.Clip].PCM)
	}
	return pcm, nil
}

// message lays a text out; it is an error where a voice lacks a sentence of it.
func (b *Bank) message(text string) (*routines.Score, error) {
	score, err := routines.Compile(routines.Message(text), b.Measure, routines.Options{Verbosity: routines.Full})
	if err != nil {
		return nil, err
	}
	if len(score.Notes) > 0 || len(score.Cues) == 0 {
		return nil, fmt.Errorf("nothing here can speak %q; install espeak-ng, or choose what speaks with voice.engine", text)
	}
	return score, nil
}
