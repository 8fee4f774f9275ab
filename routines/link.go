package routines

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// linker loads what a routine includes. Each file is read once, however often it is included: a few files that
// include each other many times cannot become millions.
type linker struct {
	library Library
	entries []entry
	done    map[string]linked // by name
}

type linked struct {
	routine *Routine
	err     error
}

func (l Library) linker(entries []entry) *linker {
	return &linker{l, entries, map[string]linked{}}
}

// link parses a routine and loads what it includes; above are the routines that are including it.
func (l *linker) link(file string, data []byte, above []string) (*Routine, error) {
	r, problems := parse(file, data)
	if r == nil {
		return nil, problems
	}
	above = append(above[:len(above):len(above)], r.Name)
	l.visit(r.Steps, above, func(p place, key, format string, args ...any) {
		problems = append(problems, Problem{file, p.lines.of(join(p.path, key)), p.where, key + ": " + fmt.Sprintf(format, args...)})
	}, func(included Problems) {
		problems = append(problems, included...)
	})
	if len(problems) > 0 {
		return nil, problems.sorted()
	}
	return r, nil
}

// visit looks for the files that steps name.
func (l *linker) visit(steps []Step, above []string, tell func(p place, key, format string, args ...any), add func(Problems)) {
	for i := range steps {
		s := &steps[i]
		if isSoundFile(s.Sound) && !l.holds(s.Sound) {
			tell(s.place, "sound", "there is no file %q beside the routines", s.Sound)
		}
		for _, c := range s.Cues {
			if isSoundFile(c.Sound) && !l.holds(c.Sound) {
				tell(c.place, "sound", "there is no file %q beside the routines", c.Sound)
			}
		}
		l.visit(s.Steps, above, tell, add)
		if s.Kind != Include || s.Routine.Name == "" {
			continue
		}
		e, found := resolve(s.Routine.Name, l.entries)
		switch {
		case !found:
			tell(s.place, "routine", "there is none named %q; %s", s.Routine.Name, hint(s.Routine.Name, l.entries))
			continue
		case contains(above, e.name):
			tell(s.place, "routine", "includes itself: %s", strings.Join(append(above[:len(above):len(above)], e.name), " -> "))
			continue
		case len(above) > maxDepth:
			tell(s.place, "routine", "routines include routines deeper than %d", maxDepth)
			continue
		}
		included, again, err := l.load(e, above)
		var problems Problems
		switch {
		case err == nil:
			s.Routine, s.Name = included, included.Title
		case errors.As(err, &problems) && !again:
			add(problems)
		case !again:
			tell(s.place, "routine", "%v", err)
		}
	}
}

// load reads a routine to include; again tells that it was asked for before, and its problems told.
func (l *linker) load(e entry, above []string) (r *Routine, again bool, err error) {
	if known, has := l.done[e.name]; has {
		return known.routine, true, known.err
	}
	data, err := e.read()
	if err == nil {
		r, err = l.link(e.file(), data, above)
	}
	l.done[e.name] = linked{r, err}
	return r, false, err
}

func (l *linker) holds(file string) bool {
	for _, folder := range l.library {
		if info, err := fs.Stat(folder, path.Clean(file)); err == nil && info.Mode().IsRegular() {
			return true
		}
	}
	return false
}
