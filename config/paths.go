package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

func Find(name string) (string, []byte, error) {
	if name != "" {
		data, err := os.ReadFile(name)
		if err != nil {
			return name, nil, fmt.Errorf("reading the settings: %w", err)
		}
		return name, data, nil
	}
	for _, place := range standardFiles() {
		data, err := os.ReadFile(place)
		if err == nil {
			return place, data, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return place, nil, fmt.Errorf("reading the settings: %w", err)
		}
	}
	return "the defaults", nil, nil
}

// standardFiles are where settings lie that nobody names, the first first.
func standardFiles() []string {
	const system = "/etc/guided/guided.toml"
	if dir, err := os.UserConfigDir(); err == nil {
		return []string{filepath.Join(dir, "guided", "guided.toml"), system}
	}
	return []string{system}
}

// ExpandHome replaces a leading ~ by the user's folder.
func ExpandHome(path string) string {
	if rest, is := strings.CutPrefix(path, "~"); is && (rest == "" || rest[0] == '/') {
		if dir, err := os.UserHomeDir(); err == nil {
			return dir + rest
		}
	}
	return path
}

// userDir is where the program keeps a kind of file: where systemd says, where the user's session says, or in his home.
func userDir(systemd, xdg, fallback string) string {
	if dir, _, _ := strings.Cut(os.Getenv(systemd), ":"); dir != "" {
		return dir
	}
	if dir := os.Getenv(xdg); filepath.IsAbs(dir) {
		return filepath.Join(dir, "guided")
	}
	return filepath.Join(ExpandHome("~"), fallback, "guided")
}

func CacheDir() string { return userDir("CACHE_DIRECTORY", "XDG_CACHE_HOME", ".cache") }

func StateDir() string { return userDir("STATE_DIRECTORY", "XDG_STATE_HOME", ".local/state") }
