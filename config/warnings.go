package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"guided/routines"
)

// Warnings tells what is wrong around the daemon and does not keep it from playing, for its log.
func (c Config) Warnings() []error {
	var list []error
	clock, _ := ClockProblem()
	for _, err := range []error{homeProblem(), c.RoutinesProblem(), c.ZoneProblem(), clock, c.SecretsProblem()} {
		if err != nil {
			list = append(list, err)
		}
	}
	return list
}

// homeProblem is not nil where a user without a home folder has no other folder to keep something in.
func homeProblem() error {
	if StateDir() == noFolder || CacheDir() == noFolder {
		return errNoHome
	}
	return nil
}

// RoutinesProblem is why the folder of the user's routines cannot be read, with a hint; nil where it can. A default folder
// need not exist.
func (c Config) RoutinesProblem() error {
	dir := c.Routines.Dir
	if dir == "" {
		return nil
	}
	f, err := os.Open(dir)
	if err == nil {
		defer f.Close()
		if info, failed := f.Stat(); failed == nil && !info.IsDir() {
			return fmt.Errorf("routines.dir: %s is not a folder", dir)
		}
		return nil
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && !c.routinesDirNamed:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("routines.dir: %w", err)
	}
	if near := nearestFolder(dir); near != "" {
		return fmt.Errorf("routines.dir: there is no folder %s; did you mean %q?", dir, near)
	}
	return fmt.Errorf("routines.dir: there is no folder %s; it counts as soon as it exists", dir)
}

// nearestFolder is a folder beside dir whose name is nearly the same, or "".
func nearestFolder(dir string) string {
	parent := filepath.Dir(dir)
	f, err := os.Open(parent)
	if err != nil {
		return ""
	}
	defer f.Close()
	entries, _ := f.ReadDir(1000) // a hint is not worth more
	var names []string
	for _, e := range entries {
		if info, err := os.Stat(filepath.Join(parent, e.Name())); err == nil && info.IsDir() {
			names = append(names, e.Name())
		}
	}
	if near := routines.Nearest(filepath.Base(dir), names); near != "" {
		return filepath.Join(parent, near)
	}
	return ""
}

// Zone is the time zone of quiet hours, of the days of the history, and of the times of the day in a start.
func (c Config) Zone() *time.Location { return c.zone }

// ZoneProblem is why the time zone of quiet hours is not what was asked for; nil where it is.
func (c Config) ZoneProblem() error { return c.zoneProblem }

// ClockProblem is what to tell about a clock that cannot be trusted, and whether it is certainly wrong; nil about one that
// can be trusted.
func ClockProblem() (problem error, wrong bool) {
	now := time.Now()
	return clockProblem(now, ClockTrusted()), clockWrong(now)
}
