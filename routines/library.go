package routines

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strings"
)

//go:embed library/*.toml
var builtin embed.FS

// Builtin is the routines inside the program.
func Builtin() fs.FS {
	files, err := fs.Sub(builtin, "library")
	if err != nil {
		panic(err) // only a path that is none can fail
	}
	return files
}

// ErrNone is the error of what needs a routine where there is none.
var ErrNone = errors.New("there are no routines")

// ErrNotFound is the error when no routine has the name.
var ErrNotFound = errors.New("no such routine")

// Library is folders of routines, one TOML file each; where two have the same name the first folder wins.
type Library []fs.FS

// entry is one routine of a library: its name, and the folder that has it.
type entry struct {
	name   string
	folder fs.FS
}

// entries lists the routines, the first folder's first. One that a folder before it has, in any case, is hidden.
func (l Library) entries() ([]entry, error) {
	var list []entry
	var failed error
	seen := map[string]bool{}
	for _, folder := range l {
		files, err := fs.ReadDir(folder, ".")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = errors.Join(failed, fmt.Errorf("reading routines: %w", err))
		}
		var here []entry
		for _, file := range files {
			name, is := strings.CutSuffix(file.Name(), ".toml")
			if is && name != "" && !file.IsDir() && !strings.HasPrefix(name, ".") && !seen[strings.ToLower(name)] {
				here = append(here, entry{name, folder})
			}
		}
		for _, e := range here {
			seen[strings.ToLower(e.name)] = true
		}
		list = append(list, here...)
	}
	return list, failed
}

// Names lists the routines by name. A folder that cannot be read is left out, and told in the error.
func (l Library) Names() ([]string, error) {
	entries, err := l.entries()
	names := entryNames(entries)
	sort.Strings(names)
	return names, err
}

func entryNames(entries []entry) []string {
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.name)
	}
	return names
}

// Load finds a routine by its name or its title, as these are written or said, and everything it includes. The error is
// ErrNotFound with the nearest name, or the Problems of the file and of those it includes. See resolve.
func (l Library) Load(name string) (*Routine, error) {
	entries, failed := l.entries()
	e, found := find(name, entries)
	if !found {
		return nil, errors.Join(fmt.Errorf("%w as %q; %s", ErrNotFound, name, nearestHint(name, entries)), failed)
	}
	data, err := e.read()
	if err != nil {
		return nil, err
	}
	return l.loader(entries).parseWithIncludes(e.file(), data, nil)
}

// Check reads one file outside the library, its includes from the library.
func (l Library) Check(name string, data []byte) (*Routine, error) {
	entries, _ := l.entries() // a folder that cannot be read is told by Names; what is missing from it is told here
	return l.loader(entries).parseWithIncludes(name, data, nil)
}

func (e entry) file() string { return e.name + ".toml" }

func (e entry) read() ([]byte, error) {
	data, err := fs.ReadFile(e.folder, e.file())
	if err != nil {
		return nil, fmt.Errorf("reading the routine %q: %w", e.name, err)
	}
	return data, nil
}

// title is the routine's title, also of a file with problems; "" when it cannot be read.
func (e entry) title() string {
	data, err := e.read()
	if err != nil || len(data) > maxFile {
		return ""
	}
	r, _ := parse(e.file(), data)
	if r == nil {
		return ""
	}
	return r.Title
}

// Open reads a sound file that lies beside the routines.
func (l Library) Open(file string) ([]byte, error) {
	var err error = fs.ErrNotExist
	for _, folder := range l {
		var data []byte
		if data, err = fs.ReadFile(folder, path.Clean(file)); err == nil {
			return data, nil
		}
	}
	return nil, fmt.Errorf("reading the sound %q: %w", file, err)
}

// loader loads what a routine includes. Each file is read once, however often it is included: a few files that
// include each other many times cannot become millions.
type loader struct {
	library Library
	entries []entry
	done    map[string]loaded // by name
}

type loaded struct {
	routine *Routine
	err     error
}

func (l Library) loader(entries []entry) *loader {
	return &loader{l, entries, map[string]loaded{}}
}

// parseWithIncludes parses a routine and loads what it includes; above are the routines that are including it.
func (l *loader) parseWithIncludes(file string, data []byte, above []string) (*Routine, error) {
	r, problems := parse(file, data)
	if r == nil {
		return nil, problems
	}
	above = append(above[:len(above):len(above)], r.Name)
	l.loadIncludes(r.Steps, above, func(p location, key, format string, args ...any) {
		problems = append(problems, Problem{file, p.lines.lineOf(keyPath(p.path, key)), p.step, key + ": " + fmt.Sprintf(format, args...)})
	}, func(included Problems) {
		problems = append(problems, included...)
	})
	if len(problems) > 0 {
		return nil, problems.sorted()
	}
	return r, nil
}

// loadIncludes looks for the files that steps name.
func (l *loader) loadIncludes(steps []Step, above []string, tell func(p location, key, format string, args ...any), add func(Problems)) {
	for i := range steps {
		s := &steps[i]
		if isSoundFile(s.Sound) && !l.hasFile(s.Sound) {
			tell(s.location, "sound", "there is no file %q beside the routines", s.Sound)
		}
		for _, c := range s.Cues {
			if isSoundFile(c.Sound) && !l.hasFile(c.Sound) {
				tell(c.location, "sound", "there is no file %q beside the routines", c.Sound)
			}
		}
		l.loadIncludes(s.Steps, above, tell, add)
		if s.Kind != Include || s.Routine.Name == "" {
			continue
		}
		e, found := find(s.Routine.Name, l.entries)
		switch {
		case !found:
			tell(s.location, "routine", "there is none named %q; %s", s.Routine.Name, nearestHint(s.Routine.Name, l.entries))
			continue
		case contains(above, e.name):
			tell(s.location, "routine", "includes itself: %s", strings.Join(append(above[:len(above):len(above)], e.name), " -> "))
			continue
		case len(above) > maxDepth:
			tell(s.location, "routine", "routines include routines deeper than %d", maxDepth)
			continue
		}
		included, again, err := l.include(e, above)
		var problems Problems
		switch {
		case err == nil:
			s.Routine, s.Name = included, included.Title
		case errors.As(err, &problems) && !again:
			add(problems)
		case !again:
			tell(s.location, "routine", "%v", err)
		}
	}
}

// include reads a routine to include; again tells that it was asked for before, and its problems told.
func (l *loader) include(e entry, above []string) (r *Routine, again bool, err error) {
	if known, has := l.done[e.name]; has {
		return known.routine, true, known.err
	}
	data, err := e.read()
	if err == nil {
		r, err = l.parseWithIncludes(e.file(), data, above)
	}
	l.done[e.name] = loaded{r, err}
	return r, false, err
}

func (l *loader) hasFile(file string) bool {
	for _, folder := range l.library {
		if info, err := fs.Stat(folder, path.Clean(file)); err == nil && info.Mode().IsRegular() {
			return true
		}
	}
	return false
}
