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

// textKeys returns the keys a text is looked up by: with its final punctuation, then without it. Case and blanks do not
// matter. A comma at the end makes the intonation rise, so "two," and "two." may be two recordings.
func textKeys(text string) [2]string {
	exact := strings.ToLower(strings.Join(strings.Fields(text), " "))
	return [2]string{exact, strings.TrimRight(exact, ".,;:!?… ")}
}

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

// Folder is a voice made of the recordings in a folder, embedded in the program or the user's. It implements Voice.
type Folder struct {
	Index
	files      fs.FS
	exact      map[string]int // index in Clips, by the text with its final punctuation
	loose      map[string]int // the same without it; the first of several clips
	unmeasured []bool         // by clip: the index had no samples for it
}

// OpenFolder reads the index of a folder of recordings, and measures every recording for which the index has no length.
// The error names every clip that cannot be used.
func OpenFolder(files fs.FS) (*Folder, error) {
	data, err := fs.ReadFile(files, indexFile)
	if err != nil {
		return nil, fmt.Errorf("a voice needs an %s with the text of each recording: %w", indexFile, err)
	}
	f := &Folder{files: files, exact: map[string]int{}, loose: map[string]int{}}
	if err := json.Unmarshal(data, &f.Index); err != nil {
		return nil, fmt.Errorf("reading %s: %w", indexFile, err)
	}
	f.unmeasured = make([]bool, len(f.Clips))
	var failed error
	for i := range f.Clips {
		c := &f.Clips[i]
		if err := f.prepareClip(i, c); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s, %q: %w", indexFile, c.Text, err))
			continue
		}
		keys := textKeys(c.Text)
		if first, taken := f.exact[keys[0]]; taken {
			failed = errors.Join(failed, fmt.Errorf("%s, %q: listed twice, with %s and %s", indexFile, c.Text, f.Clips[first].File, c.File))
		}
		f.exact[keys[0]] = i
		if _, taken := f.loose[keys[1]]; !taken {
			f.loose[keys[1]] = i
		}
	}
	if failed != nil {
		return nil, failed
	}
	return f, nil
}

// prepareClip checks a clip of the index and its file, and measures the recording where the index does not.
func (f *Folder) prepareClip(i int, c *Clip) error {
	switch {
	case textKeys(c.Text)[1] == "" || !fs.ValidPath(c.File):
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
func (f *Folder) lookup(text string) (int, bool) {
	keys := textKeys(text)
	for _, key := range []string{keys[0], keys[1] + "."} {
		if i, has := f.exact[key]; has {
			return i, true
		}
	}
	i, has := f.loose[keys[1]]
	return i, has
}

// Measure returns what the index says of a text.
func (f *Folder) Measure(text string) (routines.Extent, bool) {
	i, has := f.lookup(text)
	if !has {
		return routines.Extent{}, false
	}
	return routines.Extent{Len: f.Clips[i].Samples, Beat: f.Clips[i].Beat}, true
}

// Speak decodes the recording of a text; it is cut or filled with silence to the length in the index.
func (f *Folder) Speak(_ context.Context, text string) (Recording, error) {
	i, has := f.lookup(text)
	if !has {
		return Recording{}, ErrUnspoken
	}
	r, err := f.decodeClip(i)
	if err != nil {
		return Recording{}, err
	}
	return Recording{audio.FitLength(r.PCM, f.Clips[i].Samples), f.Clips[i].Beat}, nil
}

// decodeClip reads a recording: as it is, or normalised where the index does not measure it.
func (f *Folder) decodeClip(i int) (Recording, error) {
	file := f.Clips[i].File
	data, err := fs.ReadFile(f.files, file)
	if err != nil {
		return Recording{}, fmt.Errorf("reading a recording: %w", err)
	}
	var r Recording
	if f.unmeasured[i] {
		r, err = importSpeech(data, Recipe{})
	} else {
		r, err = ImportSound(data)
	}
	if err != nil {
		return Recording{}, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}

//go:embed voices
var embeddedVoices embed.FS

// Embedded returns the folder of an embedded voice, to be opened with OpenFolder.
func Embedded(name string) (fs.FS, error) {
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
