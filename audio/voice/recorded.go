package voice

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"guided/audio"
	"guided/routines"
)

const finalPunctuation = ".,;:!? "

// exactKey is what a text is looked up by, with its final punctuation: a comma at the end makes the intonation rise, so
// "two," and "two." may be two recordings. Case does not matter, nor how apostrophes, quotes, dashes, blanks and accents
// are typed (routines.NormalizeText).
func exactKey(text string) string { return strings.ToLower(routines.NormalizeText(text)) }

// looseKey is exactKey without the final punctuation; empty where a text has no word.
func looseKey(text string) string { return trimKey(exactKey(text)) }

// writtenKey is a text by which it is known to be listed twice: the same in another case or with other blanks.
func writtenKey(text string) string { return strings.ToLower(strings.Join(strings.Fields(text), " ")) }

// trimKey returns the loose key of an exact one.
func trimKey(exact string) string { return strings.TrimRight(exact, finalPunctuation) }

// The bounds of a folder of recordings: ten thousand phrases are more than a voice has, and their index takes 2 MiB.
const (
	maxClips      = 20_000
	maxIndexBytes = 8 << 20
	// measureBudget is how long opening a voice may decode recordings that its index does not measure. Those that are left
	// are measured when they are first asked for.
	measureBudget = 10 * time.Second
	// maxListed is how many entries of a folder are looked through for the files of a voice.
	maxListed   = 2 * maxClips
	maxReported = 20 // problems in one error
)

// RecordedVoice is a voice made of the recordings in a folder, embedded in the program or the user's. It implements Voice.
type RecordedVoice struct {
	Index
	folder     fs.FS
	files      *audio.Files
	exact      map[string]int // index in Clips by exactKey
	loose      map[string]int // index in Clips by looseKey; the first of several
	unmeasured []bool         // by clip: the index gives no length

	measuring sync.Mutex   // held while a clip is measured; guards what follows
	lengths   map[int]Clip // of the clips that were measured after the opening; without samples for one that cannot be used
}

// OpenRecordedVoice reads the index of a folder of recordings, and measures the recordings for which the index has no
// length, for measureBudget at most. The error names the clips that cannot be used.
func OpenRecordedVoice(folder fs.FS) (*RecordedVoice, error) {
	return OpenRecordedVoiceWithin(folder, measureBudget)
}

// OpenRecordedVoiceWithin is OpenRecordedVoice with another time for measuring. What is wrong with the recordings that it
// leaves unmeasured is told when they are first asked for.
func OpenRecordedVoiceWithin(folder fs.FS, budget time.Duration) (*RecordedVoice, error) {
	f := &RecordedVoice{folder: folder, files: audio.NewFiles(audio.InFolders(folder)), lengths: map[int]Clip{}}
	data, err := f.files.ReadFile(context.Background(), indexFile, maxIndexBytes)
	if err != nil {
		return nil, fmt.Errorf("a voice needs an %s with the text of each recording: %w", indexFile, err)
	}
	if f.Index, err = parseIndex(data); err != nil {
		return nil, fmt.Errorf("reading %s: %w", indexFile, err)
	}
	if len(f.Clips) > maxClips {
		return nil, fmt.Errorf("%s lists %d recordings, and a voice may have %d", indexFile, len(f.Clips), maxClips)
	}
	f.unmeasured = make([]bool, len(f.Clips))
	f.exact, f.loose = make(map[string]int, len(f.Clips)), make(map[string]int, len(f.Clips))
	present := f.presentFiles()
	measureUntil := time.Now().Add(budget)
	var failed []error
	texts := map[string]int{} // index in Clips by the text as it is written, of those that share an exact key
	for i := range f.Clips {
		c := &f.Clips[i]
		if err := f.prepareClip(i, c, present[c.File], measureUntil); err != nil {
			failed = append(failed, fmt.Errorf("%s, %q: %w", indexFile, c.Text, err))
			continue
		}
		if err := f.addClip(i, texts); err != nil {
			failed = append(failed, err)
		}
	}
	if more := len(failed) - maxReported; more > 0 {
		failed = append(failed[:maxReported], fmt.Errorf("and %d more", more))
	}
	if err := errors.Join(failed...); err != nil {
		return nil, err
	}
	return f, nil
}

// presentFiles lists the folder once, and returns which files of the index are regular files there. It says nothing of a
// link, of a file in a folder below, and of what the folder has under a name in another case.
func (f *RecordedVoice) presentFiles() map[string]bool {
	present := make(map[string]bool, len(f.Clips))
	for i := range f.Clips {
		present[f.Clips[i].File] = false
	}
	// After an error every file that was not found is looked at by itself, and its error is told.
	_ = f.files.List(context.Background(), f.folder, maxListed, func(e fs.DirEntry) {
		if _, listed := present[e.Name()]; listed && e.Type().IsRegular() {
			present[e.Name()] = true
		}
	})
	return present
}

// prepareClip checks a clip of the index and its file, and measures the recording where the index does not and there is
// time. A file that is present is not looked at: its size is checked when it is opened.
func (f *RecordedVoice) prepareClip(i int, c *Clip, present bool, measureUntil time.Time) error {
	switch {
	case looseKey(c.Text) == "" || !fs.ValidPath(c.File):
		return fmt.Errorf("a clip needs its text, and its file in the same folder, not %q", c.File)
	case c.Samples < 0 || c.Samples > audio.MaxFileSeconds*audio.Rate || c.Beat < 0 || c.Beat > c.Samples:
		return fmt.Errorf("%d samples with a beat at %d cannot be; leave both out to have them measured", c.Samples, c.Beat)
	}
	if !present {
		info, err := f.files.Stat(context.Background(), f.folder, c.File)
		if err != nil {
			return err
		}
		if info.Size() > audio.MaxFileBytes {
			return fmt.Errorf("%s: %w", c.File, audio.TooLargeError(audio.MaxFileBytes))
		}
	}
	if f.unmeasured[i] = c.Samples == 0; !f.unmeasured[i] || !time.Now().Before(measureUntil) {
		return nil
	}
	r, err := f.decodeClip(context.Background(), i)
	c.Samples, c.Beat = len(r.PCM), r.Beat
	return err
}

// addClip makes a clip known by its text. A text typed in two ways is spoken by the first of its recordings; one typed twice
// in the same way is an error.
func (f *RecordedVoice) addClip(i int, texts map[string]int) error {
	c := f.Clips[i]
	exact := exactKey(c.Text)
	loose := trimKey(exact)
	if _, taken := f.loose[loose]; !taken {
		f.loose[loose] = i
	}
	first, taken := f.exact[exact]
	if !taken {
		f.exact[exact] = i
		return nil
	}
	written := writtenKey(f.Clips[first].Text)
	if _, known := texts[written]; !known {
		texts[written] = first
	}
	written = writtenKey(c.Text)
	before, twice := texts[written]
	texts[written] = i
	if twice {
		return fmt.Errorf("%s, %q: listed twice, with %s and %s", indexFile, c.Text, f.Clips[before].File, c.File)
	}
	return nil
}

// extent returns the length and the beat of a clip, measured now where neither the index nor the opening did. It has
// no length where it cannot be used; Speak says why.
func (f *RecordedVoice) extent(i int) routines.Extent {
	c := f.Clips[i]
	if c.Samples == 0 {
		f.measuring.Lock()
		defer f.measuring.Unlock()
		measured, has := f.lengths[i]
		if !has {
			r, err := f.decodeClip(context.Background(), i)
			if err == nil {
				measured.Samples, measured.Beat = len(r.PCM), r.Beat
			}
			f.lengths[i] = measured
		}
		c = measured
	}
	return routines.Extent{Len: c.Samples, Beat: c.Beat}
}

// lookup returns the index in Clips of a text: with its own punctuation, else ending in a full stop, else in any.
func (f *RecordedVoice) lookup(text string) (int, bool) {
	var space [maxPlainKey + 1]byte
	if key := appendPlainKey(space[:0], text); key != nil {
		return f.lookupKey(key)
	}
	for _, form := range routines.LookupForms(text) {
		if i, has := f.lookupKey([]byte(exactKey(form))); has {
			return i, true
		}
	}
	return 0, false
}

// lookupKey is lookup for an exact key. It may write behind the key.
func (f *RecordedVoice) lookupKey(exact []byte) (int, bool) {
	if i, has := f.exact[string(exact)]; has { // the compiler makes no string for it
		return i, true
	}
	loose := bytes.TrimRight(exact, finalPunctuation)
	i, has := f.loose[string(loose)]
	if has {
		if stopped, is := f.exact[string(append(loose, '.'))]; is {
			i = stopped
		}
	}
	return i, has
}

// maxPlainKey is the length in bytes of the longest key that is made without allocating memory; no recorded phrase is longer.
const maxPlainKey = 255

// appendPlainKey appends the exact key of a text of plain ASCII, the usual case; nil for any other text.
func appendPlainKey(key []byte, text string) []byte {
	if len(text) > maxPlainKey || routines.NormalizeText(text) != text {
		return nil
	}
	for i := range len(text) {
		c := text[i]
		switch {
		case c >= utf8.RuneSelf:
			return nil
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		key = append(key, c)
	}
	return key
}

// Measure returns the length and the beat of a text; false too where its recording cannot be used.
func (f *RecordedVoice) Measure(text string) (routines.Extent, bool) {
	i, has := f.lookup(text)
	if !has {
		return routines.Extent{}, false
	}
	e := f.extent(i)
	return e, e.Len > 0
}

// Speak decodes the recording of a text; it is cut or filled with silence to the length in the index.
func (f *RecordedVoice) Speak(ctx context.Context, text string) (Recording, error) {
	i, has := f.lookup(text)
	if !has {
		return Recording{}, ErrNoRecording
	}
	r, err := f.decodeClip(ctx, i)
	if err != nil {
		return Recording{}, err
	}
	e := f.extent(i)
	return Recording{audio.FitLength(r.PCM, e.Len), e.Beat}, nil
}

// decodeClip reads a recording: as it is, or normalised where the index does not measure it.
func (f *RecordedVoice) decodeClip(ctx context.Context, i int) (Recording, error) {
	name := f.Clips[i].File
	file, err := f.files.Open(ctx, name, audio.MaxFileBytes)
	if err != nil {
		return Recording{}, fmt.Errorf("reading a recording: %w", err)
	}
	defer file.Close()
	var r Recording
	if f.unmeasured[i] {
		r, err = importSpeechFile(file, file.Size, Recipe{})
	} else {
		r, err = decodeFile(file, file.Size)
	}
	if err != nil {
		return Recording{}, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

//go:embed voices
var embeddedVoices embed.FS

// EmbeddedFS returns the folder of an embedded voice, which is opened as any other folder of recordings.
func EmbeddedFS(name string) (fs.FS, error) {
	if _, err := fs.Stat(embeddedVoices, "voices/"+name+"/"+indexFile); err != nil || !fs.ValidPath(name) {
		return nil, fmt.Errorf("no voice named %q is embedded", name)
	}
	files, err := fs.Sub(embeddedVoices, "voices/"+name)
	return embeddedFolder{files, findExePages(), &atomic.Uint32{}}, err
}

// EmbeddedVoices returns the names of the embedded voices, sorted.
func EmbeddedVoices() []string {
	entries, err := embeddedVoices.ReadDir("voices")
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}
