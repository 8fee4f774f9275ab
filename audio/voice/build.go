package voice

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"sort"
	"strings"
	"sync"

	"guided/routines"

	"github.com/google/renameio/v2"
	"golang.org/x/sync/errgroup"
)

// Builder makes a folder of recordings with an engine and opusenc.
type Builder struct {
	Dir    string
	Engine Engine
	Again  []string                           // texts that are spoken though the folder has them
	Told   func(done, total int, text string) // called before each text that is spoken, never by two at a time

	mu      sync.Mutex // index
	index   Index
	recipes map[string]Recipe // by key
}

// Build speaks what the folder does not have yet of the texts, and of those that its recipes name, several at a time.
// What was spoken is kept even when other texts fail; the error tells them all.
func (b *Builder) Build(ctx context.Context, texts []string) error {
	if err := b.load(); err != nil {
		return err
	}
	jobs, err := b.pendingClips(b.recipesFor(texts))
	if err != nil {
		return err
	}
	var done int
	failed := make([]error, len(jobs))
	work := errgroup.Group{}
	work.SetLimit(runtime.NumCPU() + 1) // a server speaks one text while others are encoded
	for i, j := range jobs {
		if ctx.Err() != nil {
			break
		}
		if b.Told != nil {
			b.mu.Lock()
			so := done
			b.mu.Unlock()
			b.Told(so, len(jobs), j.Text)
		}
		work.Go(func() error {
			err := b.recordClip(ctx, j)
			if err != nil && ctx.Err() == nil {
				failed[i] = fmt.Errorf("%q: %w", j.Text, err)
			}
			b.mu.Lock()
			done++
			b.mu.Unlock()
			return nil
		})
	}
	_ = work.Wait() // what failed is in failed
	return errors.Join(errors.Join(failed...), ctx.Err(), b.saveIndex())
}

// Prune removes the recordings that neither the texts nor a recipe want, and tells their texts.
func (b *Builder) Prune(texts []string) (removed []string, err error) {
	if err := b.load(); err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	for _, r := range b.recipesFor(texts) {
		wanted[textKeys(r.Text)[0]] = true
	}
	var kept []Clip
	var files []string
	for _, c := range b.index.Clips {
		if wanted[textKeys(c.Text)[0]] {
			kept = append(kept, c)
			continue
		}
		removed, files = append(removed, c.Text), append(files, c.File)
	}
	if len(removed) == 0 {
		return nil, nil
	}
	b.index.Clips = kept
	if err := b.saveIndex(); err != nil {
		return nil, err
	}
	for _, file := range files {
		if failed := os.Remove(filepath.Join(b.Dir, file)); !errors.Is(failed, fs.ErrNotExist) {
			err = errors.Join(err, failed)
		}
	}
	return removed, err
}

// load reads what the folder has; a new folder has nothing.
func (b *Builder) load() error {
	b.index = Index{Name: filepath.Base(b.Dir), Lang: "en"}
	b.recipes = map[string]Recipe{}
	if err := os.MkdirAll(b.Dir, 0o755); err != nil {
		return fmt.Errorf("making the voice's folder: %w", err)
	}
	if err := readJSON(b.Dir, indexFile, &b.index); err != nil {
		return err
	}
	var recipes []Recipe
	if err := readJSON(b.Dir, recipeFile, &recipes); err != nil {
		return err
	}
	for _, r := range recipes {
		b.recipes[textKeys(r.Text)[0]] = r
	}
	return nil
}

// recordClip speaks one text, brings it to level, and stores it as Opus. Its samples and beat are those of what a player
// will decode.
func (b *Builder) recordClip(ctx context.Context, j pendingClip) error {
	wav, err := b.Engine.Synthesize(ctx, j.Recipe)
	if err != nil {
		return err
	}
	spoken, err := importSpeech(wav, j.Recipe)
	if err != nil {
		return err
	}
	encoded, err := encodeOpus(ctx, spoken)
	if err != nil {
		return err
	}
	encoded, decoded, err := levelOpus(encoded)
	if err != nil {
		return err
	}
	return b.saveClip(encoded, Clip{Text: j.Text, File: j.file, Samples: len(decoded.PCM), Beat: Beat(floats(decoded.PCM))})
}

// saveClip writes a recording, then the index that names it.
func (b *Builder) saveClip(encoded []byte, c Clip) error {
	if err := renameio.WriteFile(filepath.Join(b.Dir, c.File), encoded, 0o644); err != nil {
		return fmt.Errorf("storing a recording: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.index.Clips = slices.DeleteFunc(b.index.Clips, func(old Clip) bool { return old.File == c.File })
	b.index.Clips = append(b.index.Clips, c)
	return b.saveIndex()
}

func (b *Builder) saveIndex() error {
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

// recipeFile says how single texts are to be spoken, beside the index of a voice that was built.
const recipeFile = "recipe.json"

// readJSON reads a file of a voice's folder; one that is not there changes nothing.
func readJSON(dir, name string, v any) error {
	data, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	return nil
}

// pendingClip is a text to be spoken, and the file it goes to.
type pendingClip struct {
	Recipe
	file string
}

// recipesFor are the recipes of the texts and of those that have one, each text once, by voice: a server loads one at a
// time.
func (b *Builder) recipesFor(texts []string) []Recipe {
	texts = slices.Clone(texts)
	for _, r := range b.recipes {
		texts = append(texts, r.Text)
	}
	sort.Strings(texts)
	var list []Recipe
	seen := map[string]bool{}
	for _, text := range texts {
		key := textKeys(text)[0]
		if seen[key] {
			continue
		}
		seen[key] = true
		r := b.recipes[key]
		r.Text = text
		list = append(list, r)
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].Voice < list[j].Voice })
	return list
}

// pendingClips are the jobs that are to be done.
func (b *Builder) pendingClips(wanted []Recipe) ([]pendingClip, error) {
	have, taken := map[string]string{}, map[string]bool{} // file by key, and every file
	for _, c := range b.index.Clips {
		have[textKeys(c.Text)[0]] = c.File
		taken[c.File] = true
	}
	again := map[string]bool{}
	for _, text := range b.Again {
		key := textKeys(text)[0]
		if !slices.ContainsFunc(wanted, func(r Recipe) bool { return textKeys(r.Text)[0] == key }) {
			return nil, fmt.Errorf("%q is not a text of this voice%s", text, suggestText(text, wanted))
		}
		again[key] = true
	}
	var jobs []pendingClip
	for _, r := range wanted {
		key := textKeys(r.Text)[0]
		file, has := have[key]
		if has && !again[key] {
			continue
		}
		if textKeys(r.Text)[1] == "" {
			return nil, fmt.Errorf("%q has no word in it to be spoken", r.Text)
		}
		if !has {
			file = fileName(r.Text, taken)
			taken[file] = true
		}
		jobs = append(jobs, pendingClip{r, file})
	}
	return jobs, nil
}

func suggestText(text string, wanted []Recipe) string {
	var texts []string
	for _, r := range wanted {
		texts = append(texts, r.Text)
	}
	if near := routines.Nearest(text, texts); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// fileName names a recording by its text, so that a changed text changes one file.
func fileName(text string, taken map[string]bool) string {
	name := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(text), "-")
	name = strings.Trim(name, "-")
	if strings.HasSuffix(text, ",") {
		name += "-"
	}
	if len(name) > 60 {
		name = name[:60]
	}
	if taken[name+".opus"] {
		name += "-" + cacheKey(text)[:6]
	}
	return name + ".opus"
}
