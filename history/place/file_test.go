package place

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"guided/player"
	"guided/routines"
)

func someKept() kept {
	at, volume := time.Date(2026, 5, 1, 7, 30, 0, 0, time.UTC), 30
	return kept{
		Unwritten: []player.Record{{ID: "before", Routine: "yoga", Started: at, Ended: at, Heard: 2.5, Breaths: 1}},
		Selected:  "yoga", Volume: 40, Setting: 60, Process: process{"boot", false, []int64{5}},
		Session: &lost{SavedAt: &at, Place: player.Place{
			Routine: "yoga", Title: "Yoga", Voice: "heart", Volume: &volume, From: "MQTT guided/mat/command", Score: "abc", At: 123_456, Step: "Warrior", StepNumber: 3, Steps: 8,
			Side: "left", Position: 2.572, StartedAt: at, SoFar: player.SoFar{ID: "now", Began: at, Until: at, Samples: 123_456, Breaths: 2, Reps: 1},
			Options: routines.Options{For: 5 * time.Minute, Verbosity: routines.Short, NoHolds: true, Bed: "rain", Changes: []routines.Change{{At: 9, Pace: 1.05}, {At: 10, Extend: routines.Length{Breaths: 3}}}},
		}},
	}
}

// write writes a kept as Keep does.
func (f placeFile) write(t *testing.T, k kept) {
	t.Helper()
	staged, err := f.stage(k)
	if err == nil {
		err = f.replace(staged)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestPlaceFile(t *testing.T) {
	first, second := kept{Selected: "first", Volume: 1}, kept{Selected: "second", Volume: 2}
	whole, err := encode(someKept())
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		damage func(file string) error
		want   string // what is selected in what is read
		aside  bool
	}{
		"whole":                       {func(string) error { return nil }, "second", false},
		"missing, as between renames": {os.Remove, "first", false},
		"cut to nothing":              {func(f string) error { return os.Truncate(f, 0) }, "first", true},
		"cut in the middle":           {func(f string) error { return os.Truncate(f, 60) }, "first", true},
		"zeros":                       {func(f string) error { return os.WriteFile(f, make([]byte, 500), 0o600) }, "first", true},
		"one bit":                     {func(f string) error { return edit(f, "second", "secone") }, "first", true},
		"a newer version":             {func(f string) error { return edit(f, `"version":1`, `"version":2`) }, "first", true},
		"an unknown key":              {func(f string) error { return edit(f, `"version":1`, `"version":1,"more":1`) }, "first", true},
		"something after it":          {func(f string) error { return edit(f, "\n", "\n{}") }, "first", true},
		"the file of something else":  {func(f string) error { return os.WriteFile(f, []byte("[mqtt]\nbroker = \"\"\n"), 0o600) }, "first", true},
		"far too long":                {func(f string) error { return os.WriteFile(f, bytes.Repeat(whole, 1000), 0o600) }, "first", true},
		"a folder":                    {func(f string) error { os.Remove(f); return os.Mkdir(f, 0o700) }, "first", true},
	} {
		t.Run(name, func(t *testing.T) {
			f := placeFile(filepath.Join(t.TempDir(), "state", "place.json"))
			f.write(t, first)
			f.write(t, second)
			if err := tt.damage(string(f)); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			k, has := f.read(slog.New(slog.NewTextHandler(&log, nil)))
			if !has || k.Selected != tt.want {
				t.Errorf("%v, %+v", has, k)
			}
			if _, err := os.Lstat(string(f) + ".damaged"); (err == nil) != tt.aside || strings.Count(log.String(), "\n") != map[bool]int{true: 1}[tt.aside] {
				t.Errorf("moved aside: %v; the log:\n%s", err, &log)
			}
		})
	}
	t.Run("both are damaged: nothing is read, and the next write works", func(t *testing.T) {
		f := placeFile(filepath.Join(t.TempDir(), "place.json"))
		for _, name := range []string{string(f), f.backup()} {
			if err := os.WriteFile(name, []byte("?"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if k, has := f.read(slog.New(slog.DiscardHandler)); has {
			t.Errorf("%+v", k)
		}
		f.write(t, second)
		if k, has := f.read(slog.New(slog.DiscardHandler)); !has || k.Selected != "second" {
			t.Errorf("%v, %+v", has, k)
		}
	})
	t.Run("everything is read as it was written", func(t *testing.T) {
		f := placeFile(filepath.Join(t.TempDir(), "place.json"))
		f.write(t, someKept())
		if k, _ := f.read(slog.New(slog.DiscardHandler)); !reflect.DeepEqual(k, someKept()) {
			t.Errorf("%+v", k)
		}
	})
	t.Run("withdrawn: neither file has the session", func(t *testing.T) {
		f := placeFile(filepath.Join(t.TempDir(), "place.json"))
		f.write(t, someKept())
		f.write(t, someKept())
		if err := f.withdraw(second); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(f.backup()); err == nil {
			t.Error("the one before is left")
		}
		if k, has := f.read(slog.New(slog.DiscardHandler)); !has || k.Session != nil || k.Selected != "second" {
			t.Errorf("%v, %+v", has, k)
		}
	})
	t.Run("withdrawn where nothing can be written: both files are gone", func(t *testing.T) {
		f := placeFile(filepath.Join(t.TempDir(), "place.json"))
		f.write(t, someKept())
		f.write(t, someKept())
		if err := os.Mkdir(string(f)+".new", 0o700); err != nil { // in the way of the temporary file
			t.Fatal(err)
		}
		if err := f.withdraw(second); err == nil {
			t.Error("no error")
		}
		if k, has := f.read(slog.New(slog.DiscardHandler)); has {
			t.Errorf("%+v", k)
		}
	})
}

func edit(file, old, new string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return os.WriteFile(file, bytes.Replace(data, []byte(old), []byte(new), 1), 0o600)
}

// FuzzPlace reads any file: it is refused, or what is read is written the same again.
func FuzzPlace(f *testing.F) {
	for _, k := range []kept{{}, someKept(), {Selected: "4-4-6", Volume: 100, Setting: 100}} {
		data, err := encode(k)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(data[:len(data)/2])
		text, _, _ := bytes.Cut(data[bytes.Index(data, []byte(`"kept":`))+7:], []byte("}\n"))
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		sealed := append([]byte(`{"version":1,"sha256":"`+checksum(data)+`","kept":`), append(data, '}')...)
		for _, data := range [][]byte{data, sealed} { // with the right checksum too
			k, err := decode(data)
			if err != nil {
				continue
			}
			again, err := encode(k)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := decode(again); err != nil || !reflect.DeepEqual(got, k) {
				t.Fatalf("%v: %+v, before %+v", err, got, k)
			}
		}
	})
}
