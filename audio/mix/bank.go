// Package mix turns a score into sound: it finds the recording of every cue (Bank), mixes cues, tones and a background
// bed (Renderer), and loads recordings ahead of need while a session plays (LiveRenderer) or as a file is made of them
// (OfflineRenderer).
//
// Its law: a sample is a function of the score and of its index alone. Noise comes from the index, ducking and fades
// from the score, and no state outlives a block that the next one could not rebuild, so any block size and any seek
// give the same samples.
//
// Begin with Renderer.Stream in render.go, which mixes one block; bank.go says where recordings come from, live.go and
// offline.go when they are loaded, ducking.go and quiet.go how loud everything is, and bed.go what plays under the cues.
// sounds.go is the way of a sound file of the user's: what is known of it (sound_file.go, sound_index.go), where its samples are read
// (sound_reader.go), what is kept of them on disk (sound_store.go), and what is told of it (sound_problems.go).
package mix

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"guided/audio"
	"guided/audio/voice"
	"guided/routines"
)

// Bank finds the recording of a clip: a text in the first voice that has it, a tone, a swell, or a sound file beside
// the routines. It is safe for concurrent use.
type Bank struct {
	*bankCache
	voice  string        // the name of the first voice, empty for the default one
	voices []voice.Voice // in the order of preference
}

// bankCache is what the banks of all voices share.
type bankCache struct {
	openVoice func(name string) (voice.Voice, error)
	log       *slog.Logger
	clips     *clipCache
	sounds    *soundFiles

	startTimeout time.Duration

	mu    sync.Mutex
	tones map[string]voice.Recording // by name: synthesising a bell takes a Raspberry Pi a tenth of a second
	banks map[string]*Bank           // by the name of their first voice
}

// NewBank returns a bank that asks voices in their order: first the default voice, then those that speak the texts it
// lacks. openVoice opens another voice by its name; where it is nil, there is no other. openFile opens a sound file that
// lies beside the routines, as audio.NewFiles demands.
func NewBank(voices []voice.Voice, openVoice func(name string) (voice.Voice, error), openFile func(ctx context.Context, name string) (fs.File, error), log *slog.Logger) *Bank {
	b := &Bank{voices: voices, bankCache: &bankCache{
		openVoice: openVoice, log: log, clips: newClipCache(clipCacheBytes),
		sounds: newSoundFiles(audio.NewFiles(openFile), log), startTimeout: StartTimeout, tones: map[string]voice.Recording{}, banks: map[string]*Bank{},
	}}
	b.banks[""] = b
	return b
}

// KeepSounds keeps what is decoded of sound files, and what is learnt of them, in a folder on disk, which is created when
// it is needed. stat is of what the bank opens, without opening it: what has not changed is not opened to be measured. Call
// it before the bank is used.
func (b *Bank) KeepSounds(dir string, stat func(name string) (fs.FileInfo, error)) {
	b.sounds.store, b.sounds.stat = newSoundStore(dir, b.log), stat
}

// ForVoice returns the bank whose first voice has a name, empty for the default voice; the texts which that voice lacks are
// spoken as in b. A voice is opened once and kept.
func (b *Bank) ForVoice(name string) (*Bank, error) {
	b.mu.Lock()
	other, has := b.banks[name]
	b.mu.Unlock()
	switch {
	case has:
		return other, nil
	case b.openVoice == nil:
		return nil, fmt.Errorf("there is no voice named %q", name)
	}
	opened, err := b.openVoice(name)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if other, has = b.banks[name]; !has {
		other = &Bank{bankCache: b.bankCache, voice: name, voices: append([]voice.Voice{opened}, b.voices[1:]...)}
		b.banks[name] = other
	}
	return other, nil
}

// Measure returns the extent of a clip that can be played without synthesis, and whether there is one. It is a
// routines.Measure.
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

// measureSound measures a sound file at its first use: an Ogg Opus file is decoded for that, the others tell it in their
// headers.
func (b *bankCache) measureSound(name string) (routines.Extent, bool) {
	if slices.Contains(routines.SoundNames(), name) {
		return routines.Extent{Len: toneTable()[name].len()}, true
	}
	length, err := b.sounds.measure(context.Background(), name)
	switch {
	case err == nil:
		b.sounds.problems.forget(msgNotPlayed + "\x00" + name)
	case !errors.Is(err, fs.ErrNotExist): // a check of the routine reports that
		b.sounds.problems.tell(slog.LevelWarn, msgNotPlayed, name, err)
	}
	return routines.Extent{Len: length}, err == nil
}

// HashSound returns a hash of a sound file beside the routines, which is another one when its content is, and whether there is
// one that can be played.
func (b *Bank) HashSound(ctx context.Context, name string) (sum [32]byte, has bool) {
	sum, err := b.sounds.hash(ctx, name)
	return sum, err == nil
}

const (
	// StartTimeout is how long a start waits for the texts that no voice has recorded: a listener who hears nothing for
	// longer takes the start for lost.
	StartTimeout = 15 * time.Second
	// maxSyntheses is how many texts are spoken at a time. An engine's answer may take 20 MiB.
	maxSyntheses = 2
)

// PrepareForStart is Prepare for a listener who waits: it returns at the latest after StartTimeout, with an error where
// texts are left. Tones take their place.
func (b *Bank) PrepareForStart(ctx context.Context, clips []routines.Clip) error {
	limited, cancel := context.WithTimeout(ctx, b.startTimeout)
	defer cancel()
	err := b.prepareSpeech(limited, clips)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		left := map[string]bool{}
		for _, c := range clips {
			if _, has := b.Measure(c); !has && c.Say != "" {
				left[c.Say] = true
			}
		}
		return fmt.Errorf("%d phrases were not spoken within %v; look at voice.engine, or record them with guided voices build", len(left), b.startTimeout)
	}
	return err
}

// Prepare synthesises the texts among clips that no voice has recorded, and decodes the sound files once whose headers do not
// vouch for them, several at a time. It goes on after a failure and returns the distinct errors of speech together; a text
// that no voice can speak is not an error, and what is wrong with a file is what Measure says of it.
func (b *Bank) Prepare(ctx context.Context, clips []routines.Clip) error {
	work := errgroup.Group{}
	work.SetLimit(runtime.NumCPU())
	seen := map[string]bool{}
	for _, c := range clips {
		if isSoundFile(c) && !seen[c.Sound] {
			seen[c.Sound] = true
			work.Go(func() error {
				_ = b.sounds.prepare(ctx, c.Sound)
				return nil
			})
		}
	}
	err := b.prepareSpeech(ctx, clips)
	_ = work.Wait() // the functions return nil
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// prepareSpeech is Prepare for the texts alone.
func (b *Bank) prepareSpeech(ctx context.Context, clips []routines.Clip) error {
	var mu sync.Mutex
	failed := map[string]error{} // by message without the text: a missing engine fails for every text alike
	work := errgroup.Group{}
	work.SetLimit(maxSyntheses)
	for _, c := range clips {
		if c.Say == "" {
			continue
		}
		if _, has := b.Measure(c); has {
			continue
		}
		work.Go(func() error {
			_, err := b.speak(ctx, c.Say)
			if err != nil && !errors.Is(err, voice.ErrNoRecording) {
				mu.Lock()
				failed[strings.ReplaceAll(err.Error(), c.Say, "")] = err
				mu.Unlock()
			}
			return nil
		})
	}
	_ = work.Wait() // the functions return nil and put their errors into failed
	if err := ctx.Err(); err != nil {
		return err
	}
	var joined error
	for _, message := range slices.Sorted(maps.Keys(failed)) {
		joined = errors.Join(joined, failed[message])
	}
	return joined
}

// Clips is the recordings of a score, by clip. It is immutable.
type Clips map[routines.Clip]voice.Recording

// Load reads every clip of a score into memory, each at the length the score gives it. A clip that is no longer
// available is logged and replaced by silence. It fails only when ctx ends.
func (b *Bank) Load(ctx context.Context, score *routines.Score) (Clips, error) {
	lengths := map[routines.Clip]int{}
	for _, c := range score.Cues {
		lengths[c.Clip] = c.Len
	}
	clips := make(Clips, len(lengths))
	sounds := newScoreClips(b, score)
	bed, err := sounds.openBed(ctx)
	if bed != nil {
		defer bed.drop()
		var loop voice.Recording
		if loop, err = sounds.loadAll(ctx, bed); err == nil {
			clips[bed.key.clip] = loop
		}
	}
	if err != nil {
		return nil, fmt.Errorf("loading the sounds of %s: %w", score.Name, err)
	}
	var mu sync.Mutex
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.NumCPU())
	for clip, n := range lengths {
		work.Go(func() (err error) {
			var r voice.Recording
			if isSoundFile(clip) {
				c := newScoreClip(clipKey{b.voice, clip, n})
				defer c.drop()
				r, err = sounds.loadAll(ctx, c)
			} else {
				r, err = b.loadExact(ctx, clip, n)
			}
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

// loadClip returns a clip that is no sound file.
func (b *Bank) loadClip(ctx context.Context, c routines.Clip) (voice.Recording, error) {
	if c.Sound == "" {
		return b.speak(ctx, c.Say)
	}
	if slices.Contains(routines.SwellNames(), c.Sound) {
		return synthesizeSwell(c.Sound, c.Len), nil
	}
	return b.tone(c.Sound)
}

// speak returns a text in the first voice that can speak it. Where all fail, the last error that is not ErrNoRecording
// explains why.
func (b *Bank) speak(ctx context.Context, text string) (voice.Recording, error) {
	err := voice.ErrNoRecording
	for _, v := range b.voices {
		r, failed := v.Speak(ctx, text)
		if failed == nil {
			return r, nil
		}
		if !errors.Is(failed, voice.ErrNoRecording) {
			err = failed
		}
	}
	return voice.Recording{}, err
}

// tone returns a tone, synthesised at its first use.
func (b *bankCache) tone(name string) (voice.Recording, error) {
	b.mu.Lock()
	r, has := b.tones[name]
	b.mu.Unlock()
	if has {
		return r, nil
	}
	r, err := synthesizeTone(name)
	if err == nil {
		b.mu.Lock()
		b.tones[name] = r
		b.mu.Unlock()
	}
	return r, err
}

// Tone returns a tone of routines.SoundNames as mono samples at audio.Rate. It is not to be changed.
func (b *Bank) Tone(name string) ([]int16, error) {
	r, err := b.tone(name)
	return r.PCM, err
}

// CanSynthesize reports whether there is a speech engine for the texts that nobody has recorded.
func (b *Bank) CanSynthesize() bool {
	return slices.ContainsFunc(b.voices, func(v voice.Voice) bool {
		_, recorded := v.(*voice.RecordedVoice)
		return !recorded
	})
}

// CanSay reports whether a text can be spoken: the voice has recordings of it, or a speech engine can make them.
func (b *Bank) CanSay(text string) bool {
	if len(b.voices) > 1 {
		return true
	}
	_, err := b.compileMessage(text)
	return err == nil
}

// Say returns a text as mono samples at audio.Rate and audio.PhraseLUFS, without silence around it. Synthesis of what
// no voice has recorded takes StartTimeout at most.
func (b *Bank) Say(ctx context.Context, text string) ([]int16, error) {
	clips, err := routines.Clips(ctx, routines.FromText(text))
	if err != nil {
		return nil, err
	}
	if err := b.PrepareForStart(ctx, clips); err != nil {
		return nil, err
	}
	score, err := b.compileMessage(text)
	if err != nil {
		return nil, err
	}
	recordings, err := b.Load(ctx, score)
	if err != nil {
		return nil, err
	}
	last := score.Cues[len(score.Cues)-1]
	pcm := make([]int16, last.At+last.Len)
	for _, c := range score.Cues { // sentences do not overlap
		copy(pcm[c.At:], recordings[c.Clip].PCM)
	}
	return pcm, nil
}

// compileMessage places the sentences of a text; it is an error where no voice has one of them.
func (b *Bank) compileMessage(text string) (*routines.Score, error) {
	score, err := routines.Compile(context.Background(), routines.FromText(text), b.Measure, routines.Options{Verbosity: routines.Full})
	if err != nil {
		return nil, err
	}
	if len(score.Notes) > 0 || len(score.Cues) == 0 {
		return nil, fmt.Errorf("nothing here can speak %q; install espeak-ng, or choose what speaks with voice.engine", text)
	}
	return score, nil
}
