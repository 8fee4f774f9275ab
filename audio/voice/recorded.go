package voice

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

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

// RecordedVoice is a voice made of the recordings in a folder, embedded in the program or the user's. It implements Voice.
type RecordedVoice struct {
	Index
	files      fs.FS
	exact      map[string]int // index in Clips by exactKey
	loose      map[string]int // index in Clips by looseKey; the first of several
	unmeasured []bool         // by clip: the index gives no length
}

// OpenRecordedVoice reads the index of a folder of recordings, and measures every recording for which the index has no length.
// The error names every clip that cannot be used.
func OpenRecordedVoice(files fs.FS) (*RecordedVoice, error) {
	data, err := fs.ReadFile(files, indexFile)
	if err != nil {
		return nil, fmt.Errorf("a voice needs an %s with the text of each recording: %w", indexFile, err)
	}
	f := &RecordedVoice{files: files, exact: map[string]int{}, loose: map[string]int{}}
	if err := json.Unmarshal(data, &f.Index); err != nil {
		return nil, fmt.Errorf("reading %s: %w", indexFile, err)
	}
	f.unmeasured = make([]bool, len(f.Clips))
	var failed error
	texts := map[string]int{} // index in Clips by the text as it is written
	for i := range f.Clips {
		c := &f.Clips[i]
		if err := f.prepareClip(i, c); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s, %q: %w", indexFile, c.Text, err))
			continue
		}
		exact, loose := exactKey(c.Text), looseKey(c.Text)
		written := strings.ToLower(strings.Join(strings.Fields(c.Text), " "))
		if first, taken := texts[written]; taken {
			failed = errors.Join(failed, fmt.Errorf("%s, %q: listed twice, with %s and %s", indexFile, c.Text, f.Clips[first].File, c.File))
		}
		texts[written] = i
		if _, taken := f.exact[exact]; !taken { // one text typed in two ways is spoken by the first of its recordings
			f.exact[exact] = i
		}
		if _, taken := f.loose[loose]; !taken {
			f.loose[loose] = i
		}
	}
	if failed != nil {
		return nil, failed
	}
	return f, nil
}

// prepareClip checks a clip of the index and its file, and measures the recording where the index does not.
func (f *RecordedVoice) prepareClip(i int, c *Clip) error {
	switch {
	case looseKey(c.Text) == "" || !fs.ValidPath(c.File):
		return fmt.Errorf("a clip needs its text, and its file in the same folder, not %q", c.File)
	case c.Samples < 0 || c.Samples > audio.MaxFileSeconds*audio.Rate || c.Beat < 0 || c.Beat > c.Samples:
		return fmt.Errorf("%d samples with a beat at %d cannot be; leave both out to have them measured", c.Samples, c.Beat)
	}
	if info, err := fs.Stat(f.files, c.File); err != nil {
		return err
	} else if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", c.File)
	} else if info.Size() > audio.MaxFileBytes {
		return fmt.Errorf("%s: %w", c.File, audio.ErrTooLarge)
	}
	if c.Samples > 0 {
		return nil
	}
	f.unmeasured[i] = true
	r, err := f.decodeClip(i)
	c.Samples, c.Beat = len(r.PCM), r.Beat
	return err
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

// Measure returns what the index says of a text.
func (f *RecordedVoice) Measure(text string) (routines.Extent, bool) {
	i, has := f.lookup(text)
	if !has {
		return routines.Extent{}, false
	}
	return routines.Extent{Len: f.Clips[i].Samples, Beat: f.Clips[i].Beat}, true
}

// Speak decodes the recording of a text; it is cut or filled with silence to the length in the index.
func (f *RecordedVoice) Speak(_ context.Context, text string) (Recording, error) {
	i, has := f.lookup(text)
	if !has {
		return Recording{}, ErrNoRecording
	}
	r, err := f.decodeClip(i)
	if err != nil {
		return Recording{}, err
	}
	return Recording{audio.FitLength(r.PCM, f.Clips[i].Samples), f.Clips[i].Beat}, nil
}

// decodeClip reads a recording: as it is, or normalised where the index does not measure it.
func (f *RecordedVoice) decodeClip(i int) (Recording, error) {
	file := f.Clips[i].File
	data, err := fs.ReadFile(f.files, file)
	if err != nil {
		return Recording{}, fmt.Errorf("reading a recording: %w", err)
	}
	var r Recording
	if f.unmeasured[i] {
		r, err = importSpeech(data, Recipe{})
	} else {
		r, err = Decode(data)
	}
	if err != nil {
		return Recording{}, fmt.Errorf("%s: %w", file, err)
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
