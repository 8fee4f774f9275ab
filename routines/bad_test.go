package routines_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guided/routines"
)

// TestBadRoutines reads every file of testdata/bad; the .want beside it holds all that must be said of it.
func TestBadRoutines(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	library := routines.Library{os.DirFS("testdata/bad"), routines.Builtin()}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".toml")
		t.Run(name, func(t *testing.T) {
			_, err := library.Load(name)
			if err == nil {
				t.Fatal("it was accepted")
			}
			golden(t, strings.TrimSuffix(file, ".toml")+".want", err.Error()+"\n")
		})
	}
}
