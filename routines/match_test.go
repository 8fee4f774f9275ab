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
