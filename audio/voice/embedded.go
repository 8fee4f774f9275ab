package voice

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed voices
var voices embed.FS

// Embedded is the folder of a voice inside the program, to be opened with OpenFolder.
func Embedded(name string) (fs.FS, error) {
	if _, err := fs.Stat(voices, "voices/"+name+"/"+indexFile); err != nil || !fs.ValidPath(name) {
		return nil, fmt.Errorf("no voice named %q is embedded", name)
	}
	return fs.Sub(voices, "voices/"+name)
}

// EmbeddedVoices lists their names.
func EmbeddedVoices() []string {
	entries, err := voices.ReadDir("voices")
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
