package routines_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guided/routines"
)

// Beside every file of testdata/bad lies a .want file with all problems that must be reported.
func TestLibraryLoadReportsAllProblems(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	library := routines.Library{os.DirFS("testdata/bad"), routines.Builtin()}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".toml")
		t.Run(name, func(t *testing.T) {
			_, err := library.Load(t.Context(), name)
			if err == nil {
				t.Fatal("it was accepted")
			}
			compareGolden(t, strings.TrimSuffix(file, ".toml")+".want", err.Error()+"\n")
		})
	}
}

func FuzzParse(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, text string, _ uint64) {
		_, err := routines.Parse("fuzz.toml", []byte(text))
		var problems routines.Problems
		if err != nil && (!errors.As(err, &problems) || len(problems) == 0) {
			t.Fatalf("an error that is no list of problems: %v", err)
		}
		lines := strings.Count(text, "\n") + 1
		for _, p := range problems {
			if p.File != "fuzz.toml" || p.What == "" || p.Line < 0 || p.Line > lines {
				t.Errorf("a problem without its place: %+v in %d lines", p, lines)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	data, err := os.ReadFile("testdata/golden/everything.toml")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := routines.Parse("everything.toml", data); err != nil {
			b.Fatal(err)
		}
	}
}
