package voice

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"guided/audio"
	"guided/routines"
)

// exactKey is what a text is looked up by, with its final punctuation: a comma at the end makes the intonation rise, so
// "two," and "two." may be two recordings. Case does not matter, nor how apostrophes, quotes, dashes, blanks and accents
// are typed (routines.NormalizeText).
func exactKey(text string) string { return strings.ToLower(routines.NormalizeText(text)) }

// looseKey is exactKey without the final punctuation; empty where a text has no word.
func looseKey(text string) string { return strings.TrimRight(exactKey(text), ".,;:!? ") }

// Index is the index.json of a folder of recordings.
type Index struct {
	Name  string `json:"name"`
	Lang  string `json:"lang"`
	About string `json:"about,omitempty"` // who speaks, and under which licence
	Clips []Clip `json:"clips"`
}

// Clip is one recording of a folder. Samples is its length and Beat its beat, both in samples at audio.Rate. A clip with
// Samples 0 has not been measured, as one recorded at home: it is trimmed, levelled and measured when it is read.
type Clip struct {
	Text    string `json:"text"`
	File    string `json:"file"` // .opus, .flac or .wav, beside the index
	Samples int    `json:"samples,omitempty"`
	Beat    int    `json:"beat,omitempty"`
}

const indexFile = "index.json"

// The bounds of a folder of recordings: ten thousand phrases are more than a voice has, and their index takes 2 MiB.
const (
	maxClips      = 20_000
	maxIndexBytes = 8 << 20
	// measureBudget is how long opening a voice may decode recordings that its index does not measure. Those that are left
	// are measured when they are first asked for.
	measureBudget = 10 * time.Second
	maxReported   = 20 // problems in one error
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
	f := &RecordedVoice{
		folder: folder, files: audio.NewFiles(audio.InFolders(folder)),
		exact: map[string]int{}, loose: map[string]int{}, lengths: map[int]Clip{},
	}
	data, err := f.files.ReadFile(context.Background(), indexFile, maxIndexBytes)
	if err != nil {
		return nil, fmt.Errorf("a voice needs an %s with the text of each recording: %w", indexFile, err)
	}
	if err := json.Unmarshal(data, &f.Index); err != nil {
		return nil, fmt.Errorf("reading %s: %w", indexFile, err)
	}
	if len(f.Clips) > maxClips {
		return nil, fmt.Errorf("%s lists %d recordings, and a voice may have %d", indexFile, len(f.Clips), maxClips)
	}
	f.unmeasured = make([]bool, len(f.Clips))
	measureUntil := time.Now().Add(measureBudget)
	var failed []error
	texts := map[string]int{} // index in Clips by the text as it is written
	for i := range f.Clips {
		c := &f.Clips[i]
		if err := f.prepareClip(i, c, time.Now().Before(measureUntil)); err != nil {
			failed = append(failed, fmt.Errorf("%s, %q: %w", indexFile, c.Text, err))
			continue
		}
		exact, loose := exactKey(c.Text), looseKey(c.Text)
		written := strings.ToLower(strings.Join(strings.Fields(c.Text), " "))
		if first, taken := texts[written]; taken {
			failed = append(failed, fmt.Errorf("%s, %q: listed twice, with %s and %s", indexFile, c.Text, f.Clips[first].File, c.File))
		}
		texts[written] = i
		if _, taken := f.exact[exact]; !taken { // one text typed in two ways is spoken by the first of its recordings
			f.exact[exact] = i
		}
		if _, taken := f.loose[loose]; !taken {
			f.loose[loose] = i
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

// prepareClip checks a clip of the index and its file, and measures the recording where the index does not.
func (f *RecordedVoice) prepareClip(i int, c *Clip, measure bool) error {
	switch {
	case looseKey(c.Text) == "" || !fs.ValidPath(c.File):
		return fmt.Errorf("a clip needs its text, and its file in the same folder, not %q", c.File)
	case c.Samples < 0 || c.Samples > audio.MaxFileSeconds*audio.Rate || c.Beat < 0 || c.Beat > c.Samples:
		return fmt.Errorf("%d samples with a beat at %d cannot be; leave both out to have them measured", c.Samples, c.Beat)
	}
	info, err := f.files.Stat(context.Background(), f.folder, c.File)
	if err != nil {
		return err
	}
	if info.Size() > audio.MaxFileBytes {
		return fmt.Errorf("%s: %w", c.File, audio.TooLargeError(audio.MaxFileBytes))
	}
	if f.unmeasured[i] = c.Samples == 0; !f.unmeasured[i] || !measure {
		return nil
	}
	r, err := f.decodeClip(context.Background(), i)
	c.Samples, c.Beat = len(r.PCM), r.Beat
	return err
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
	for _, form := range routines.LookupForms(text) {
		exact, loose := exactKey(form), looseKey(form)
		for _, key := range []string{exact, loose + "."} {
			if i, ok := f.exact[key]; ok {
				return i, true
			}
		}
		if i, ok := f.loose[loose]; ok {
			return i, true
		}
	}
	return 0, false
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
	return fs.Sub(embeddedVoices, "voices/"+name)
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
