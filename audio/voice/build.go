package voice

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
	"runtime"
	"slices"
	"sort"
	"sync"

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
	if err := b.open(); err != nil {
		return err
	}
	jobs, err := b.missing(b.wanted(texts))
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
			err := b.record(ctx, j)
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
	return errors.Join(errors.Join(failed...), ctx.Err(), b.save())
}

// Prune removes the recordings that neither the texts nor a recipe want, and tells their texts.
func (b *Builder) Prune(texts []string) (removed []string, err error) {
	if err := b.open(); err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	for _, r := range b.wanted(texts) {
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
	if err := b.save(); err != nil {
		return nil, err
	}
	for _, file := range files {
		if failed := os.Remove(filepath.Join(b.Dir, file)); !errors.Is(failed, fs.ErrNotExist) {
			err = errors.Join(err, failed)
		}
	}
	return removed, err
}

// open reads what the folder has; a new folder has nothing.
func (b *Builder) open() error {
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

// record speaks one text, brings it to level, and stores it as Opus. Its samples and beat are those of what a player
// will decode.
func (b *Builder) record(ctx context.Context, j job) error {
	wav, err := b.Engine.Say(ctx, j.Recipe)
	if err != nil {
		return err
	}
	spoken, err := importWord(wav, j.Of, j.Take)
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
	return b.store(encoded, Clip{Text: j.Text, File: j.file, Samples: len(decoded.PCM), Beat: beatOf(decoded)})
}

// store writes a recording, then the index that names it.
func (b *Builder) store(encoded []byte, c Clip) error {
	if err := renameio.WriteFile(filepath.Join(b.Dir, c.File), encoded, 0o644); err != nil {
		return fmt.Errorf("storing a recording: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.index.Clips = slices.DeleteFunc(b.index.Clips, func(old Clip) bool { return old.File == c.File })
	b.index.Clips = append(b.index.Clips, c)
	return b.save()
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
