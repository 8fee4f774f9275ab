package mix

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"sync"

	"guided/audio/voice"
	"guided/routines"
)

// vault is what the banks of all voices share.
type vault struct {
	open   func(name string) (voice.Voice, error)
	file   func(name string) ([]byte, error)
	log    *slog.Logger
	recent *recent
	last   lastBed

	mu    sync.Mutex
	sizes map[[32]byte]routines.Extent // of sound files, by content; zero for one that cannot be played
	made  map[string]voice.Recording   // tones; a bell takes a Pi a tenth of a second
	banks map[string]*Bank             // by the name of their voice
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
	case b.open == nil:
		return nil, fmt.Errorf("there is no voice named %q", v)
	}
	opened, err := b.open(v)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if other, has = b.banks[v]; !has {
		other = &Bank{vault: b.vault, voice: v, voices: append([]voice.Voice{opened}, b.voices[1:]...)}
		b.banks[v] = other
	}
	return other, nil
}

func (v *vault) measureSound(name string) (routines.Extent, bool) {
	if t, is := tones()[name]; is {
		return routines.Extent{Len: t.len()}, true
	}
	data, err := v.file(name)
	if err != nil {
		return routines.Extent{}, false
	}
	sum := sha256.Sum256(data)
	v.mu.Lock()
	e, has := v.sizes[sum]
	v.mu.Unlock()
	if has {
		return e, e.Len > 0
	}
	r, err := voice.ImportSound(data)
	if err != nil {
		v.log.Warn("a sound file cannot be played", "file", name, "err", err)
	}
	v.mu.Lock()
	v.sizes[sum] = r.Extent()
	v.mu.Unlock()
	return r.Extent(), err == nil
}

// tone makes a tone, once.
func (v *vault) tone(name string) (voice.Recording, error) {
	v.mu.Lock()
	r, has := v.made[name]
	v.mu.Unlock()
	if has {
		return r, nil
	}
	r, err := synth(name)
	if err == nil {
		v.mu.Lock()
		v.made[name] = r
		v.mu.Unlock()
	}
	return r, err
}
