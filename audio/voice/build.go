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

	"github.com/google/renameio/v2"

	"guided/audio"
	"guided/routines"
)

// recipeFile lists the recipes of a built voice, beside its index.
const recipeFile = "recipe.json"

// Builder records a folder with an engine and the program opusenc. Its methods are not for concurrent use.
type Builder struct {
	Dir      string
	Engine   Engine
	Rerecord []string                           // texts that are recorded although the folder has them
	Progress func(done, total int, text string) // progress: called before each text is recorded, by Build's goroutine; may be nil

	index   Index
	recipes map[string]Recipe // by exactKey
}

// pendingClip is a text that is to be recorded, and the file it goes to.
type pendingClip struct {
	Recipe
	file string
}

// Build records those of the texts, and of the texts of the recipes, that the folder does not have, several at a time.
// Each recording is stored as soon as it is made, whether others fail or not. The error joins the errors of all texts.
func (b *Builder) Build(ctx context.Context, texts []string) error {
	if err := b.load(); err != nil {
		return err
	}
	pending, err := b.pendingClips(b.recipesFor(texts))
	if err != nil {
		return err
	}
	type result struct {
		number int // in pending
		clip   Clip
		err    error
	}
	results := make(chan result)
	failed := make([]error, len(pending))
	started, done := 0, 0
	workers := runtime.NumCPU() + 1 // a server synthesizes one text while others are encoded
	for {
		if started < len(pending) && started-done < workers && ctx.Err() == nil {
			next := result{number: started}
			if b.Progress != nil {
				b.Progress(done, len(pending), pending[started].Text)
			}
			go func() {
				next.clip, next.err = b.recordClip(ctx, pending[next.number])
				results <- next
			}()
			started++
			continue
		}
		if started == done {
			break
		}
		r := <-results
		done++
		if r.err == nil {
			r.err = b.addToIndex(r.clip)
		}
		if r.err != nil && ctx.Err() == nil {
			failed[r.number] = fmt.Errorf("%q: %w", pending[r.number].Text, r.err)
		}
	}
	return errors.Join(errors.Join(failed...), ctx.Err(), b.saveIndex())
}

// Prune removes the recordings of texts that are neither among those given nor in a recipe, and returns their texts.
func (b *Builder) Prune(texts []string) (removed []string, err error) {
	if err := b.load(); err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	for _, r := range b.recipesFor(texts) {
		wanted[exactKey(r.Text)] = true
	}
	var kept []Clip
	var files []string
	for _, c := range b.index.Clips {
		if wanted[exactKey(c.Text)] {
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

// load makes the folder where it is missing, and reads its index and its recipes where it has them.
func (b *Builder) load() error {
	b.index = Index{Name: filepath.Base(b.Dir), Lang: "en"}
	b.recipes = map[string]Recipe{}
	if err := os.MkdirAll(b.Dir, 0o755); err != nil {
		return fmt.Errorf("making the voice's folder: %w", err)
	}
	for _, pattern := range []string{".*.opus[0-9]*", "." + indexFile + "[0-9]*"} {
		if err := audio.RemoveTemporary(b.Dir, pattern, leftoverAge); err != nil {
			return fmt.Errorf("removing what an earlier build left: %w", err)
		}
	}
	if err := readJSON(b.Dir, indexFile, &b.index); err != nil {
		return err
	}
	var recipes []Recipe
	if err := readJSON(b.Dir, recipeFile, &recipes); err != nil {
		return err
	}
	for _, r := range recipes {
		b.recipes[exactKey(r.Text)] = r
	}
	return nil
}

// readJSON decodes a file of a folder into v, which stays as it is where there is no such file.
func readJSON(dir, name string, v any) error {
	data, err := audio.NewFiles(audio.InFolders(os.DirFS(dir))).ReadFile(context.Background(), name, maxIndexBytes)
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

// recipesFor returns a recipe for each of the texts and each text that b.recipes has, without duplicates. They are
// sorted by voice, because a server has one voice loaded at a time, then by text.
func (b *Builder) recipesFor(texts []string) []Recipe {
	texts = slices.Clone(texts)
	for _, r := range b.recipes {
		texts = append(texts, r.Text)
	}
	sort.Strings(texts)
	var list []Recipe
	seen := map[string]bool{}
	for _, text := range texts {
		key := exactKey(text)
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

// pendingClips returns the recipes that the folder has no recording of, or that are to be recorded again, each with its file.
func (b *Builder) pendingClips(recipes []Recipe) ([]pendingClip, error) {
	files, taken := map[string]string{}, map[string]bool{} // the file of each key; all files
	for _, c := range b.index.Clips {
		files[exactKey(c.Text)] = c.File
		taken[c.File] = true
	}
	again := map[string]bool{}
	for _, text := range b.Rerecord {
		key := exactKey(text)
		if !slices.ContainsFunc(recipes, func(r Recipe) bool { return exactKey(r.Text) == key }) {
			return nil, fmt.Errorf("%q is not a text of this voice%s", text, suggestText(text, recipes))
		}
		again[key] = true
	}
	var pending []pendingClip
	for _, r := range recipes {
		key := exactKey(r.Text)
		file, recorded := files[key]
		if recorded && !again[key] {
			continue
		}
		if looseKey(r.Text) == "" {
			return nil, fmt.Errorf("%q has no word in it to be spoken", r.Text)
		}
		if !recorded {
			file = fileName(r.Text, taken)
			taken[file] = true
		}
		pending = append(pending, pendingClip{r, file})
	}
	return pending, nil
}

// suggestText returns the end of an error message that suggests the most similar text, empty where none is similar.
func suggestText(text string, recipes []Recipe) string {
	var texts []string
	for _, r := range recipes {
		texts = append(texts, r.Text)
	}
	if near := routines.Nearest(text, texts); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

var notInFileName = regexp.MustCompile(`[^a-z0-9]+`)

// fileName derives the name of a recording from its text, so that a changed text changes one file.
func fileName(text string, taken map[string]bool) string {
	name := strings.Trim(notInFileName.ReplaceAllString(strings.ToLower(text), "-"), "-")
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

// recordClip synthesizes one text and stores it as Ogg Opus. The length and the beat of the clip are measured on what a
// player will decode.
func (b *Builder) recordClip(ctx context.Context, p pendingClip) (Clip, error) {
	file, err := b.Engine.Synthesize(ctx, p.Recipe)
	if err != nil {
		return Clip{}, err
	}
	spoken, err := importSpeech(file, p.Recipe)
	if err != nil {
		return Clip{}, err
	}
	encoded, err := encodeOpus(ctx, spoken)
	if err != nil {
		return Clip{}, err
	}
	encoded, decoded, err := levelOpus(encoded)
	if err != nil {
		return Clip{}, err
	}
	if err := renameio.WriteFile(filepath.Join(b.Dir, p.file), encoded, 0o644, renameio.WithTempDir(b.Dir)); err != nil {
		return Clip{}, fmt.Errorf("storing a recording: %w", err)
	}
	return Clip{Text: p.Text, File: p.file, Samples: len(decoded.PCM), Beat: FindBeat(floats(decoded.PCM))}, nil
}

// addToIndex replaces the clip of the same file in the index, or adds it, and stores the index.
func (b *Builder) addToIndex(c Clip) error {
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
	if err := renameio.WriteFile(filepath.Join(b.Dir, indexFile), out.Bytes(), 0o644, renameio.WithTempDir(b.Dir)); err != nil {
		return fmt.Errorf("storing %s: %w", indexFile, err)
	}
	return nil
}
