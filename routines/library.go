package routines

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"
)

//go:embed library/*.toml
var builtin embed.FS

// Builtin is the folder of the embedded routines.
func Builtin() fs.FS {
	files, err := fs.Sub(builtin, "library")
	if err != nil {
		panic(err) // only an invalid path fails
	}
	return files
}

// ErrNoRoutines is returned where a routine is needed and the library is empty.
var ErrNoRoutines = errors.New("there are no routines")

// ErrNotFound is returned when no routine has the name.
var ErrNotFound = errors.New("no such routine")

// Library is folders of routines, one TOML file for each. Where two folders have a routine of the same name, in any
// case, the first folder wins.
type Library []fs.FS

// entry is one routine of a library: its name and its folder.
type entry struct {
	name   string
	folder fs.FS
}

// entries lists the routines, the first folder's first, without those that an earlier folder replaces. It returns the
// others with the error when a folder cannot be read.
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

// Names lists the routines by name. When a folder cannot be read, it returns the names of the others with the error.
func (l Library) Names(ctx context.Context) ([]string, error) {
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

// Load finds a routine by its name or its title (see find in match.go), and loads everything it includes. The error is
// ErrNotFound with a hint, or the Problems of the file and of those it includes.
func (l Library) Load(ctx context.Context, name string) (*Routine, error) {
	entries, failed := l.entries()
	e, found := find(name, entries)
	if !found {
		return nil, errors.Join(fmt.Errorf("%w as %q; %s", ErrNotFound, name, hintFor(name, entries)), failed)
	}
	r := l.loader(entries).load(e, nil)
	return r.routine, r.err
}

// Check parses one file that need not be in the library, and loads what it includes from the library.
func (l Library) Check(ctx context.Context, name string, data []byte) (*Routine, error) {
	entries, _ := l.entries() // Names reports a folder that cannot be read; here what it lacks is a problem
	return l.loader(entries).parse(name, data, nil)
}

func (e entry) file() string { return e.name + ".toml" }

func (e entry) read() ([]byte, error) {
	data, err := fs.ReadFile(e.folder, e.file())
	if err != nil {
		return nil, fmt.Errorf("reading the routine %q: %w", e.name, err)
	}
	return data, nil
}

// title is the title of the routine, also where the file has problems; "" when it cannot be read.
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

// Open reads a sound file from the folders of routines.
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

// loader parses routines and loads what they include. It reads each file once, however often it is included: otherwise
// a few files that include each other many times would become millions.
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

// parse parses a routine and loads what it includes. above names the routines that include it, the outermost first.
func (l *loader) parse(file string, data []byte, above []string) (*Routine, error) {
	r, problems := parse(file, data)
	if r == nil {
		return nil, problems
	}
	problems = append(problems, l.loadIncludes(r.Steps, append(slices.Clip(above), r.Name))...)
	if len(problems) > 0 {
		return nil, problems.sorted()
	}
	return r, nil
}

// loadIncludes loads the routines that steps include, and checks that the sound files they name exist.
func (l *loader) loadIncludes(steps []Step, above []string) Problems {
	var problems Problems
	for i := range steps {
		s := &steps[i]
		problems = append(problems, l.checkSound(s.Sound, s.location)...)
		for _, cue := range s.Cues {
			problems = append(problems, l.checkSound(cue.Sound, cue.location)...)
		}
		problems = append(problems, l.loadIncludes(s.Steps, above)...)
		if s.Kind == Include && s.Routine.Name != "" {
			problems = append(problems, l.include(s, above)...)
		}
	}
	return problems
}

// include loads the routine that a step names into the step.
func (l *loader) include(s *Step, above []string) Problems {
	problem := func(format string, args ...any) Problems {
		return Problems{s.location.problem("routine", format, args...)}
	}
	e, found := find(s.Routine.Name, l.entries)
	switch {
	case !found:
		return problem("there is none named %q; %s", s.Routine.Name, hintFor(s.Routine.Name, l.entries))
	case slices.Contains(above, e.name):
		return problem("includes itself: %s", strings.Join(append(slices.Clip(above), e.name), " -> "))
	case len(above) > maxDepth:
		return problem("routines include routines deeper than %d", maxDepth)
	}
	included, again := l.done[e.name]
	if !again {
		included = l.load(e, above)
		l.done[e.name] = included
	}
	var problems Problems
	switch {
	case included.err == nil:
		s.Routine, s.Name = included.routine, included.routine.Title
		return nil
	case again: // reported where it was included first
		return nil
	case errors.As(included.err, &problems):
		return problems
	}
	return problem("%v", included.err)
}

// load reads and parses one routine of the library.
func (l *loader) load(e entry, above []string) loaded {
	data, err := e.read()
	if err != nil {
		return loaded{nil, err}
	}
	r, err := l.parse(e.file(), data, above)
	return loaded{r, err}
}

// checkSound reports a sound file that is in no folder of the library.
func (l *loader) checkSound(sound string, at location) Problems {
	if !isSoundFile(sound) {
		return nil
	}
	for _, folder := range l.library {
		if info, err := fs.Stat(folder, path.Clean(sound)); err == nil && info.Mode().IsRegular() {
			return nil
		}
	}
	return Problems{at.problem("sound", "there is no file %q beside the routines", sound)}
}
