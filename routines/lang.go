package routines

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/BurntSushi/toml"
)

//go:embed lang/*.toml
var langFiles embed.FS

// Lang is the words of one language that a routine does not write itself.
type Lang struct {
	Code   string // such as "en"
	Name   string
	Phases map[string]string
	Sides  struct {
		Left, Right, Switch string
		OnLeft              string `toml:"on_left"`
		OnRight             string `toml:"on_right"`
	}
	Numbers       struct{ List []string } // from "one" on
	Abbreviations Abbreviations

	abbreviations map[string]abbreviation // in lower case
	phases        map[string]countedWord  // Phases as they are spoken
	counts        []countedWord           // Numbers as they are spoken, from one on
}

// loadLang is the language of a code. It is shared, and never changed.
func loadLang(code string) (*Lang, error) {
	if l, known := embeddedLangs()[code]; known {
		return l, nil
	}
	return nil, fmt.Errorf("no words for the language %q; %s", code, DidYouMean(code, langs()))
}

// embeddedLangs is the languages by code, decoded once: constants, for which Go has no literal that people can edit.
var embeddedLangs = sync.OnceValue(func() map[string]*Lang {
	all := map[string]*Lang{}
	for _, code := range langs() {
		l := &Lang{Code: code}
		if _, err := toml.DecodeFS(langFiles, "lang/"+code+".toml", l); err != nil {
			panic(err) // embedded, and tested
		}
		l.abbreviations = l.Abbreviations.index()
		l.phases = map[string]countedWord{}
		for phase, word := range l.Phases {
			l.phases[phase] = newCountedWord(word)
		}
		for _, number := range l.Numbers.List {
			l.counts = append(l.counts, newCountedWord(number))
		}
		all[code] = l
	}
	return all
})

// langs lists the codes of the languages.
func langs() []string {
	files, _ := fs.Glob(langFiles, "lang/*.toml") // fails only for a malformed pattern
	for i, f := range files {
		files[i] = strings.TrimSuffix(path.Base(f), ".toml")
	}
	return files
}

// number is the word for n; "" beyond the list.
func (l *Lang) number(n int) string {
	if n < 1 || n > len(l.Numbers.List) {
		return ""
	}
	return l.Numbers.List[n-1]
}

// countWord is the word for n as it is spoken inside a count, or at its end; "" beyond the list.
func (l *Lang) countWord(n int, last bool) string {
	if n < 1 || n > len(l.counts) {
		return ""
	}
	return l.counts[n-1].form(last)
}

// announceSide is the sentence that announces the first side.
func (l *Lang) announceSide(side string) string {
	if side == "right" {
		return l.Sides.OnRight
	}
	return l.Sides.OnLeft
}

// sideWord is the word for the side "left" or "right".
func (l *Lang) sideWord(side string) string {
	if side == "right" {
		return l.Sides.Right
	}
	return l.Sides.Left
}
