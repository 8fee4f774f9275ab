package routines

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

//go:embed library/*.toml
var builtin embed.FS

// Builtin is the folder of the embedded routines.
func Builtin() fs.FS {
	files, err := fs.Sub(builtin, "library")
	if err != nil {
		panic(err) // only an invalid path fails
	}
	return builtinFolder{files}
}

// ErrNoRoutines is returned where a routine is needed and the library is empty.
var ErrNoRoutines = errors.New("there are no routines")

// ErrNotFound is returned when no routine has the name.
var ErrNotFound = errors.New("no such routine")

// ErrLeftOut is returned with the names of a folder that holds more than a library has room for.
var ErrLeftOut = errors.New("some are left out")

// Library is folders of routines, one TOML file for each. Where two folders have a routine of the same name, in any
// case, the first folder wins. Only regular files are read, and links to them.
type Library []fs.FS

// entry is one routine of a library: its name, and its folder as an index of the library.
type entry struct {
	name   string
	folder fs.FS
	rank   int
}

// foldName is a name as file systems compare it that ignore case and how accents are stored.
func foldName(name string) string { return strings.ToLower(norm.NFC.String(name)) }

// Names lists the routines by name. When a folder cannot be read, or holds too many (ErrLeftOut), it returns the names of
// the others with the error.
func (l Library) Names(ctx context.Context) ([]string, error) { return NewIndex(l).Names(ctx) }

func entryNames(entries []entry) []string {
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.name)
	}
	return names
}

// Load finds a routine by its name or its title (see matcher.find), and loads everything it includes. The error is
// ErrNotFound with a hint, ErrAmbiguous, the Problems of the file and of those it includes, or that of ctx.
func (l Library) Load(ctx context.Context, name string) (*Routine, error) {
	return NewIndex(l).Load(ctx, name)
}

// Check parses one file that need not be in the library, and loads what it includes from the library.
func (l Library) Check(ctx context.Context, name string, data []byte) (*Routine, error) {
	return NewIndex(l).Check(ctx, name, data)
}

// Conflicts lists titles that a library has twice, or that are another routine's name, each in a sentence that says which
// routine is meant by them.
func (l Library) Conflicts(ctx context.Context) []string { return NewIndex(l).Conflicts(ctx) }

func (e entry) file() string { return e.name + ".toml" }

// titleBytes is how much of a file is read for its title alone, at first.
const titleBytes = 8 << 10

// readTitle reads the title of the routine, also where the file has problems; "" when it cannot be read. It calls into the
// folder itself.
func (e entry) readTitle() titleOf {
	data, s, err := readFile(e.folder, e.file(), titleBytes)
	if err != nil {
		return titleOf{}
	}
	title, found := scanTitle(string(data))
	if !found {
		if len(data) == titleBytes {
			if data, s, err = readFile(e.folder, e.file(), maxFile+1); err != nil {
				return titleOf{}
			}
		}
		if r, _ := parse(e.file(), data); r != nil {
			title = r.Title
		}
	}
	return titleOf{strings.Clone(title), s} // not the whole file with it
}

// scanTitle finds the title at the beginning of a file, where it stands as the page of the format shows it: in plain quotes
// on one line, behind comments and other such lines. It is false for anything else, which parse must read.
func scanTitle(text string) (title string, found bool) {
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		line, ended := strings.CutSuffix(line, "\n")
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch value = strings.TrimSpace(value); {
		case strings.HasPrefix(key, "#") || key == "":
			continue
		case !ended || len(value) < 2 || value[0] != '"' || strings.Count(value, `"`) != 2 || strings.HasPrefix(value, `""`) || strings.Contains(value, `\`):
			return "", false
		}
		if strings.TrimSpace(key) != "title" {
			continue
		}
		title, comment, _ := strings.Cut(value[1:], `"`)
		if comment = strings.TrimSpace(comment); comment != "" && comment[0] != '#' || utf8.RuneCountInString(title) > maxLetters {
			return "", false
		}
		return strings.Join(strings.Fields(title), " "), true
	}
	return "", false
}

// Limits of what one routine may include, itself counted: all files together are parsed in less than 0.3 s.
const (
	maxIncluded      = 100
	maxIncludedBytes = 2 << 20
	maxHints         = 20 // for includes that are not found: each compares thousands of names
)

// loader parses routines and loads what they include. It reads each file once, however often it is included: otherwise
// a few files that include each other many times would become millions.
type loader struct {
	ctx     context.Context
	index   *Index
	catalog *catalog
	looked  bool              // at all titles, for this load
	byTitle bool              // something was looked for by its title
	trace   Trace             // what was read
	done    map[string]loaded // by name
	bytes   int               // of all files parsed
	hints   int               // given
	sounds  map[string]error  // by file, why it cannot be opened
}

type loaded struct {
	routine *Routine
	err     error
}

func (x *Index) loader(ctx context.Context, c *catalog) *loader {
	return &loader{ctx: ctx, index: x, catalog: c, done: map[string]loaded{}, sounds: map[string]error{}}
}

// parse parses a routine and loads what it includes. above names the routines that include it, the outermost first.
func (l *loader) parse(file string, data []byte, above []string) (*Routine, error) {
	l.bytes += len(data)
	r, problems := parse(file, data)
	if r == nil {
		return nil, problems
	}
	problems = append(problems, l.loadIncludes(r.Steps, append(slices.Clip(above), r.Name))...)
	if l.ctx.Err() != nil {
		return nil, fmt.Errorf("loading %s: %w", r.Name, l.ctx.Err())
	}
	if len(problems) > 0 {
		return nil, problems.limited(file)
	}
	return r, nil
}

// loadIncludes loads the routines that steps include, and checks that the sound files they name exist.
func (l *loader) loadIncludes(steps []Step, above []string) Problems {
	var problems Problems
	for i := range steps {
		if l.ctx.Err() != nil || len(problems) > maxProblems {
			break
		}
		s := &steps[i]
		problems = append(problems, l.checkSound(s.Sound, s.location)...)
		for _, cue := range s.Cues {
			if len(problems) > maxProblems {
				break
			}
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
	e, err := l.find(s.Routine.Name)
	l.trace.generation = l.catalog.generation
	switch {
	case errors.Is(err, ErrAmbiguous):
		return problem("%v", err)
	case err != nil:
		hint := "guided list names all there are"
		if l.hints++; l.hints <= maxHints {
			hint = l.hint(s.Routine.Name)
		}
		return problem("there is none named %q; %s", s.Routine.Name, hint)
	case slices.Contains(above, e.name):
		return problem("includes itself: %s", strings.Join(append(slices.Clip(above), e.name), " -> "))
	case len(above) > maxDepth:
		return problem("routines include routines deeper than %d", maxDepth)
	}
	included, again := l.done[e.name]
	if !again && (len(l.done)+1 >= maxIncluded || l.bytes > maxIncludedBytes) {
		return problem("more than %d routines or %d MiB are included in all; include fewer", maxIncluded, maxIncludedBytes>>20)
	}
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
	type contents struct {
		data  []byte
		stamp stamp
	}
	file, err := callFolder(l.ctx, e.folder, e.file(), func() (contents, error) {
		data, s, err := readFile(e.folder, e.file(), maxFile+1)
		return contents{data, s}, err
	}, nil)
	l.trace.files = append(l.trace.files, tracedFile{e.name, e.rank, file.stamp})
	if err != nil {
		l.trace.unsure = true
		return loaded{nil, fmt.Errorf("reading the routine %q: %w", e.name, err)}
	}
	data := file.data
	r, err := l.parse(e.file(), data, above)
	return loaded{r, err}
}

// checkSound reports a sound file that is in no folder of the library.
func (l *loader) checkSound(sound string, at location) Problems {
	if !isSoundFile(sound) {
		return nil
	}
	err, known := l.sounds[sound]
	if !known {
		var found stamp
		found, err = l.index.library.soundStamp(l.ctx, sound)
		l.sounds[sound] = err
		l.trace.sounds = append(l.trace.sounds, tracedSound{sound, found})
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return Problems{at.problem("sound", "there is no file %q beside the routines", sound)}
	}
	return Problems{at.problem("sound", "%v", err)}
}
