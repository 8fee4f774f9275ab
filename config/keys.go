package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"guided/routines"
)

// maxProblems bounds how many unknown settings are told at once, and maxKey the letters of one that are shown.
const (
	maxProblems = 20
	maxKey      = 60
)

// unknownSettings is an error that names each unknown setting once, with a hint; nil where there is none. Of an unknown
// section only its name is told.
func unknownSettings(file string, keys []toml.Key) error {
	known := knownKeys(reflect.TypeFor[Config](), "")
	var problems []error
	told := map[string]bool{}
	for _, key := range keys {
		name := key.String()
		if section := unknownSection(key, known); section != "" {
			name = section
		}
		if told[name] {
			continue
		}
		told[name] = true
		if len(problems) == maxProblems {
			problems = append(problems, fmt.Errorf("%s: there are more unknown settings", file))
			break
		}
		problems = append(problems, fmt.Errorf("%s: unknown setting %s; %s", file, shorten(name), hintFor(name, known)))
	}
	return errors.Join(problems...)
}

// shorten cuts a key that would fill the screen, and quotes one that is not plain.
func shorten(name string) string {
	if cut := []rune(name); len(cut) > maxKey {
		name = string(cut[:maxKey]) + "…"
	}
	if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7F }) {
		return fmt.Sprintf("%q", name)
	}
	return name
}

// unknownSection is the first part of a key that begins no known one, or "".
func unknownSection(key toml.Key, known []string) string {
	for i := range len(key) - 1 {
		section := key[:i+1].String()
		if !slices.ContainsFunc(known, func(k string) bool { return strings.HasPrefix(k, section+".") }) {
			return section
		}
	}
	return ""
}

// hintFor says what an unknown setting may have been meant to be: the nearest key, the section in which a key of that name
// stands, or else what its section has. It is never empty.
func hintFor(name string, known []string) string {
	if near := routines.Nearest(name, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	sections := sectionsOf(known)
	section, last := "", name
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		section, last = name[:i], name[i+1:]
	}
	if near := routines.Nearest(name, sections); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	var elsewhere []string
	for _, k := range known {
		if strings.HasSuffix(k, "."+last) {
			elsewhere = append(elsewhere, fmt.Sprintf("%q", k))
		}
	}
	if len(elsewhere) > 0 {
		return "did you mean " + strings.Join(elsewhere, " or ") + "?"
	}
	var here []string
	for _, k := range known {
		if rest, is := strings.CutPrefix(k, section+"."); is && section != "" && !strings.Contains(rest, ".") {
			here = append(here, k)
		}
	}
	if len(here) > 0 {
		return "use one of " + strings.Join(here, ", ")
	}
	return "the sections are " + strings.Join(sections, ", ")
}

// sectionsOf lists what stands before the last dot of keys, without repetitions.
func sectionsOf(keys []string) []string {
	var list []string
	for _, k := range keys {
		if i := strings.LastIndexByte(k, '.'); i >= 0 && !slices.Contains(list, k[:i]) {
			list = append(list, k[:i])
		}
	}
	return list
}

// knownKeys lists the keys of the settings below prefix, as their types name them; a section is not a key.
func knownKeys(t reflect.Type, prefix string) []string {
	var keys []string
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("toml"), ",")
		of := field.Type
		for of.Kind() == reflect.Slice || of.Kind() == reflect.Pointer {
			of = of.Elem()
		}
		section := of.Kind() == reflect.Struct && !reflect.PointerTo(of).Implements(reflect.TypeFor[toml.Unmarshaler]())
		switch {
		case field.Anonymous && section:
			keys = append(keys, knownKeys(of, prefix)...)
		case !field.IsExported() || name == "":
		case section:
			keys = append(keys, knownKeys(of, prefix+name+".")...)
		default:
			keys = append(keys, prefix+name)
		}
	}
	return keys
}
