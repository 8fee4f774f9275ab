package voice

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// recipeFile says how single texts are to be spoken, beside the index of a voice that was built.
const recipeFile = "recipe.json"

// Recipe is how one text is spoken where the engine would say it badly as it stands: other words for it, which may be
// the engine's own markup, another voice or more arguments, and which word of what was said is kept. A word said among
// others is clearer than alone.
type Recipe struct {
	Text  string   `json:"text"`
	Say   string   `json:"say,omitempty"`
	Args  []string `json:"args,omitempty"`  // for a program, after its own
	Voice string   `json:"voice,omitempty"` // for a Wyoming server
	Of    int      `json:"of,omitempty"`    // how many words with pauses between them are said
	Take  int      `json:"take,omitempty"`  // which one is kept, from 1
}

// words are what the engine is given.
func (r Recipe) words() string { return cmp.Or(r.Say, r.Text) }

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
