package routines

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

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
