package schedule

import (
	"errors"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// decodeText decodes the [[schedule]] of a text.
func decodeText(text string) ([]*Entry, []error) {
	var file struct {
		Schedule Tables `toml:"schedule"`
	}
	if _, err := toml.Decode(text, &file); err != nil {
		return nil, []error{err}
	}
	return Decode("guided.toml", []byte(text), file.Schedule)
}

func TestDecode(t *testing.T) {
	entries, problems := decodeText(`
[[schedule]]
routine = "4-4-6"
at = ["07:00", "6:30"]
days = "mon-fri"
volume = 30
holds = false
for = "5m"
late = "15m"

[[ schedule ]]
name = "Straighten up"
routine = "posture-reset"
every = "90m"
between = "22:00-02:00"
when = { topic = "home/anna", is = "home" }
chime = true
night = true

[[schedule]]
routine = "4-4-6"
at = ["07:00", "6:30"]
`)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	a, b, c := entries[0], entries[1], entries[2]
	if a.Name != "4-4-6 06:30, 07:00" || a.Times() != "06:30, 07:00 on mon-fri" || a.Place != "guided.toml:2" || a.Late.Minutes() != 15 {
		t.Errorf("%+v", a)
	}
	if b.Name != "Straighten up" || b.Times() != "every 1h30m between 22:00-02:00 daily" || len(b.Slots) != 3 || b.Slots[2] != 25*60 || !b.Chime || !b.Night || b.When == nil {
		t.Errorf("%+v", b)
	}
	if c.Name != "4-4-6 06:30, 07:00 (2)" || c.Place != "guided.toml:20" {
		t.Errorf("%q at %s", c.Name, c.Place)
	}
	start, err := a.Command()
	if err != nil || start.Routine != "4-4-6" || *start.Volume != 30 || *start.Holds || start.For.Minutes() != 5 || start.From != "schedule: 4-4-6 06:30, 07:00" {
		t.Errorf("%+v, %v", start, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, x := range []struct{ situation, text, says string }{
		{"no time", "", `at = "07:00"`},
		{"no routine", `at = "07:00"`, `routine is missing`},
		{"every without between", `every = "1h"`, `every needs between`},
		{"both", "every = \"1h\"\nat = \"07:00\"", `either at, or every`},
		{"between alone", `between = "09:00-17:00"`, `at is missing`},
		{"a time of TOML", `at = 07:30:00`, `"07:00"`},
		{"a time that does not exist", `at = "24:00"`, `no time of day`},
		{"a number", `at = 7`, `at: 7 is no time of day`},
		{"no times", `at = []`, `0 times`},
		{"a time too often", "every = \"1m\"\nbetween = \"09:00-17:00\"", `every: 1m`},
		{"a bare number", "every = 60\nbetween = \"09:00-17:00\"", `every: 60`},
		{"an empty part of the day", "every = \"1h\"\nbetween = \"09:00-09:00\"", `no part of a day`},
		{"no part of the day", "every = \"1h\"\nbetween = \"mornings\"", `no part of a day`},
		{"days of another language", "at = \"07:00\"\ndays = \"mo-fr\"", `mon-fri`},
		{"a mistyped key", "at = \"07:00\"\nroutin = \"y\"", `did you mean "routine"`},
		{"a mistyped key of start", "at = \"07:00\"\nvolumes = 3", `did you mean "volume"`},
		{"a key of no start", "at = \"07:00\"\ntransaction = \"1\"", `"transaction" is not known`},
		{"a volume above 100", "at = \"07:00\"\nvolume = 140", `volume: "140"`},
		{"a length without a unit", "at = \"07:00\"\nfor = 5", `for: "5"`},
		{"a condition in words", "at = \"07:00\"\nwhen = \"anna is home\"", `when = { topic`},
		{"a condition of many topics", "at = \"07:00\"\nwhen = { topic = \"home/+\", is = \"home\" }", `when.topic`},
		{"half a condition", "at = \"07:00\"\nwhen = { topic = \"home/anna\" }", `is missing`},
		{"a condition with more", "at = \"07:00\"\nwhen = { topic = \"a\", is = \"b\", not = \"c\" }", `"not" is not known here`},
		{"a switch in quotes", "at = \"07:00\"\nnight = \"true\"", `night: want true or false`},
		{"late without a unit", "at = \"07:00\"\nlate = 15", `late: want a text`},
		{"late for days", "at = \"07:00\"\nlate = \"48h\"", `12 hours`},
		{"a list for a value", "at = \"07:00\"\nbed = [\"rain\"]", `bed: want a text`},
		{"an empty name", "at = \"07:00\"\nname = \" \"", `name: it is empty`},
		{"a name of many letters", "at = \"07:00\"\nname = \"" + strings.Repeat("x", 61) + "\"", `61 letters`},
	} {
		t.Run(x.situation, func(t *testing.T) {
			text := "routine = \"x\"\n" + x.text
			if x.situation == "no routine" {
				text = x.text
			}
			entries, problems := decodeText("\n\n[[schedule]]\n" + text)
			err := errors.Join(problems...)
			if err == nil || !strings.Contains(err.Error(), x.says) || !strings.Contains(err.Error(), "guided.toml:3: schedule.") || len(entries) > 0 {
				t.Errorf("it says %v, want %s", err, x.says)
			}
		})
	}
	t.Run("all problems at once", func(t *testing.T) {
		_, problems := decodeText("[[schedule]]\nat = 1\nvolume = -1\n[[schedule]]\nnight = 1\nroutine = \"x\"\n")
		if len(problems) != 4 {
			t.Errorf("%d: %v", len(problems), problems)
		}
	})
	t.Run("one name twice", func(t *testing.T) {
		one := "[[schedule]]\nname = \"%\"\nroutine = \"x\"\nat = \"07:00\"\n"
		_, problems := decodeText(strings.Replace(one, "%", "Morning", 1) + strings.Replace(one, "%", "morning", 1))
		if len(problems) != 1 || !strings.Contains(problems[0].Error(), "guided.toml:5") || !strings.Contains(problems[0].Error(), "guided.toml:1 ") {
			t.Errorf("it says %v", problems)
		}
	})
	t.Run("one bracket", func(t *testing.T) {
		if _, problems := decodeText("[schedule]\nroutine = \"x\"\n"); len(problems) != 1 || !strings.Contains(problems[0].Error(), "[[schedule]]") {
			t.Errorf("it says %v", problems)
		}
	})
	t.Run("too many", func(t *testing.T) {
		if _, problems := decodeText(strings.Repeat("[[schedule]]\nroutine = \"x\"\nat = \"07:00\"\n", 101)); len(problems) != 1 {
			t.Errorf("it says %d problems", len(problems))
		}
	})
}

// Any text is entries or problems, soon.
func FuzzSchedule(f *testing.F) {
	for _, text := range []string{
		"", "[[schedule]]\nroutine = \"x\"\nat = \"07:00\"", "[[schedule]]\nevery = \"5m\"\nbetween = \"00:01-00:00\"\nroutine = \"y\"\nwhen = {topic=\"a\",is=1}",
		"schedule = [1]", "schedule = [{at = \"07:00\", routine = \"x\", days = \"sat-sun,mon\"}]", "[[schedule]]\nat = [[\"1:00\"]]\nAT = 1\nvolume = nan",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		entries, problems := decodeText(text)
		for _, err := range problems {
			if err.Error() == "" || len(err.Error()) > 10_000 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
		}
		names := map[string]bool{}
		for _, e := range entries {
			if name := strings.ToLower(e.Name); name == "" || names[name] {
				t.Errorf("the name %q", e.Name)
			} else {
				names[name] = true
			}
			if len(e.Slots) == 0 || e.Slots[0] < 0 || e.Slots[len(e.Slots)-1] >= 2*dayMinutes || e.Days == 0 || e.Times() == "" {
				t.Errorf("%+v", e)
			}
		}
	})
}
