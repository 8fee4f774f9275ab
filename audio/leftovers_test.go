package audio

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestRemoveTemporaryLeavesWhatIsInUse(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a [strange] folder")
	if err := os.MkdirAll(filepath.Join(dir, ".left7", "inside"), 0o755); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	for name, at := range map[string]time.Time{".left1": old, ".left2": old, ".left3": time.Now(), "kept": old} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(filepath.Join(dir, ".left7"), old, old); err != nil {
		t.Fatal(err)
	}
	written, err := os.Open(filepath.Join(dir, ".left2")) // a process that lives
	if err != nil {
		t.Fatal(err)
	}
	defer written.Close()
	if err := RemoveTemporary(dir, ".left*", time.Minute); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{".left1": false, ".left2": true, ".left3": true, ".left7": false, "kept": true} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s is there: %v", name, err == nil)
		}
	}
	if err := RemoveTemporary(filepath.Join(dir, "nowhere"), "*", 0); err != nil {
		t.Error(err)
	}
}
