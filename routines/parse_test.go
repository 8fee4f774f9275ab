package routines_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guided/routines"
)

// Beside every file of testdata/bad lies a .want file with all problems that must be reported.
func TestLibraryLoadReportsAllProblems(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	library := routines.Library{os.DirFS("testdata/bad"), routines.Builtin()}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".toml")
		t.Run(name, func(t *testing.T) {
			_, err := library.Load(t.Context(), name)
			if err == nil {
				t.Fatal("it was accepted")
			}
			compareGolden(t, strings.TrimSuffix(file, ".toml")+".want", err.Error()+"\n")
		})
	}
}

func FuzzParse(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, text string, _ uint64) {
		_, err := routines.Parse("fuzz.toml", []byte(text))
		var problems routines.Problems
		if err != nil && (!errors.As(err, &problems) || len(problems) == 0) {
			t.Fatalf("an error that is no list of problems: %v", err)
		}
		lines := strings.Count(text, "\n") + 1
		for _, p := range problems {
			if p.File != "fuzz.toml" || p.What == "" || p.Line < 0 || p.Line > lines {
				t.Errorf("a problem without its place: %+v in %d lines", p, lines)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	data, err := os.ReadFile("testdata/golden/everything.toml")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := routines.Parse("everything.toml", data); err != nil {
			b.Fatal(err)
		}
	}
}

func TestParseQuantitiesAsPeopleTypeThem(t *testing.T) {
	text := "title = 'Typed'\nbreath = '4\u20136'\n[[step]]\nbreathe = '\uff14\u20114\u22126'\nfor = '6\u00a0breaths'\n" +
		"[[step]]\nhold = '1m\u202f30s'\ncues = [{at = '10\u00a0s before\u00a0end', say = 'x'}, {at = '\u200b25%', say = 'x'}]\n"
	want := "title = 'Typed'\nbreath = '4-6'\n[[step]]\nbreathe = '4-4-6'\nfor = '6 breaths'\n" +
		"[[step]]\nhold = '1m 30s'\ncues = [{at = '10s before end', say = 'x'}, {at = '25%', say = 'x'}]\n"
	if got, want := compileWith(t, text, routines.Options{}).String(), compileWith(t, want, routines.Options{}).String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestParseOfOtherEncodings(t *testing.T) {
	text := "title = \"W\"\n[[step]]\nsay = \"x\"\n"
	var little, big []byte
	for _, c := range []byte(text) {
		little, big = append(little, c, 0), append(big, 0, c)
	}
	for name, data := range map[string][]byte{
		"little": little, "big": big, "little with a mark": append([]byte{0xff, 0xfe}, little...), "big with a mark": append([]byte{0xfe, 0xff}, big...),
	} {
		if _, err := routines.Parse("w.toml", data); err == nil || !strings.Contains(err.Error(), "w.toml") || !strings.Contains(err.Error(), "save the file as UTF-8") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := routines.Parse("w.toml", append([]byte("\ufeff"), text...)); err != nil {
		t.Errorf("UTF-8 with a mark: %v", err)
	}
}
