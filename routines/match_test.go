package routines_test

import (
	"errors"
	"strings"
	"testing"

	"guided/routines"
)

func TestLibraryLoadBySound(t *testing.T) {
	mine := folder(map[string]string{
		"ten.toml":     sayRoutine("10 minutes of rest", "x"),
		"25.toml":      sayRoutine("Intervals", "x"),
		"office.toml":  sayRoutine("Shoulder stretches", "x"),
		"neck-a.toml":  sayRoutine("Neck stretch", "x"),
		"neck-b.toml":  sayRoutine("Neck exercise", "x"),
		"sleep.toml":   sayRoutine("The 4-7-8", "x"),
		"twins.toml":   sayRoutine("Same", "x"),
		"same1.toml":   sayRoutine("Sun rise", "x"),
		"same2.toml":   sayRoutine("Sunrise", "x"),
		"1-2.toml":     sayRoutine("Up", "x"),
		"12.toml":      sayRoutine("Down", "x"),
		"stretch.toml": sayRoutine("Just that", "x"),
	})
	library := routines.Library{mine, routines.Builtin()}
	for asked, name := range map[string]string{
		"446": "4-4-6", "4 4 6": "4-4-6", "4, 4, 6": "4-4-6", "four-four-six": "4-4-6", "Four four six!": "4-4-6", "44 6": "4-4-6",
		"4 seven eight": "4-7-8", "478": "4-7-8", "four seven eight": "4-7-8", "the four seven eight": "sleep", "the 478": "sleep",
		"boxbreathing": "box", "box-breathing": "box", "the box": "box", "Belly Breathing": "belly-breathing", "3 breaths": "three-breaths",
		"my morning routine": "morning", "the desk stretch": "desk", "desk exercise": "desk", "desk stretches": "desk",
		"rhomboid": "rhomboid", "rhomboid exercise": "rhomboid", "shoulder stretch": "office", "my shoulder routine": "office",
		"neck exercise": "neck-b", "my neck stretch": "neck-a", "ten minutes of rest": "ten", "10 minutes of rest": "ten",
		"twenty five": "25", "two five": "25", "twelve": "12", "1 2": "1-2", "sun rise": "same1", "stretch": "stretch",
	} {
		t.Run(asked, func(t *testing.T) {
			r, err := library.Load(t.Context(), asked)
			if err != nil {
				t.Fatal(err)
			}
			if r.Name != name {
				t.Errorf("found %s, want %s", r.Name, name)
			}
		})
	}
	for _, asked := range []string{
		"neck routine", "my neck", // two match equally well
		"one two", // two sound like it
		"S un Rise",
		"the", "my", "routine", "the routine", "exercise", "four four", "four four sixty", "446 6", "breathing", "posture", "for for six", "",
	} {
		t.Run(asked+" matches no routine", func(t *testing.T) {
			if r, err := library.Load(t.Context(), asked); !errors.Is(err, routines.ErrNotFound) {
				t.Errorf("found %+v, %v", r, err)
			}
		})
	}
	t.Run("a near name is suggested, not loaded", func(t *testing.T) {
		if _, err := library.Load(t.Context(), "the morninh routine"); !errors.Is(err, routines.ErrNotFound) {
			t.Errorf("got %v", err)
		}
		if _, err := library.Load(t.Context(), "mornin"); !strings.Contains(err.Error(), `did you mean "morning"?`) {
			t.Errorf("got %v", err)
		}
	})
}

func FuzzLibraryLoad(f *testing.F) {
	library := routines.Library{routines.Builtin()}
	for _, name := range []string{"446", "the 4-7-8 routine", "my\xff", "99999999999999999999", "0", "٤"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if r, err := library.Load(t.Context(), name); (r == nil) != (err != nil) {
			t.Errorf("%v, %v", r, err)
		}
	})
}

func TestLibraryNamesBothThatCouldBeMeant(t *testing.T) {
	mine := folder(map[string]string{
		"4_7_8.toml":    sayRoutine("My own rhythm", "x"),
		"dawn.toml":     sayRoutine("Quiet hour", "x"),
		"dusk.toml":     sayRoutine("Quiet  hour!", "x"),
		"my-box.toml":   sayRoutine("Box breathing", "x"),
		"hip-a.toml":    sayRoutine("Hip stretch", "x"),
		"hip-b.toml":    sayRoutine("Hip exercise", "x"),
		"Twin.toml":     sayRoutine("One twin", "x"),
		"twin.toml":     sayRoutine("Other twin", "x"),
		"includes.toml": "title = 'Includes'\n[[step]]\nroutine = '478'\n",
	})
	library := routines.Library{mine, routines.Builtin()}
	for asked, both := range map[string][]string{
		"478":              {"4_7_8", "4-7-8"},
		"4 seven eight":    {"4_7_8", "4-7-8"},
		"quiet hour":       {"dawn", "dusk", "Quiet hour"},
		"the Quiet Hour":   {"dawn", "dusk"},
		"hip routine":      {"hip-a", "hip-b"},
		"TWIN":             {"Twin", "twin"},
		"four seven eight": nil, // a title of one, written so
		"4-7-8":            nil,
		"4_7_8":            nil,
		"twin":             nil,
		"Box breathing":    nil, // of the user's folder first
	} {
		t.Run(asked, func(t *testing.T) {
			r, err := library.Load(t.Context(), asked)
			if both == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, routines.ErrAmbiguous) || !errors.Is(err, routines.ErrNotFound) || !strings.Contains(err.Error(), "use the name") {
				t.Fatalf("found %v, %v", r, err)
			}
			for _, name := range both {
				if !strings.Contains(err.Error(), name) {
					t.Errorf("%v does not name %s", err, name)
				}
			}
		})
	}
	t.Run("an include", func(t *testing.T) {
		if _, err := library.Load(t.Context(), "includes"); err == nil || !strings.Contains(err.Error(), "includes.toml:3") || !strings.Contains(err.Error(), "4_7_8") {
			t.Errorf("got %v", err)
		}
	})
}

func TestLibraryConflicts(t *testing.T) {
	mine := folder(map[string]string{
		"my-box.toml":     sayRoutine("Box breathing", "x"),
		"dawn.toml":       sayRoutine("Quiet hour", "x"),
		"dusk.toml":       sayRoutine("Quiet\u00a0Hour.", "x"),
		"plan.toml":       sayRoutine("Plain rest", "x"),
		"plain-rest.toml": sayRoutine("Something else", "x"),
		"desk.toml":       sayRoutine("Desk break", "x"), // replaces the built-in one, as it should
	})
	library := routines.Library{mine, routines.Builtin()}
	for _, c := range []struct{ of, says []string }{
		{[]string{"my-box", "box"}, []string{"starts my-box", `the name "box"`}},
		{[]string{"dawn", "dusk"}, []string{"starts neither"}},
		{[]string{"plan"}, []string{"the name of another routine", `the name "plan"`}},
	} {
		found := false
		for _, conflict := range library.Conflicts(t.Context()) {
			all := true
			for _, want := range append(c.of, c.says...) {
				all = all && strings.Contains(conflict, want)
			}
			found = found || all
		}
		if !found {
			t.Errorf("%v, %v: not told in %q", c.of, c.says, library.Conflicts(t.Context()))
		}
	}
	if list := library.Conflicts(t.Context()); len(list) != 3 {
		t.Errorf("got %q", list)
	}
	if list := (routines.Library{routines.Builtin()}).Conflicts(t.Context()); len(list) > 0 {
		t.Errorf("the built-in routines: %q", list)
	}
}

func TestLibraryLoadTitlesAsPeopleTypeThem(t *testing.T) {
	library := routines.Library{folder(map[string]string{
		"comments.toml":   "# A comment\n\n# title = \"Not this\"\nabout = \"Words\" # more\ntitle = \"Cobbler\u2019s rest\" # the title\n[[step]]\nsay = \"x\"\n",
		"literal.toml":    "title = 'In single quotes'\n[[step]]\nsay = \"x\"\n",
		"escaped.toml":    "title = \"Caf\\u00e9 break\"\n[[step]]\nsay = \"x\"\n",
		"quoted-key.toml": "\"title\" = \"A quoted key\"\n[[step]]\nsay = \"x\"\n",
		"late.toml":       "about = \"\"\"\ntitle = \"Inside a text\"\n\"\"\"\ntitle = \"Behind a long text\"\n[[step]]\nsay = \"x\"\n",
		"far.toml":        strings.Repeat("# "+strings.Repeat("x", 97)+"\n", 200) + "title = \"Far below\"\n[[step]]\nsay = \"x\"\n",
		"dash.toml":       "title = \"Slow\u2014and low\u2026\"\n[[step]]\nsay = \"x\"\n",
		"fullwidth.toml":  "title = \"\uff15 breaths\"\n[[step]]\nsay = \"x\"\n",
		"windows.toml":    "\ufefftitle = \"From a window\"\r\n[[step]]\r\nsay = \"x\"\r\n",
	})}
	for asked, name := range map[string]string{
		"cobbler's rest": "comments", "Cobblers rest": "comments", "Cobbler\u02bcs rest": "comments", "Cobb\u00adler\u2018s\u00a0rest": "comments",
		"in single quotes": "literal", "cafe\u0301 break": "escaped", "Caf\u00e9 Break": "escaped", "a quoted key": "quoted-key",
		"behind a long text": "late", "far below": "far", "slow-and low...": "dash", "slow and low": "dash", "5 breaths": "fullwidth",
		"five breaths": "fullwidth", "\uff15\u2003breaths": "fullwidth", "from a window": "windows",
	} {
		if r, err := library.Load(t.Context(), asked); err != nil || r.Name != name {
			t.Errorf("%q: %v, want %s", asked, err, name)
		}
	}
	for _, asked := range []string{"inside a text", "not this"} {
		if _, err := library.Load(t.Context(), asked); !errors.Is(err, routines.ErrNotFound) {
			t.Errorf("%q: %v", asked, err)
		}
	}
}

func BenchmarkLibraryLoad(b *testing.B) {
	library := routines.Library{routines.Builtin()}
	for _, name := range []string{"4-4-6", "446", "no such routine"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, _ = library.Load(b.Context(), name)
			}
		})
	}
}
