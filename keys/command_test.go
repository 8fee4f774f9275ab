package keys

import (
	"regexp"
	"strings"
	"testing"
)

func TestConfigCheck(t *testing.T) {
	for name, tt := range map[string]struct {
		config Config
		want   string
	}{
		"a mistyped key":                {Config{Map: map[string]string{"KEY_NEXTSNOG": "next"}}, `keys.map: there is no key "KEY_NEXTSNOG"; did you mean "KEY_NEXTSONG"?`},
		"a key without its beginning":   {Config{Map: map[string]string{"NEXTSONG": "next"}}, `"KEY_NEXTSONG"`},
		"a key in small letters":        {Config{Map: map[string]string{"key_stop": "stop"}}, `"KEY_STOP"`},
		"a key like no other":           {Config{Map: map[string]string{"the big red one": "stop"}}, "guided devices"},
		"a mistyped command":            {Config{Map: map[string]string{"KEY_STOP": "stopp"}}, `keys.map.KEY_STOP: unknown command "stopp"; did you mean "stop"?`},
		"a command with too much":       {Config{Map: map[string]string{"KEY_STOP": "stop now please"}}, "takes nothing after it"},
		"a volume that changes nothing": {Config{Map: map[string]string{"KEY_STOP": "volume +0"}}, "volume +5"},
		"a volume beyond its end":       {Config{Map: map[string]string{"KEY_STOP": "volume -500"}}, "volume +5"},
		"a device without a name":       {Config{Devices: []string{""}}, "keys.devices"},
		"a key that is switched off":    {Config{Map: map[string]string{"KEY_STOP": ""}}, ""},
		"a routine":                     {Config{Map: map[string]string{"KEY_STOP": "start yoga for 10m volume 40"}}, ""},
		"a button":                      {Config{Map: map[string]string{"BTN_TRIGGER_HAPPY1": "toggle"}}, ""},
		"an absolute volume":            {Config{Map: map[string]string{"KEY_STOP": "volume 40"}}, ""},
		"a relative one":                {Config{Map: map[string]string{"KEY_STOP": "Volume  -10"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(tt.config.Check(), "\n")
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	t.Run("all problems at once", func(t *testing.T) {
		if got := (Config{Devices: []string{""}, Map: map[string]string{"KEY_A": "x", "KEY_?": "stop"}}).Check(); len(got) != 3 {
			t.Error(got)
		}
	})
}

func TestCodes(t *testing.T) {
	count, last := 0, code(0)
	for line := range strings.Lines(codesText) {
		if !regexp.MustCompile(`^[1-9]\d* (KEY|BTN)_\w+\n$`).MatchString(line) {
			t.Errorf("%q", line)
		}
		count++
	}
	seen := map[string]bool{}
	allKeys(func(name string, c code) {
		if seen[name] || c < last || c > maxCode {
			t.Errorf("%s %d", name, c)
		}
		seen[name], last = true, c
	})
	if count != len(seen) || count < 600 {
		t.Errorf("%d lines, %d names", count, len(seen))
	}
	for c, want := range map[code]string{164: "KEY_PLAYPAUSE", 0x110: "BTN_LEFT", 999: "number 999"} {
		if got := nameOf(c); got != want {
			t.Errorf("%d is %s, want %s", c, got, want)
		}
	}
}
