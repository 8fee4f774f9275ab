package routines_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"guided/routines"
)

// folder is a folder of files, by name.
func folder(files map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

// sayRoutine is a routine with a title and one text.
func sayRoutine(title, text string) string {
	return fmt.Sprintf("title = %q\n[[step]]\nsay = %q\n", title, text)
}

// unreadableFolder is a folder that cannot be read.
type unreadableFolder struct{}

func (unreadableFolder) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
}

func TestLibraryLoadByNameOrTitle(t *testing.T) {
	user := folder(map[string]string{
		"yoga.toml":         sayRoutine("Five poses", "mine"),
		"Long-Exhale.toml":  sayRoutine("Long exhale", "mine"),
		"childs-pose.toml":  sayRoutine("Child's pose, at rest!", "mine"),
		"copy.toml":         sayRoutine("Four four six", "mine"),
		"broken.toml":       "title = \"Broken\"\n[[step]]\nhold = 5\n",
		"syntax.toml":       "title = ",
		"notes.txt":         "no routine",
		".hidden.toml":      sayRoutine("Hidden", "hidden"),
		"sub/deeper.toml":   sayRoutine("Deeper", "deeper"),
		"folder.toml/x.txt": "a folder",
	})
	builtin := folder(map[string]string{
		"4-4-6.toml":       sayRoutine("Four four six", "built in"),
		"yoga.toml":        sayRoutine("Old yoga", "built in"),
		"long-exhale.toml": sayRoutine("Long exhale", "built in"),
		"five-poses.toml":  sayRoutine("Something else", "built in"),
	})
	library := routines.Library{user, builtin}
	for _, c := range []struct{ asked, name, say string }{
		{"yoga", "yoga", "mine"},
		{"YOGA", "yoga", "mine"},
		{"long-exhale", "Long-Exhale", "mine"},
		{"Long-Exhale", "Long-Exhale", "mine"},
		{"long exhale", "Long-Exhale", "mine"},
		{"4 4 6", "4-4-6", "built in"},
		{"four four six", "copy", "mine"},
		{"Four, four, six.", "copy", "mine"},
		{"childs pose at rest", "childs-pose", "mine"},
		{"CHILD’S POSE: AT REST", "childs-pose", "mine"},
		{"five poses", "five-poses", "built in"}, // a name comes before a title
	} {
		t.Run(c.asked, func(t *testing.T) {
			r, err := library.Load(t.Context(), c.asked)
			if err != nil {
				t.Fatal(err)
			}
			if r.Name != c.name || r.Steps[0].Say != c.say {
				t.Errorf("found %s, which says %q; want %s, %q", r.Name, r.Steps[0].Say, c.name, c.say)
			}
		})
	}
	t.Run("a title that only a replaced routine has", func(t *testing.T) {
		if r, err := library.Load(t.Context(), "Old yoga"); !errors.Is(err, routines.ErrNotFound) {
			t.Errorf("got %v, %v", r, err)
		}
	})
	t.Run("a broken file is found and its problems are returned", func(t *testing.T) {
		var problems routines.Problems
		if _, err := library.Load(t.Context(), "broken"); !errors.As(err, &problems) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the names, each once", func(t *testing.T) {
		names, err := library.Names(t.Context())
		if got, want := fmt.Sprint(names), "[4-4-6 Long-Exhale broken childs-pose copy five-poses syntax yoga]"; got != want || err != nil {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
	})
}

func TestLibraryLoadHintsForUnknownNames(t *testing.T) {
	library := routines.Library{folder(map[string]string{
		"mat.toml": sayRoutine("Half lord of the fishes", "x"), "morning.toml": sayRoutine("Good day", "x"), "broken.toml": "title",
	})}
	for asked, hint := range map[string]string{
		"mornin":                  `did you mean "morning"?`,
		"Half lord of the fishis": `did you mean "mat"?`,
		"something else wholly":   "use one of broken, mat, morning",
		"":                        "use one of broken, mat, morning",
		"...":                     "use one of broken, mat, morning",
	} {
		t.Run(asked, func(t *testing.T) {
			_, err := library.Load(t.Context(), asked)
			if !errors.Is(err, routines.ErrNotFound) || !strings.Contains(err.Error(), hint) {
				t.Errorf("got %v, want %s", err, hint)
			}
		})
	}
	t.Run("in an empty library", func(t *testing.T) {
		if _, err := (routines.Library{}).Load(t.Context(), "yoga"); !errors.Is(err, routines.ErrNotFound) || !strings.Contains(err.Error(), "there are no routines") {
			t.Errorf("got %v", err)
		}
	})
}

func TestLibraryUnreadableFolder(t *testing.T) {
	library := routines.Library{unreadableFolder{}, routines.Builtin()}
	names, err := library.Names(t.Context())
	if !errors.Is(err, fs.ErrPermission) || len(names) == 0 {
		t.Errorf("got %v, %v: want the others, and why", names, err)
	}
	if _, err := library.Load(t.Context(), "4-4-6"); err != nil {
		t.Errorf("the others cannot be loaded: %v", err)
	}
	if _, err := library.Load(t.Context(), "mine"); !errors.Is(err, fs.ErrPermission) || !errors.Is(err, routines.ErrNotFound) {
		t.Errorf("got %v: want that it is not found, and why", err)
	}
}

func TestLibraryLoadIncludes(t *testing.T) {
	t.Run("of routines that include each other a thousand times", func(t *testing.T) {
		files := map[string]string{"level0.toml": sayRoutine("Level", "x")}
		for level := 1; level <= 8; level++ {
			files[fmt.Sprintf("level%d.toml", level)] = "title = \"Level\"\n" + strings.Repeat(fmt.Sprintf("[[step]]\nroutine = \"level%d\"\n", level-1), 1000)
		}
		r, err := routines.Library{folder(files)}.Load(t.Context(), "level8")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := routines.Compile(t.Context(), r, measureLetters, routines.Options{}); err == nil || !strings.Contains(err.Error(), "too long") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("deeper than eight", func(t *testing.T) {
		files := map[string]string{"level0.toml": sayRoutine("Level", "x")}
		for level := 1; level <= 9; level++ {
			files[fmt.Sprintf("level%d.toml", level)] = fmt.Sprintf("title = \"Level\"\n[[step]]\nroutine = \"level%d\"\n", level-1)
		}
		library := routines.Library{folder(files)}
		if _, err := library.Load(t.Context(), "level8"); err != nil {
			t.Errorf("eight: %v", err)
		}
		if _, err := library.Load(t.Context(), "level9"); err == nil || !strings.Contains(err.Error(), "deeper than 8") {
			t.Errorf("nine: %v", err)
		}
	})
	t.Run("of the user's routine in a built-in one", func(t *testing.T) {
		library := routines.Library{folder(map[string]string{"b.toml": sayRoutine("B", "mine")}),
			folder(map[string]string{"a.toml": "title = \"A\"\n[[step]]\nroutine = \"b\"\n", "b.toml": sayRoutine("B", "built in")})}
		r, err := library.Load(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Steps[0].Routine.Steps[0].Say; got != "mine" {
			t.Errorf("says %q", got)
		}
	})
}
