package routines

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strings"
	"unicode"
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

// find finds a routine: by its name as it is written, then in any case and punctuation, then by its title, then by
// how these sound. Then the same without the "the" or "my" before it, and without what a routine is after it.
func find(name string, entries []entry) (entry, bool) {
	for _, e := range entries {
		if e.name == name {
			return e, true
		}
	}
	wanted := normalize(name)
	if wanted == "" {
		return entry{}, false
	}
	m := newMatcher(entries)
	for _, find := range []struct {
		by    func(string) (entry, bool)
		asked string
	}{{m.byText, wanted}, {m.bySound, wanted}, {m.byText, trimArticle(wanted)}, {m.bySound, trimArticle(wanted)}, {m.byCore, wanted}} {
		if e, found := find.by(find.asked); found {
			return e, true
		}
	}
	return entry{}, false
}

// nearestHint names the routine that was probably meant, by its name or its title.
func nearestHint(name string, entries []entry) string {
	names := entryNames(entries)
	if len(names) == 0 {
		return "there are no routines; put one into your folder of routines"
	}
	near := Nearest(name, names)
	for i := 0; i < len(entries) && near == ""; i++ {
		if title := entries[i].title(); title != "" && Nearest(normalize(name), []string{normalize(title)}) != "" {
			near = entries[i].name
		}
	}
	if near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if len(names) > 12 {
		return "guided list names all there are"
	}
	sort.Strings(names)
	return "use one of " + strings.Join(names, ", ")
}

// normalize is a name or a title as somebody may type or say it: no case, no punctuation.
func normalize(title string) string {
	title = strings.NewReplacer("'", "", "\u2019", "").Replace(strings.ToLower(title))
	return strings.Join(strings.FieldsFunc(title, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), " ")
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
