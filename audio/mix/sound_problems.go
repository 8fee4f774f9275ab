package mix

import (
	"context"
	"log/slog"
	"sync"

	"guided/routines"
)

// soundProblems logs what is wrong with sounds: each problem once, however often the sound is tried, until it is all right
// again or has another problem. It is safe for concurrent use.
type soundProblems struct {
	log *slog.Logger

	mu   sync.Mutex        // never held across I/O
	told map[string]string // the last problem that was logged, by message and name
}

func newSoundProblems(log *slog.Logger) *soundProblems {
	return &soundProblems{log: log, told: map[string]string{}}
}

// The messages of tell.
const (
	msgNotPlayed = "a sound file cannot be played"
	msgSilentBed = "the bed is silent"
)

// tell logs a problem of a file, unless it was the last one that was logged of it with that message.
func (p *soundProblems) tell(level slog.Level, message, name string, err error) {
	if p.isNew(message+"\x00"+name, err.Error()) {
		p.log.Log(context.Background(), level, message, "file", name, "err", err)
	}
}

// tellClip is tell for a clip of a score.
func (p *soundProblems) tellClip(c routines.Clip, err error) {
	if p.isNew(clipName(c), err.Error()) {
		p.log.Error("a clip is silent", "say", c.Say, "sound", c.Sound, "err", err)
	}
}

// clipName is the name of a clip for isNew and forget; no file has the name of a text.
func clipName(c routines.Clip) string { return "clip\x00" + c.Say + "\x00" + c.Sound }

// isNew notes the latest problem of a key, and reports whether it is another than before.
func (p *soundProblems) isNew(key, problem string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.told[key] == problem {
		return false
	}
	if len(p.told) >= maxKnownSounds {
		clear(p.told)
	}
	p.told[key] = problem
	return true
}

// forget makes tell and tellClip log the next problem, whatever it is: the sound is all right now.
func (p *soundProblems) forget(key string) {
	p.mu.Lock()
	delete(p.told, key)
	p.mu.Unlock()
}
