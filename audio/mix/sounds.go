package mix

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"runtime"
	"sync"
	"weak"

	"guided/audio"
)

// soundFiles reads the sound files beside the routines. What it learns of a file is kept until the file changes, also on disk
// where it has a store. It is safe for concurrent use.
type soundFiles struct {
	files    *audio.Files
	stat     func(name string) (fs.FileInfo, error) // nil: a file is opened to see whether it has changed
	store    *soundStore                            // nil: nothing is kept on disk
	problems *soundProblems
	decoders chan struct{} // capacity: how many files are decoded to their end at a time; each takes up to 12 MiB

	mu    sync.Mutex            // never held across I/O
	known map[string]*soundFile // by name
}

func newSoundFiles(files *audio.Files, log *slog.Logger) *soundFiles {
	return &soundFiles{
		files: files, problems: newSoundProblems(log), decoders: make(chan struct{}, runtime.NumCPU()),
		known: map[string]*soundFile{},
	}
}

// openFile opens a file as it is now. Close it.
func (s *soundFiles) openFile(ctx context.Context, name string) (*soundFile, *audio.File, error) {
	file, err := s.files.Open(ctx, name, audio.MaxSoundBytes)
	if err != nil {
		return nil, nil, err
	}
	return s.version(versionOf(name, file.Info)), file, nil
}

// version returns what is known of a version of a file.
func (s *soundFiles) version(v fileVersion) *soundFile {
	s.mu.Lock()
	k, has := s.known[v.name]
	s.mu.Unlock()
	if has && k.version == v {
		return k
	}
	var facts soundFacts
	if s.store != nil {
		facts = s.store.index.get(v)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if k, has = s.known[v.name]; !has || k.version != v { // no other goroutine was faster
		if len(s.known) >= maxKnownSounds {
			clear(s.known)
		}
		k = &soundFile{version: v, busy: make(chan struct{}, 1), facts: facts}
		s.known[v.name] = k
	}
	return k
}

// use opens a file and calls f while no other call measures it. What f learns is kept on disk.
func (s *soundFiles) use(ctx context.Context, name string, f func(*soundFile, *audio.File) error) error {
	k, file, err := s.openFile(ctx, name)
	if err != nil {
		return err
	}
	defer file.Close()
	return s.alone(ctx, k, func() error { return f(k, file) })
}

// alone calls f while no other call measures a file, and keeps on disk what it learns.
func (s *soundFiles) alone(ctx context.Context, k *soundFile, f func() error) error {
	select {
	case k.busy <- struct{}{}:
		defer func() { <-k.busy }()
	case <-ctx.Done():
		return ctx.Err()
	}
	err := f()
	k.mu.Lock()
	facts, dirty := k.facts, k.dirty
	k.dirty = false
	k.mu.Unlock()
	if dirty && s.store != nil {
		if err := s.store.index.put(k.version, facts); err != nil {
			s.store.warnOnce(err)
		}
	}
	return err
}

// decoding calls f, which decodes a file to its end, in one of the decoders.
func (s *soundFiles) decoding(ctx context.Context, f func() error) error {
	select {
	case s.decoders <- struct{}{}:
		defer func() { <-s.decoders }()
		return f()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// measure returns the length of a file in samples. A version is opened once for its header, and decoded once where that does
// not tell.
func (s *soundFiles) measure(ctx context.Context, name string) (length int, err error) {
	if s.stat != nil {
		info, err := s.files.StatWith(ctx, s.stat, name)
		if err != nil {
			return 0, err
		}
		if facts := s.version(versionOf(name, info)).learnt(); facts.length > 0 || facts.err != nil {
			return facts.length, facts.err
		}
	}
	k, file, err := s.openFile(ctx, name)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	if facts := k.learnt(); facts.length > 0 || facts.err != nil {
		return facts.length, facts.err
	}
	err = s.alone(ctx, k, func() error { return s.measureFile(ctx, k, file) })
	return k.learnt().length, err
}

// measureFile finds the length of a file and returns why it cannot be played. Its caller is alone.
func (s *soundFiles) measureFile(ctx context.Context, k *soundFile, file *audio.File) error {
	facts := k.learnt()
	if facts.length > 0 || facts.err != nil {
		return facts.err
	}
	d, err := audio.NewSoundDecoder(file, file.Size)
	frames := 0
	if err == nil {
		frames, err = d.Frames()
	}
	switch {
	case err == nil && frames > 0:
		k.learn(func(f *soundFacts) { f.length, f.checked = audio.ResampledLen(frames, d.Rate), d.WAV != nil })
	case err == nil:
		return s.check(ctx, k, file)
	}
	if err != nil && !isUnreadable(err) {
		k.fail(err)
	}
	return err
}

// check decodes a file to its end for its length and its errors, and keeps the samples where there is room on the disk. Its
// caller is alone.
func (s *soundFiles) check(ctx context.Context, k *soundFile, file *audio.File) error {
	if facts := k.learnt(); facts.checked || facts.err != nil {
		return facts.err
	}
	return s.decoding(ctx, func() error {
		source := &decodedSource{file: file, known: k}
		if length := k.learnt().length; s.store != nil && s.store.hasRoom(ctx, length) {
			source.writer = s.store.create(ctx, k.version, clipKind, length)
		}
		err := source.finish(ctx)
		source.endWriting(false)
		switch {
		case err == nil:
			k.learn(func(f *soundFacts) { f.length, f.checked = source.samples, true })
		case !isUnreadable(err):
			k.fail(err)
		}
		return err
	})
}

// prepare has a file decoded once that its header alone does not vouch for, so that its problems are known before it is played.
func (s *soundFiles) prepare(ctx context.Context, name string) error {
	return s.use(ctx, name, func(k *soundFile, file *audio.File) error {
		if err := s.measureFile(ctx, k, file); err != nil {
			return err
		}
		return s.check(ctx, k, file)
	})
}

// keep decodes a file and keeps its samples on disk, unless they are there already, can be read in place, or are being decoded
// for that.
func (s *soundFiles) keep(ctx context.Context, name string, kind soundKind) error {
	reader, err := s.open(ctx, name, kind, true)
	if err != nil {
		return err
	}
	defer reader.close()
	source, is := reader.source.(*decodedSource)
	if !is || source.writer == nil || !reader.known.beginKeeping(kind) {
		return nil
	}
	defer reader.known.endKeeping(kind)
	return s.decoding(ctx, func() error { return source.finish(ctx) })
}

// maxHashedBytes is the largest file that is read for its hash.
const maxHashedBytes = 32 << 20

// hash returns the SHA-256 of the content of a file that can be played, and of a file of more than maxHashedBytes that of its
// version. A version is read once.
func (s *soundFiles) hash(ctx context.Context, name string) (sum [32]byte, err error) {
	err = s.use(ctx, name, func(k *soundFile, file *audio.File) error {
		if err := s.measureFile(ctx, k, file); err != nil {
			return err
		}
		if sum = k.learnt().sum; sum != [32]byte{} {
			return nil
		}
		hash := sha256.New()
		if file.Size > maxHashedBytes {
			fmt.Fprintf(hash, "%+v", k.version)
		} else if _, err := io.Copy(hash, io.NewSectionReader(file, 0, file.Size)); err != nil {
			return err
		}
		sum = [32]byte(hash.Sum(nil))
		k.learn(func(f *soundFacts) { f.sum = sum })
		return nil
	})
	return sum, err
}

// open opens a file for reading its samples. keeping also keeps on disk what is decoded to its end. Close the reader.
func (s *soundFiles) open(ctx context.Context, name string, kind soundKind, keeping bool) (*soundReader, error) {
	k, file, err := s.openFile(ctx, name)
	if err != nil {
		return nil, err
	}
	r := &soundReader{sounds: s, known: k, kind: kind}
	err = s.alone(ctx, k, func() error {
		if err := s.measureFile(ctx, k, file); err != nil {
			return err
		}
		return s.openSource(ctx, r, file, keeping)
	})
	if err != nil {
		file.Close()
		return nil, err
	}
	return r, nil
}

// openSource finds where the samples of a measured file are best read from, and closes the file where it is not needed. Its
// caller is alone.
func (s *soundFiles) openSource(ctx context.Context, r *soundReader, file *audio.File, keeping bool) error {
	facts := r.known.learnt()
	head := r.known.loopHead()
	if r.kind == loopKind {
		if facts.loopErr != nil {
			return facts.loopErr
		}
		if facts.level.total == 0 {
			var err error
			if facts.level, head, err = s.measureBed(ctx, r.known, file); err != nil {
				return err
			}
		}
		r.length = facts.level.length()
	} else {
		r.length = facts.length
	}
	if s.store != nil {
		if stored, has := s.store.open(ctx, r.known.version, r.kind, r.length); has {
			file.Close()
			r.source = stored
			return nil
		}
	}
	d, err := audio.NewSoundDecoder(file, file.Size)
	if err != nil {
		return err
	}
	if d.WAV != nil && d.Rate == audio.Rate {
		file.Watch()
		r.source = &plainSource{file: file, wav: d.WAV, kind: r.kind, level: facts.level, length: r.length}
		return nil
	}
	if r.kind == loopKind && head == nil {
		if facts.level, head, err = s.measureBed(ctx, r.known, file); err != nil {
			return err
		}
		r.length = facts.level.length()
	}
	source := &decodedSource{file: file, known: r.known, kind: r.kind, level: facts.level, length: r.length, head: head}
	if keeping && s.store != nil {
		source.writer = s.store.create(ctx, r.known.version, r.kind, r.length)
	}
	r.source = source
	return nil
}

// decodeAgain opens a source of the file itself for a version whose samples in the store are damaged.
func (s *soundFiles) decodeAgain(ctx context.Context, k *soundFile, kind soundKind) (blockSource, error) {
	r, err := s.open(ctx, k.version.name, kind, false)
	if err != nil {
		return nil, err
	}
	if r.known != k {
		r.close()
		return nil, errChanged
	}
	return r.source, nil
}

// mustMeasureBed reports whether a file, empty for none, has to be decoded to be a bed, and other files can be kept meanwhile.
func (s *soundFiles) mustMeasureBed(ctx context.Context, name string) bool {
	if name == "" || s.store == nil {
		return false
	}
	k, file, err := s.openFile(ctx, name)
	if err != nil {
		return false
	}
	file.Close()
	facts := k.learnt()
	return facts.level.total == 0 && facts.loopErr == nil && facts.err == nil
}

// measureBed decodes a file for its loop. Its caller is alone.
func (s *soundFiles) measureBed(ctx context.Context, k *soundFile, file *audio.File) (level loopLevel, head *[]int16, err error) {
	err = s.decoding(ctx, func() error {
		d, err := audio.NewSoundDecoder(file, file.Size)
		if err == nil {
			var samples []int16
			level, samples, err = measureLoop(d)
			head = &samples
		}
		switch {
		case err == nil:
			k.learn(func(f *soundFacts) { f.level = level })
			k.mu.Lock()
			k.head = weak.Make(head)
			k.mu.Unlock()
		case !isUnreadable(err):
			k.learn(func(f *soundFacts) { f.loopErr = err })
		}
		return err
	})
	return level, head, err
}
