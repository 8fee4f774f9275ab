package routines

import (
	"slices"
	"testing"

	"github.com/BurntSushi/toml"
)

// Every language must have every word that a routine may need.
func TestLangFilesAreComplete(t *testing.T) {
	codes := langs()
	if len(codes) == 0 || !slices.Contains(codes, defaultLang) {
		t.Fatalf("languages %v, without the default one", codes)
	}
	for _, code := range codes {
		t.Run(code, func(t *testing.T) {
			l, err := loadLang(code)
			if err != nil {
				t.Fatal(err)
			}
			var any Lang
			meta, err := toml.DecodeFS(langFiles, "lang/"+code+".toml", &any)
			if err != nil || len(meta.Undecoded()) > 0 {
				t.Errorf("unknown keys %v, %v", meta.Undecoded(), err)
			}
			words := map[string]string{"name": l.Name, "sides.left": l.Sides.Left, "sides.right": l.Sides.Right, "sides.switch": l.Sides.Switch, "sides.on_left": l.Sides.OnLeft, "sides.on_right": l.Sides.OnRight}
			for _, phase := range breathPhases {
				words["phases."+phase] = l.Phases[phase]
			}
			for key, word := range words {
				if !hasWord(word) {
					t.Errorf("%s: %q has no word to speak", key, word)
				}
			}
			if len(l.Phases) != len(breathPhases) {
				t.Errorf("phases %v, want %v", l.Phases, breathPhases)
			}
			if l.Sides.Left == l.Sides.Right {
				t.Errorf("both sides are %q", l.Sides.Left)
			}
			if len(l.Numbers.List) < 60 {
				t.Errorf("numbers to %d, a phase may last 60 seconds", len(l.Numbers.List))
			}
			seen := map[string]int{}
			for i, number := range l.Numbers.List {
				if !hasWord(number) || seen[number] > 0 {
					t.Errorf("number %d is %q, as is %d", i+1, number, seen[number])
				}
				seen[number] = i + 1
			}
		})
	}
}
