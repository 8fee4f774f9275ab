package keys

import (
	"slices"
	"strings"
	"testing"
)

func TestUse(t *testing.T) {
	codesOf := func(list []code) bitmap { return parseBitmap(bitmapText(64, list...), 64) }
	m, wrong := newKeymap(map[string]string{
		"KEY_PLAYPAUSE": "toggle", "KEY_PLAYCD": "toggle", "KEY_PLAY": "toggle", "KEY_NEXTSONG": "next", "KEY_VOLUMEUP": "volume +5",
		"KEY_PAGEDOWN": "next", "KEY_ENTER": "toggle",
	})
	if wrong != nil {
		t.Fatal(wrong)
	}
	for name, tt := range map[string]struct {
		device device
		auto   string // why it is not used where it is not named; "": it is
		grab   bool   // where it is named
	}{
		"a laptop's keyboard":                   {device{keys: keysOfReal("AT Translated Set 2 keyboard")}, "letters", false},
		"a wireless keyboard with media keys":   {device{keys: keysOfReal("Logitech MX Keys")}, "letters", false},
		"a mouse that claims every key":         {device{keys: keysOfReal("Logitech G502")}, "letters", false},
		"a mouse":                               {device{keys: keysOfReal("Telink Wireless Receiver Mouse")}, "mouse", false},
		"a mouse with media keys":               {device{keys: codesOf(madeKeys["a mouse with keys"])}, "mouse", false},
		"a power button":                        {device{keys: keysOfReal("Power Button")}, "no key", true},
		"a keyboard's sleep and power keys":     {device{keys: keysOfReal("Wooting Wooting 80HE System Control")}, "no key", true},
		"a headset":                             {device{keys: keysOfReal("Jabra Elite 75t (AVRCP)")}, "", true},
		"a television's remote over HDMI":       {device{keys: keysOfReal("vc4-hdmi-0")}, "", true},
		"media keys, such as a volume knob":     {device{keys: keysOfReal("Compx Consumer Control")}, "", true},
		"the shutter of a telephone":            {device{keys: codesOf(madeKeys["AB Shutter3"])}, "", true},
		"a pedal that turns pages":              {device{keys: codesOf(madeKeys["a two-key pedal"])}, "", true},
		"a button that is an enter key":         {device{keys: codesOf(madeKeys["an enter button"])}, "no key", true},
		"a jack without keys":                   {device{keys: keysOfReal("HDA Intel PCH Headphone (no keys)")}, "no key", false},
		"one of which the kernel tells nothing": {device{keys: keysOfReal("a sound card's jack (nothing to read)")}, "no key", false},
	} {
		t.Run(name, func(t *testing.T) {
			tt.device.name = "It"
			u := m.use(auto(), tt.device)
			if u.named || u.grab || (u.why == "") != (tt.auto == "") || !strings.Contains(u.why, tt.auto) {
				t.Errorf("not named: %+v", u)
			}
			if u := m.use(Config{Devices: []string{"it"}}, tt.device); !u.named || u.why != "" || u.grab != tt.grab {
				t.Errorf("named: %+v", u)
			}
			if u := m.use(Config{Devices: []string{"another"}}, tt.device); u.named || u.why == "" {
				t.Errorf("another is named: %+v", u)
			}
		})
	}
}

func TestParseBitmap(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		bits int
		want []code
	}{
		"64 bits":                 {"8000 10000000000000 0", 64, []code{116, 143}},
		"the same in 32 bits":     {"8000 100000 0 0 0", 32, []code{116, 143}},
		"nothing":                 {"0", 64, nil},
		"an empty file":           {"\n", 64, nil},
		"no hexadecimal":          {"8000 xyz", 64, nil},
		"a word that is too long": {"123456789", 32, nil},
		"codes that no key has":   {strings.Repeat("ffffffff ", 100) + "2", 64, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := parseBitmap(tt.text, tt.bits)
			for _, c := range tt.want {
				if !got[c] {
					t.Errorf("%d is missing", c)
				}
			}
			if tt.want != nil && len(got) != len(tt.want) || len(got) > maxCode+1 {
				t.Errorf("%d codes: %v", len(got), got)
			}
		})
	}
}

func TestInfo(t *testing.T) {
	r := newRoom(t)
	r.plug(10, "Remote\x1b[31m", headset...)
	r.plug(2, "Keyboard", append(headset, letterA, keyEnter)...)
	r.plug(3, "Broken", headset...).breakNode()
	cfg := Config{Devices: []string{Auto, "Pedal"}, Map: map[string]string{"KEY_PLAYPAUSE": "toggle", "KEY_ENTER": "next"}}
	list := r.system.info(cfg)
	if len(list) != 3 || list[0].Name != "Keyboard" || list[2].Name != "Remote[31m" {
		t.Fatalf("%+v", list)
	}
	if d := list[2]; !d.Used || !d.OK || d.Why != "" || !slices.Equal(d.Keys, []Key{{"KEY_PLAYPAUSE", "toggle"}}) {
		t.Errorf("%+v", d)
	}
	if d := list[0]; d.Used || !d.OK || !strings.Contains(d.Why, "keys.devices") || len(d.Keys) != 2 {
		t.Errorf("%+v", d)
	}
	if d := list[1]; d.Used || d.OK || !strings.Contains(d.Why, "cannot be read") {
		t.Errorf("%+v", d)
	}
	if missing := r.system.missing(cfg); !slices.Equal(missing, []string{"Pedal"}) {
		t.Errorf("missing: %v", missing)
	}
	if list := (system{"/nowhere", "/nowhere"}).info(cfg); len(list) != 0 {
		t.Errorf("of no folder: %v", list)
	}
}
