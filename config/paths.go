package config

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
)

// Find reads the settings file at name, or, where name is "", the first standard file that exists. Without any, the data is
// nil and the name is "the defaults". The text is UTF-8 without a byte order mark.
func Find(name string) (string, []byte, error) {
	if name != "" {
		data, err := readSettings(name)
		return name, data, err
	}
	for _, file := range standardFiles() {
		data, err := readSettings(file)
		if !errors.Is(err, fs.ErrNotExist) {
			return file, data, err
		}
	}
	return "the defaults", nil, nil
}

// SystemFile is the settings file of the whole machine.
const SystemFile = "/etc/guided/guided.toml"

// standardFiles are the settings files for which no --config is needed; the first that exists is read.
func standardFiles() []string {
	dir := os.Getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) { // the specification says to ignore a relative one
		home := homeDir()
		if home == "" {
			return []string{SystemFile}
		}
		dir = filepath.Join(home, ".config")
	}
	return []string{filepath.Join(dir, "guided", "guided.toml"), SystemFile}
}

// homeDir is the user's home folder: $HOME where that is an absolute path, else that of the user in /etc/passwd. An init
// script, `env -i` and some containers set no HOME. It is "" where neither is known.
func homeDir() string {
	if dir := os.Getenv("HOME"); filepath.IsAbs(dir) {
		return dir
	}
	if u, err := user.LookupId(strconv.Itoa(os.Getuid())); err == nil && filepath.IsAbs(u.HomeDir) {
		return u.HomeDir
	}
	return ""
}

// noFolder takes the place of a folder in the home of a user who has none. Nothing can be created in it, so whoever wants
// to keep something there reports that as for any other folder that cannot be written to.
const noFolder = "/dev/null/guided"

// ExpandHome replaces a leading ~ by the user's home folder, or by a folder that cannot exist where the user has none. The
// ~ of another user stays.
func ExpandHome(path string) string {
	rest, is := strings.CutPrefix(path, "~")
	if !is || rest != "" && rest[0] != '/' {
		return path
	}
	if dir := homeDir(); dir != "" {
		return filepath.Join(dir, rest)
	}
	return filepath.Join(noFolder, rest)
}

// userDir is the folder for one kind of file: that of systemd (systemd.exec(5), "RuntimeDirectory="), that of the XDG Base
// Directory Specification, or the latter's default in the home folder. Relative paths are ignored, as the specification
// says.
func userDir(systemd, xdg, fallback string) string {
	if dir, _, _ := strings.Cut(os.Getenv(systemd), ":"); filepath.IsAbs(dir) {
		return dir
	}
	if dir := os.Getenv(xdg); filepath.IsAbs(dir) {
		return filepath.Join(dir, "guided")
	}
	if dir := homeDir(); dir != "" {
		return filepath.Join(dir, fallback, "guided")
	}
	return noFolder
}

// CacheDir is the folder for what can be made again.
func CacheDir() string { return userDir("CACHE_DIRECTORY", "XDG_CACHE_HOME", ".cache") }

// StateDir is the folder for what must survive a restart.
func StateDir() string { return userDir("STATE_DIRECTORY", "XDG_STATE_HOME", ".local/state") }

// errNoHome is why nothing is kept: both folders of the user are noFolder.
var errNoHome = errors.New("there is no home folder: HOME is not set, and /etc/passwd does not know the user; set HOME, or XDG_STATE_HOME and XDG_CACHE_HOME")
