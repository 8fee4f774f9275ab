package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Find reads the settings file at name, or, where name is "", the first standard file that exists. Without any, the data is
// nil and the name is "the defaults".
func Find(name string) (string, []byte, error) {
	if name != "" {
		data, err := os.ReadFile(name)
		if err != nil {
			return name, nil, fmt.Errorf("reading the settings: %w", err)
		}
		return name, data, nil
	}
	for _, file := range standardFiles() {
		data, err := os.ReadFile(file)
		if err == nil {
			return file, data, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return file, nil, fmt.Errorf("reading the settings: %w", err)
		}
	}
	return "the defaults", nil, nil
}

// standardFiles are the settings files for which no --config is needed; the first that exists is read.
func standardFiles() []string {
	const system = "/etc/guided/guided.toml"
	if dir, err := os.UserConfigDir(); err == nil {
		return []string{filepath.Join(dir, "guided", "guided.toml"), system}
	}
	return []string{system}
}

// ExpandHome replaces a leading ~ by the user's home folder.
func ExpandHome(path string) string {
	if rest, is := strings.CutPrefix(path, "~"); is && (rest == "" || rest[0] == '/') {
		if dir, err := os.UserHomeDir(); err == nil {
			return dir + rest
		}
	}
	return path
}

// userDir is the folder for one kind of file: that of systemd (systemd.exec(5), "RuntimeDirectory="), that of the XDG Base
// Directory Specification, or the latter's default in the home folder.
func userDir(systemd, xdg, fallback string) string {
	if dir, _, _ := strings.Cut(os.Getenv(systemd), ":"); dir != "" {
		return dir
	}
	if dir := os.Getenv(xdg); filepath.IsAbs(dir) {
		return filepath.Join(dir, "guided")
	}
	return filepath.Join(ExpandHome("~"), fallback, "guided")
}

// CacheDir is the folder for what can be made again.
func CacheDir() string { return userDir("CACHE_DIRECTORY", "XDG_CACHE_HOME", ".cache") }

// StateDir is the folder for what must survive a restart.
func StateDir() string { return userDir("STATE_DIRECTORY", "XDG_STATE_HOME", ".local/state") }
