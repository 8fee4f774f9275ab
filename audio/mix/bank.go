package mix

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"guided/audio"
	"guided/audio/voice"
	"guided/routines"
)

// Bank is everything that can be heard: voices in the order they are asked, tones, and the sound files beside routines.
type Bank struct {
	*bankCache
	voice  string // the name of the first voice, empty for the default
	voices []voice.Voice
}

// NewBank asks the voices in their order: the default one, then what speaks the texts that a voice lacks. open opens
// another voice by its name, nil where there is none; file reads a sound file that lies beside the routines.
func NewBank(voices []voice.Voice, open func(name string) (voice.Voice, error), file func(name string) ([]byte, error), log *slog.Logger) *Bank {
	b := &Bank{voices: voices, bankCache: &bankCache{
		openVoice: open, readFile: file, log: log, clips: newClipCache(clipCacheBytes),
		extents: map[[32]byte]routines.Extent{}, tones: map[string]voice.Recording{}, banks: map[string]*Bank{},
	}}
	b.banks[""] = b
	return b
}

// Measure is a routines.Measure: what can be heard at once.
func (b *Bank) Measure(c routines.Clip) (routines.Extent, bool) {
	switch {
	case slices.Contains(routines.SwellNames(), c.Sound):
		return routines.Extent{Len: c.Len}, true
	case c.Sound != "":
		return b.measureSound(c.Sound)
	}
	for _, v := range b.voices {
		if e, has := v.Measure(c.Say); has {
			return e, true
		}
	}
	return routines.Extent{}, false
}

// Prepare speaks every text that no voice has at once, several at a time. What cannot be had is told in the error; the
// rest is prepared all the same.
func (b *Bank) Prepare(ctx context.Context, clips []routines.Clip) error {
	var mu sync.Mutex
	failed := map[string]error{} // by message: an engine that is missing fails for every text alike
	work := errgroup.Group{}
	work.SetLimit(runtime.NumCPU())
	for _, c := range clips {
		if c.Say == "" {
			continue
		}
		if _, has := b.Measure(c); has {
			continue
		}
		work.Go(func() error {
			_, err := b.speak(ctx, c.Say)
			if err != nil && !errors.Is(err, voice.ErrUnspoken) {
				mu.Lock()
				failed[strings.ReplaceAll(err.Error(), c.Say, "")] = err
				mu.Unlock()
			}
			return nil
		})
	}
	_ = work.Wait() // what failed is in failed
	if err := ctx.Err(); err != nil {
		return err
	}
	var joined error
	for _, message := range slices.Sorted(maps.Keys(failed)) {
		joined = errors.Join(joined, failed[message])
	}
	return joined
}

func (b *Bank) speak(ctx context.Context, text string) (voice.Recording, error) {
	err := voice.ErrUnspoken
	for _, v := range b.voices {
		r, failed := v.Speak(ctx, text)
		if failed == nil {
			return r, nil
		}
		if !errors.Is(failed, voice.ErrUnspoken) {
			err = failed
		}
	}
	return voice.Recording{}, err
}

func (b *Bank) loadClip(ctx context.Context, c routines.Clip) (voice.Recording, error) {
	if c.Sound == "" {
		return b.speak(ctx, c.Say)
	}
	if slices.Contains(routines.SwellNames(), c.Sound) {
		return synthesizeSwell(c.Sound, c.Len), nil
	}
	if _, is := toneTable()[c.Sound]; is {
		return b.tone(c.Sound)
	}
	data, err := b.readFile(c.Sound)
	if err != nil {
		return voice.Recording{}, err
	}
	return voice.ImportSound(data)
}

// bankCache is what the banks of all voices share.
type bankCache struct {
	openVoice func(name string) (voice.Voice, error)
	readFile  func(name string) ([]byte, error)
	log       *slog.Logger
	clips     *clipCache
	lastBed   bedCache

	mu      sync.Mutex
	extents map[[32]byte]routines.Extent // of sound files, by content; zero for one that cannot be played
	tones   map[string]voice.Recording   // tones; a bell takes a Pi a tenth of a second
	banks   map[string]*Bank             // by the name of their voice
}

// In is the bank of another voice, empty for the default; what that voice lacks is spoken as in this one. A voice is
// opened once and kept.
func (b *Bank) In(v string) (*Bank, error) {
	b.mu.Lock()
	other, has := b.banks[v]
	b.mu.Unlock()
	switch {
	case has:
		return other, nil
	case b.openVoice == nil:
		return nil, fmt.Errorf("there is no voice named %q", v)
	}
	opened, err := b.openVoice(v)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if other, has = b.banks[v]; !has {
		other = &Bank{bankCache: b.bankCache, voice: v, voices: append([]voice.Voice{opened}, b.voices[1:]...)}
		b.banks[v] = other
	}
	return other, nil
}

func (v *bankCache) measureSound(name string) (routines.Extent, bool) {
	if t, is := toneTable()[name]; is {
		return routines.Extent{Len: t.len()}, true
	}
	data, err := v.readFile(name)
	if err != nil {
		return routines.Extent{}, false
	}
	sum := sha256.Sum256(data)
	v.mu.Lock()
	e, has := v.extents[sum]
	v.mu.Unlock()
	if has {
		return e, e.Len > 0
	}
	r, err := voice.ImportSound(data)
	if err != nil {
		v.log.Warn("a sound file cannot be played", "file", name, "err", err)
	}
	v.mu.Lock()
	v.extents[sum] = r.Extent()
	v.mu.Unlock()
	return r.Extent(), err == nil
}

// tone makes a tone, once.
func (v *bankCache) tone(name string) (voice.Recording, error) {
	v.mu.Lock()
	r, has := v.tones[name]
	v.mu.Unlock()
	if has {
		return r, nil
	}
	r, err := synthesizeTone(name)
	if err == nil {
		v.mu.Lock()
		v.tones[name] = r
		v.mu.Unlock()
	}
	return r, err
}

// Clips is the sounds of a score, by what they are. It is immutable.
type Clips map[routines.Clip]voice.Recording

// Load brings every clip of a score into memory, exactly as long as the score counts on. One that cannot be had
// any more is silence in its place, and logged: the session goes on.
func (b *Bank) Load(ctx context.Context, score *routines.Score) (Clips, error) {
	lengths := map[routines.Clip]int{}
	for _, c := range score.Cues {
		lengths[c.Clip] = c.Len
	}
	clips := make(Clips, len(lengths))
	if loop := b.bedLoop(score); loop != nil {
		clips[bedClipKey(score.Bed.Sound)] = voice.Recording{PCM: loop}
	}
	var mu sync.Mutex
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.NumCPU())
	for clip, n := range lengths {
		work.Go(func() error {
			r, err := b.loadExact(ctx, clip, n)
			mu.Lock()
			clips[clip] = voice.Recording{PCM: audio.FitLength(r.PCM, n), Beat: r.Beat}
			mu.Unlock()
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return nil, fmt.Errorf("loading the sounds of %s: %w", score.Name, err)
	}
	return clips, nil
}

// loadExact loads a clip at a length. One that cannot be had is logged, and has no samples. It fails only when ctx ends.
func (b *Bank) loadExact(ctx context.Context, clip routines.Clip, n int) (voice.Recording, error) {
	r, err := b.loadClip(ctx, clip)
	switch {
	case ctx.Err() != nil:
		return voice.Recording{}, ctx.Err()
	case err != nil:
		b.log.Error("a clip is silent", "say", clip.Say, "sound", clip.Sound, "err", err)
		return voice.Recording{}, nil
	}
	return voice.Recording{PCM: audio.FitLength(r.PCM, n), Beat: r.Beat}, nil
}

// CanSay tells whether a text can be spoken: the voices have it, or an engine is there to speak what they lack.
func (b *Bank) CanSay(text string) bool {
	if len(b.voices) > 1 {
		return true
	}
	_, err := b.compileMessage(text)
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
	score, err := b.compileMessage(text)
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

// compileMessage lays a text out; it is an error where a voice lacks a sentence of it.
func (b *Bank) compileMessage(text string) (*routines.Score, error) {
	score, err := routines.Compile(routines.Message(text), b.Measure, routines.Options{Verbosity: routines.Full})
	if err != nil {
		return nil, err
	}
	if len(score.Notes) > 0 || len(score.Cues) == 0 {
		return nil, fmt.Errorf("nothing here can speak %q; install espeak-ng, or choose what speaks with voice.engine", text)
	}
	return score, nil
}
