package config

import (
	"path/filepath"
	"reflect"
	"strings"
)

// Changed lists the keys, such as "audio.volume", of which two settings have different values.
func Changed(a, b Config) []string {
	return changed(reflect.ValueOf(a), reflect.ValueOf(b), "")
}

// changed compares two structs with the names of the settings before theirs. A struct without such names is one value.
func changed(a, b reflect.Value, before string) (keys []string) {
	for i := range a.NumField() {
		field := a.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("toml"), ",")
		switch {
		case field.Anonymous && field.Type.Kind() == reflect.Struct && hasKeys(field.Type):
			keys = append(keys, changed(a.Field(i), b.Field(i), before)...)
		case name == "":
		case field.Type.Kind() == reflect.Struct && hasKeys(field.Type):
			keys = append(keys, changed(a.Field(i), b.Field(i), before+name+".")...)
		case !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()):
			keys = append(keys, before+name)
		}
	}
	return keys
}

func hasKeys(t reflect.Type) bool {
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("toml") != "" {
			return true
		}
	}
	return false
}

// File is the settings file that --config names, else the standard one that is read, else the one that would be read first.
func File(name string) string {
	if name != "" {
		return name
	}
	if found, _, err := Find(""); err == nil && filepath.IsAbs(found) {
		return found
	}
	return standardFiles()[0]
}
