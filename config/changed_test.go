package config

import (
	"reflect"
	"strings"
	"testing"
)

// Every setting that a file can hold is told when it changes, by its name, and nothing else is.
func TestChanged(t *testing.T) {
	before, err := Load(settingsFile(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	again, err := Load(settingsFile(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	if keys := Changed(before, again); len(keys) > 0 {
		t.Errorf("nothing has changed, but %v", keys)
	}
	for _, key := range knownKeys(reflect.TypeFor[Config](), "") {
		if strings.HasPrefix(key, "audio.also.") {
			continue // one list
		}
		t.Run(key, func(t *testing.T) {
			after := before
			field := reflect.ValueOf(&after).Elem()
			for _, name := range strings.Split(key, ".") {
				field = fieldByKey(field, name)
			}
			switch v := field.Addr().Interface().(type) {
			case *duration:
				v.Duration++
			case *logLevel:
				v.Level++
			case *Hours:
				*v = Hours{set: true, to: 1}
			default:
				switch field.Kind() {
				case reflect.String:
					field.SetString(field.String() + "x")
				case reflect.Bool:
					field.SetBool(!field.Bool())
				case reflect.Int:
					field.SetInt(field.Int() + 1)
				case reflect.Slice:
					field.Set(reflect.MakeSlice(field.Type(), 1, 1))
				case reflect.Map:
					field.Set(reflect.MakeMap(field.Type()))
				default:
					t.Fatalf("a %v is not changed by this test", field.Type())
				}
			}
			if keys := Changed(before, after); len(keys) != 1 || keys[0] != key {
				t.Errorf("told %v", keys)
			}
		})
	}
}

// fieldByKey is the field of a struct, or of one that is embedded in it, with this name in the file.
func fieldByKey(s reflect.Value, name string) reflect.Value {
	for i := range s.NumField() {
		field := s.Type().Field(i)
		if field.Tag.Get("toml") == name {
			return s.Field(i)
		}
		if field.Anonymous && field.Type.Kind() == reflect.Struct {
			if found := fieldByKey(s.Field(i), name); found.IsValid() {
				return found
			}
		}
	}
	return reflect.Value{}
}
