package mix

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"
	"unsafe"
	"weak"

	"guided/audio"
	"guided/routines"
)

const (
	// maxKnownSounds is how many sound files are remembered: more than a folder of routines has. Above it the memory is
	// begun anew.
	maxKnownSounds = 2000
	// soundDecoders is how many sound files are decoded at a time: each takes up to 12 MiB beside its samples.
	soundDecoders = 2
)

// soundFiles decodes the sound files beside the routines. What it learns of a file is kept until the file changes; its
// samples are shared by all who play it, and dropped when the last one has. It is safe for concurrent use.
type soundFiles struct {
	files    *audio.Files
	log      *slog.Logger
	decoders chan struct{} // capacity soundDecoders

	mu    sync.Mutex            // never held across I/O
	known map[string]*soundFile // by name
	told  map[string]string     // the last problem that was logged, by message and name
}

// soundFile is one version of a sound file: it is another one when the size or the time of change is.
type soundFile struct {
	name     string
	size     int64
	modified time.Time

	busy chan struct{} // capacity 1: held by who decodes it; guards what follows

	measured bool
	length   int      // samples at audio.Rate
	sum      [32]byte // SHA-256 of the content
	err      error    // why it cannot be played
	clip     sharedPCM
	loop     sharedPCM
	level    loopLevel // of the loop; zero while it is not measured
	loopErr  error     // why it cannot be a bed
}

func newSoundFiles(files *audio.Files, log *slog.Logger) *soundFiles {
	return &soundFiles{
		files: files, log: log, decoders: make(chan struct{}, soundDecoders),
		known: map[string]*soundFile{}, told: map[string]string{},
	}
}

// use opens a file and calls f while no other call decodes it.
func (s *soundFiles) use(ctx context.Context, name string, f func(*soundFile, *audio.File) error) error {
	file, err := s.files.Open(ctx, name, audio.MaxFileBytes)
	if err != nil {
		return err
	}
	defer file.Close()
	k := s.version(name, file)
	for _, slot := range []chan struct{}{k.busy, s.decoders} {
		select {
		case slot <- struct{}{}:
			defer func() { <-slot }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return f(k, file)
}

// version returns what is known of a file as it is now.
func (s *soundFiles) version(name string, file *audio.File) *soundFile {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, has := s.known[name]
	if !has || k.size != file.Size || !k.modified.Equal(file.Modified) {
		if len(s.known) >= maxKnownSounds {
			clear(s.known)
		}
		k = &soundFile{name: name, size: file.Size, modified: file.Modified, busy: make(chan struct{}, 1)}
		s.known[name] = k
	}
	return k
}

// measure returns the length of a file in samples, and the SHA-256 of its content. A version of it is read once.
func (s *soundFiles) measure(ctx context.Context, name string) (length int, sum [32]byte, err error) {
	err = s.use(ctx, name, func(k *soundFile, file *audio.File) error {
		if !k.measured {
			if err := k.measure(file); err != nil {
				return err
			}
		}
		length, sum = k.length, k.sum
		return k.err
	})
	return length, sum, err
}

// measure decodes the file for its length. It fails where the file could not be read; what is wrong with the file itself
// is noted in err.
func (k *soundFile) measure(file *audio.File) error {
	hash := sha256.New()
	if _, err := io.Copy(hash, io.NewSectionReader(file, 0, file.Size)); err != nil {
		return err
	}
	k.length = 0
	err := decodeBlocks(file, file.Size, func(samples []float64) error {
		k.length += len(samples)
		return nil
	})
	if errors.As(err, new(audio.ReadError)) {
		return err
	}
	k.sum, k.err, k.measured = [32]byte(hash.Sum(nil)), err, true
	return nil
}

// decode returns a file as it is, at its own level.
func (s *soundFiles) decode(ctx context.Context, name string) (pcm []int16, err error) {
	err = s.use(ctx, name, func(k *soundFile, file *audio.File) error {
		if pcm = k.clip.get(); pcm != nil || k.err != nil {
			return k.err
		}
		q := audio.NewClipQuantizer(k.length)
		if err := decodeBlocks(file, file.Size, func(samples []float64) error {
			q.Add(samples)
			return nil
		}); err != nil {
			return err
		}
		pcm = q.Clip()
		k.clip = sharePCM(pcm)
		return nil
	})
	return pcm, err
}

// bed returns a file as a loop of bedLUFS.
// A version of the file is measured once.
func (s *soundFiles) bed(ctx context.Context, name string) (pcm []int16, err error) {
	err = s.use(ctx, name, func(k *soundFile, file *audio.File) error {
		if pcm = k.loop.get(); pcm != nil || k.loopErr != nil {
			return k.loopErr
		}
		if k.level.total == 0 {
			if k.level, err = measureLoop(file, file.Size); err != nil {
				if !errors.As(err, new(audio.ReadError)) {
					k.loopErr = err
				}
				return err
			}
		}
		pcm, err = k.level.render(file, file.Size)
		k.loop = sharePCM(pcm)
		return err
	})
	return pcm, err
}

// soundKind is how the samples of a file are played.
type soundKind int

const (
	clipKind soundKind = iota // once, at its own level
	loopKind                  // again and again, at bedLUFS
)

// errBehind is the error of a block that must still be decoded: the next call goes on with it.
var errBehind = errors.New("the sound is still being decoded")

// soundReader reads the samples of one version of a sound file in blocks of blockLen, for one goroutine at a time.
type soundReader struct {
	length int // samples
	pcm    []int16
}

// open opens a file.
func (s *soundFiles) open(ctx context.Context, name string, kind soundKind) (*soundReader, error) {
	decode := s.decode
	if kind == loopKind {
		decode = s.bed
	}
	pcm, err := decode(ctx, name)
	if err != nil {
		return nil, err
	}
	return &soundReader{len(pcm), pcm}, nil
}

// block reads a block, which is shared and never written to.
func (r *soundReader) block(_ context.Context, k int) (*[]int16, error) {
	pcm := r.pcm[min(k*blockLen, len(r.pcm)):min((k+1)*blockLen, len(r.pcm))]
	return &pcm, nil
}

func (r *soundReader) close() {}

// The messages of tell.
const (
	msgNotPlayed = "a sound file cannot be played"
	msgSilentBed = "the bed is silent"
)

// tell logs a problem of a file, unless it was the last one that was logged of it with that message.
func (s *soundFiles) tell(level slog.Level, message, name string, err error) {
	if s.isNew(message+"\x00"+name, err.Error()) {
		s.log.Log(context.Background(), level, message, "file", name, "err", err)
	}
}

// tellClip is tell for a clip of a score.
func (s *soundFiles) tellClip(c routines.Clip, err error) {
	if s.isNew(clipName(c), err.Error()) {
		s.log.Error("a clip is silent", "say", c.Say, "sound", c.Sound, "err", err)
	}
}

// clipName is the name of a clip for isNew and forget; no file has the name of a text.
func clipName(c routines.Clip) string { return "clip\x00" + c.Say + "\x00" + c.Sound }

// isNew notes the latest problem of a key, and reports whether it is another than before.
func (s *soundFiles) isNew(key, problem string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.told[key] == problem {
		return false
	}
	if len(s.told) >= maxKnownSounds {
		clear(s.told)
	}
	s.told[key] = problem
	return true
}

// forget makes tell and tellClip log the next problem, whatever it is: the sound is all right now.
func (s *soundFiles) forget(key string) {
	s.mu.Lock()
	delete(s.told, key)
	s.mu.Unlock()
}

// sharedPCM refers to samples without keeping them in memory.
type sharedPCM struct {
	first weak.Pointer[int16]
	n     int
}

func sharePCM(pcm []int16) sharedPCM {
	if len(pcm) == 0 {
		return sharedPCM{}
	}
	return sharedPCM{weak.Make(&pcm[0]), len(pcm)}
}

// get returns the samples, nil where nobody plays them any more. The pointer to the first keeps the whole array.
func (s sharedPCM) get() []int16 {
	first := s.first.Value()
	if first == nil {
		return nil
	}
	return unsafe.Slice(first, s.n)
}
