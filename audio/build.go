package audio

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"github.com/google/renameio/v2"
)

// recipeFile says how single texts are to be spoken, beside the index of a voice that was built.
const recipeFile = "recipe.json"

// Recipe is how one text is spoken where the speaker would say it badly as it stands: other words for it, more
// arguments for the speaker, and which word of what he said is kept. A word said among others is clearer than alone.
type Recipe struct {
	Text string   `json:"text"`
	Say  string   `json:"say,omitempty"`
	Args []string `json:"args,omitempty"`
	Of   int      `json:"of,omitempty"`   // how many words with pauses between them the speaker says
	Take int      `json:"take,omitempty"` // which one is kept, from 1
}

// Builder makes a folder of recordings with a speech program and opusenc.
type Builder struct {
	Dir     string
	Speaker []string          // the program: text on standard input, WAV on standard output
	Told    func(text string) // called before each text that is spoken
	index   Index
	recipes map[string]Recipe
}

// Build speaks what the folder does not have yet of the texts, and of those that its recipes name. What was spoken is
// kept even when a later text fails.
func (b *Builder) Build(ctx context.Context, texts []string) error {
	if err := b.open(); err != nil {
		return err
	}
	have := map[string]bool{}
	for _, c := range b.index.Clips {
		have[textKeys(c.Text)[0]] = true
	}
	for text := range b.recipes {
		texts = append(texts, text)
	}
	sort.Strings(texts)
	var failed error
	for _, text := range texts {
		key := textKeys(text)[0]
		if have[key] || ctx.Err() != nil {
			continue
		}
		have[key] = true
		if b.Told != nil {
			b.Told(text)
		}
		c, err := b.record(ctx, text)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%q: %w", text, err))
			continue
		}
		b.index.Clips = append(b.index.Clips, c)
		if err := b.save(); err != nil {
			return err
		}
	}
	return errors.Join(failed, ctx.Err(), b.save())
}

// open reads what the folder has; a new folder has nothing.
func (b *Builder) open() error {
	b.index = Index{Name: filepath.Base(b.Dir), Lang: "en"}
	b.recipes = map[string]Recipe{}
	if err := os.MkdirAll(b.Dir, 0o755); err != nil {
		return fmt.Errorf("making the voice's folder: %w", err)
	}
	var recipes []Recipe
	for name, v := range map[string]any{indexFile: &b.index, recipeFile: &recipes} {
		data, err := os.ReadFile(filepath.Join(b.Dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = json.Unmarshal(data, v)
		}
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
	}
	for _, r := range recipes {
		b.recipes[r.Text] = r
	}
	return nil
}

// record speaks one text, brings it to level, and stores it as Opus. Its samples and beat are those of what a player
// will decode.
func (b *Builder) record(ctx context.Context, text string) (Clip, error) {
	say, args := text, b.Speaker
	r, has := b.recipes[text]
	if has {
		args = append(append([]string{}, args...), r.Args...)
		if r.Say != "" {
			say = r.Say
		}
	}
	wav, err := (&Command{args: args}).run(ctx, say)
	if err != nil {
		return Clip{}, err
	}
	spoken, err := importWord(wav, r.Of, r.Take)
	if err != nil {
		return Clip{}, err
	}
	c := Clip{Text: text, File: b.fileFor(text)}
	encoded, err := encodeOpus(ctx, spoken)
	if err != nil {
		return Clip{}, err
	}
	decoded, err := importSound(encoded)
	if err != nil {
		return Clip{}, fmt.Errorf("reading back what was stored: %w", err)
	}
	c.Samples, c.Beat = len(decoded.PCM), beatOf(decoded)
	if err := renameio.WriteFile(filepath.Join(b.Dir, c.File), encoded, 0o644); err != nil {
		return Clip{}, fmt.Errorf("storing a recording: %w", err)
	}
	return c, nil
}

// fileFor names a recording by its text, so that a changed text changes one file.
func (b *Builder) fileFor(text string) string {
	name := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(text), "-")
	name = strings.Trim(name, "-")
	if strings.HasSuffix(text, ",") {
		name += "-"
	}
	if len(name) > 60 {
		name = name[:60]
	}
	for _, c := range b.index.Clips {
		if c.File == name+".opus" {
			return name + "-" + cacheKey(text)[:6] + ".opus"
		}
	}
	return name + ".opus"
}

// encodeOpus is what the embedded clips are: one stream of speech at 32 kbit/s, the same bytes for the same sound.
func encodeOpus(ctx context.Context, r Recording) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "opusenc", "--quiet", "--speech", "--bitrate", "32", "--serial", "1",
		"--discard-comments", "--discard-pictures", "-", "-")
	cmd.Stdin = bytes.NewReader(formatCached(r))
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, errors.New("opusenc is not installed; install the package opus-tools")
	}
	if err != nil {
		return nil, fmt.Errorf("opusenc: %w: %s", err, lastLine(complaint.Bytes()))
	}
	return out.Bytes(), nil
}

func (b *Builder) save() error {
	sort.Slice(b.index.Clips, func(i, j int) bool { return b.index.Clips[i].File < b.index.Clips[j].File })
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(b.index); err != nil {
		return err
	}
	if err := renameio.WriteFile(filepath.Join(b.Dir, indexFile), out.Bytes(), 0o644); err != nil {
		return fmt.Errorf("storing %s: %w", indexFile, err)
	}
	return nil
}
