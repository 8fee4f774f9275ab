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

//go:embed *.toml
var builtin embed.FS

// Builtin is the routines inside the program.
func Builtin() fs.FS { return builtin }

// ErrNotFound is the error when no routine has the name.
var ErrNotFound = errors.New("no such routine")

// Library is folders of routines, one TOML file each; where two have the same name the first folder wins.
type Library []fs.FS

// Names lists the routines by name. A folder that cannot be read is left out, and told in the error.
func (l Library) Names() ([]string, error) {
	seen := map[string]bool{}
	var failed error
	for _, folder := range l {
		entries, err := fs.ReadDir(folder, ".")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = errors.Join(failed, fmt.Errorf("reading routines: %w", err))
		}
		for _, e := range entries {
			if name, is := strings.CutSuffix(e.Name(), ".toml"); is && !e.IsDir() && !strings.HasPrefix(name, ".") {
				seen[name] = true
			}
		}
	}
	names := make([]string, 0, len(seen))
	for name := range seen {
		names = append(names, name)
	}
	sort.Strings(names)
	return names, failed
}

// Load finds a routine by its name or its title, in any case, and everything it includes. The error is ErrNotFound
// with the nearest names, or the Problems of the file.
func (l Library) Load(name string) (*Routine, error) {
	names, failed := l.Names()
	file := l.resolve(name, names)
	if file == "" {
		if failed != nil {
			return nil, failed
		}
		return nil, fmt.Errorf("%w as %q; %s", ErrNotFound, name, didYouMean(name, names))
	}
	return l.load(file, nil)
}

// Check reads one file outside the library, its includes from the library.
func (l Library) Check(name string, data []byte) (*Routine, error) {
	return l.link(name, data, nil)
}

func (l Library) resolve(name string, names []string) string {
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return n
		}
	}
	for _, n := range names {
		if data, file, err := l.read(n); err == nil {
			if r, err := Parse(file, data); err == nil && plain(r.Title) == plain(name) {
				return n
			}
		}
	}
	return ""
}

// plain is a title as somebody may type or say it: no case, no punctuation.
func plain(title string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(title), func(r rune) bool { return strings.ContainsRune(" ,.;:!?-", r) }), " ")
}

func (l Library) read(name string) (data []byte, file string, err error) {
	err = fs.ErrNotExist
	for _, folder := range l {
		file = name + ".toml"
		if data, err = fs.ReadFile(folder, file); err == nil {
			return data, file, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return nil, file, fmt.Errorf("reading the routine %q: %w", name, err)
}

func (l Library) load(name string, above []string) (*Routine, error) {
	data, file, err := l.read(name)
	if err != nil {
		return nil, err
	}
	return l.link(file, data, above)
}

// link parses a routine and loads what it includes; above are the routines that are including it.
func (l Library) link(file string, data []byte, above []string) (*Routine, error) {
	r, err := Parse(file, data)
	if err != nil {
		return nil, err
	}
	names, _ := l.Names() // a folder that cannot be read was told by whoever asked for this routine
	above = append(above, r.Name)
	var problems Problems
	var visit func(steps []Step)
	visit = func(steps []Step) {
		for i := range steps {
			s := &steps[i]
			tell := func(format string, args ...any) {
				problems = append(problems, Problem{file, s.Line, fmt.Sprintf("step %q", s.Name), fmt.Sprintf(format, args...)})
			}
			for _, sound := range s.sounds() {
				if isSoundFile(sound) && !l.holds(sound) {
					tell("sound: there is no file %q beside the routines", sound)
				}
			}
			visit(s.Steps)
			if s.Kind != Include {
				continue
			}
			name := l.resolve(s.Routine.Name, names)
			if name == "" {
				tell("routine: there is none named %q; %s", s.Routine.Name, didYouMean(s.Routine.Name, names))
				continue
			}
			if contains(above, name) {
				tell("routine: includes itself: %s", strings.Join(append(above, name), " -> "))
				continue
			}
			included, err := l.load(name, above[:len(above):len(above)])
			if err != nil {
				tell("routine: %q has problems of its own; run: guided check %s", name, name)
				continue
			}
			s.Routine, s.Name = included, included.Title
		}
	}
	visit(r.Steps)
	if len(problems) > 0 {
		return nil, problems.sorted()
	}
	return r, nil
}

// sounds lists the sounds a step names.
func (s *Step) sounds() []string {
	var list []string
	for _, c := range append([]InnerCue{{Sound: s.Sound}}, s.Cues...) {
		if c.Sound != "" {
			list = append(list, c.Sound)
		}
	}
	return list
}

func (l Library) holds(file string) bool {
	for _, folder := range l {
		if info, err := fs.Stat(folder, path.Clean(file)); err == nil && info.Mode().IsRegular() {
			return true
		}
	}
	return false
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
