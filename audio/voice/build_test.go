package voice

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guided/audio"
	"guided/audio/audiotest"
)

func espeak() *Command { return NewCommand([]string{"espeak-ng", "--stdin", "--stdout"}) }

// buildVoice records texts with espeak-ng into a folder, and returns those that were recorded.
func buildVoice(t *testing.T, dir string, texts ...string) ([]string, error) {
	t.Helper()
	audiotest.RequireProgram(t, "espeak-ng")
	audiotest.RequireProgram(t, "opusenc")
	var recorded []string
	b := Builder{Dir: dir, Engine: espeak(), Progress: func(_, _ int, text string) { recorded = append(recorded, text) }}
	err := b.Build(t.Context(), texts)
	return recorded, err
}

func TestBuilderBuild(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "robot")
	recipe := []Recipe{{Text: "two.", Say: "one. two.", Args: []string{"-g", "40"}, Words: 2, Word: 2}} // 400 ms between words
	data, err := json.Marshal(recipe)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, recipeFile), data, 0o644); err != nil {
		t.Fatal(err)
	}
	recorded, err := buildVoice(t, dir, "Well done.", "well done")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(recorded, "|") != "Well done.|two.|well done" {
		t.Errorf("spoke %q", recorded)
	}
	v, err := OpenRecordedVoice(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"Well done.", "two."} {
		e, has := v.Measure(text)
		r, err := v.Speak(t.Context(), text)
		if !has || err != nil || len(r.PCM) != e.Len || r.Beat != e.Beat || e.Len < audio.Rate/5 {
			t.Errorf("%q: %+v, %d samples, %v", text, e, len(r.PCM), err)
		}
		samples := make([]float64, len(r.PCM))
		for i, s := range r.PCM {
			samples[i] = float64(s) / 32768
		}
		if got := audio.Loudness(samples); got < audio.PhraseLUFS-1.5 || got > audio.PhraseLUFS+1.5 {
			t.Errorf("%q is stored at %.1f LUFS", text, got)
		}
	}
	if one, _ := v.Measure("two."); one.Len > audio.Rate*8/10 {
		t.Errorf("the second word of two lasts %d samples", one.Len)
	}
	t.Run("a second build records nothing and leaves the index", func(t *testing.T) {
		before, err := os.ReadFile(filepath.Join(dir, indexFile))
		if err != nil {
			t.Fatal(err)
		}
		recorded, err := buildVoice(t, dir, "Well done.")
		if err != nil || len(recorded) > 0 {
			t.Errorf("spoke %q: %v", recorded, err)
		}
		if after, _ := os.ReadFile(filepath.Join(dir, indexFile)); string(after) != string(before) {
			t.Error("the index has changed")
		}
	})
	t.Run("one more text records one more file", func(t *testing.T) {
		recorded, err := buildVoice(t, dir, "Rest.")
		if err != nil || len(recorded) != 1 {
			t.Errorf("spoke %q: %v", recorded, err)
		}
	})
	t.Run("a text recorded again replaces its file", func(t *testing.T) {
		var recorded []string
		b := Builder{Dir: dir, Engine: NewCommand(append(espeak().args, "-s", "90")), Rerecord: []string{"well done."},
			Progress: func(_, _ int, text string) { recorded = append(recorded, text) }}
		before, _ := v.Measure("Well done.")
		if err := b.Build(t.Context(), []string{"Well done.", "Rest."}); err != nil || strings.Join(recorded, "|") != "Well done." {
			t.Fatalf("spoke %q: %v", recorded, err)
		}
		slower, err := OpenRecordedVoice(os.DirFS(dir))
		if err != nil {
			t.Fatal(err)
		}
		if after, _ := slower.Measure("Well done."); after.Len <= before.Len || len(slower.Clips) != 4 {
			t.Errorf("%d samples, %d before; %d clips", after.Len, before.Len, len(slower.Clips))
		}
	})
	t.Run("an unknown text to be recorded again suggests the nearest", func(t *testing.T) {
		b := Builder{Dir: dir, Engine: espeak(), Rerecord: []string{"Rast."}}
		if err := b.Build(t.Context(), []string{"Rest."}); err == nil || !strings.Contains(err.Error(), `did you mean "Rest."`) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a text without a word is refused, because the voice could not be opened", func(t *testing.T) {
		b := Builder{Dir: dir, Engine: espeak()}
		if err := b.Build(t.Context(), []string{"..."}); err == nil || !strings.Contains(err.Error(), "no word") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("Prune removes unwanted clips and their files, but not those of recipes", func(t *testing.T) {
		b := Builder{Dir: dir}
		removed, err := b.Prune([]string{"Rest.", "well done"})
		if err != nil || strings.Join(removed, "|") != "Well done." {
			t.Errorf("removed %q: %v", removed, err)
		}
		left, err := OpenRecordedVoice(os.DirFS(dir))
		if err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(dir, "*.opus"))
		if err != nil || len(files) != len(left.Clips) || len(files) != 3 {
			t.Errorf("%d clips in %q: %v", len(left.Clips), files, err)
		}
	})
	t.Run("a failing engine is reported for every text, and the folder stays usable", func(t *testing.T) {
		b := Builder{Dir: dir, Engine: NewCommand([]string{"false"})}
		if err := b.Build(t.Context(), []string{"New words.", "Others."}); err == nil || !strings.Contains(err.Error(), "New words.") || !strings.Contains(err.Error(), "Others.") {
			t.Errorf("got %v", err)
		}
		if _, err := OpenRecordedVoice(os.DirFS(dir)); err != nil {
			t.Error(err)
		}
	})
}
