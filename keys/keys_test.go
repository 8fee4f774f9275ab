package keys

import (
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	playPause code = 164
	nextSong  code = 163
	letterA   code = 30
)

var headset = []code{playPause, nextSong, keyVolumeUp, keyVolumeDown}

func auto() Config { return Config{Devices: []string{Auto}} }

func TestRun(t *testing.T) {
	t.Run("a headset is used without being named", func(t *testing.T) {
		r := newRoom(t)
		d := r.plug(3, "Jabra (AVRCP)", headset...)
		r.start(auto())
		d.press(playPause)
		d.press(nextSong)
		r.want("toggle next")
		if from := r.commands[1].From; from != "the key KEY_NEXTSONG of Jabra (AVRCP)" {
			t.Error(from)
		}
	})
	t.Run("a keyboard is not used, and nothing is told of what is typed", func(t *testing.T) {
		r := newRoom(t)
		keyboard := r.plug(0, "Keyboard", append(headset, letterA, keyEnter)...)
		d := r.plug(1, "Remote", headset...)
		r.start(auto())
		keyboard.press(playPause)
		keyboard.press(letterA)
		d.press(nextSong)
		r.want("next")
		if strings.Contains(r.told.String(), "Keyboard") || strings.Contains(r.told.String(), "KEY_A") {
			t.Error(r.told)
		}
	})
	t.Run("a keyboard that is named is used, and nothing is told of what is typed", func(t *testing.T) {
		r := newRoom(t)
		keyboard := r.plug(0, "PageFlip Firefly", append(headset, letterA, keyEnter)...)
		r.start(Config{Devices: []string{"pageflip firefly"}})
		keyboard.press(letterA)
		keyboard.press(keyEnter)
		r.want("toggle")
		if strings.Contains(r.told.String(), "KEY_A") {
			t.Error(r.told)
		}
	})
	t.Run("a device is named by a link to it", func(t *testing.T) {
		r := newRoom(t)
		d := r.plug(7, "Remote", headset...)
		link := filepath.Join(t.TempDir(), "by-id")
		r.must(os.Symlink(d.path, link))
		r.start(Config{Devices: []string{link}})
		d.press(nextSong)
		r.want("next")
	})
	t.Run("enter counts only where the device is named", func(t *testing.T) {
		r := newRoom(t)
		d := r.plug(3, "Remote", append(headset, keyEnter)...)
		r.start(auto())
		d.press(keyEnter)
		d.press(nextSong)
		r.want("next")
	})
	t.Run("one that is plugged in later, and again as another", func(t *testing.T) {
		r := newRoom(t)
		r.start(Config{Devices: []string{Auto, "Pedal"}})
		r.wantLog(`a device of keys.devices is not there; it is used as soon as it is" device=Pedal`)
		d := r.plug(3, "Pedal", headset...)
		d.press(playPause)
		r.want("toggle")
		d.unplug()
		r.plug(4, "Other", letterA)
		again := r.plug(3, "Pedal", headset...)
		again.press(nextSong)
		r.want("toggle next")
	})
	t.Run("replaced by another before it is looked at again", func(t *testing.T) {
		r := newRoom(t)
		d := r.plug(3, "Remote", headset...)
		r.start(auto())
		d.press(playPause)
		r.want("toggle")
		r.must(os.Remove(d.path)) // its FIFO stays open: the reader does not end by itself
		again := r.plug(3, "Remote", headset...)
		again.press(nextSong)
		r.want("toggle next")
	})
	t.Run("no folder of devices", func(t *testing.T) {
		r := newRoom(t)
		r.must(os.Remove(r.system.dev))
		r.start(auto())
		r.must(os.Mkdir(r.system.dev, 0o755))
		d := r.plug(0, "Remote", headset...)
		d.press(nextSong)
		r.want("next")
	})
	t.Run("other settings while it runs: other commands, other devices, and none", func(t *testing.T) {
		r := newRoom(t)
		d := r.plug(3, "Remote", headset...)
		change := r.start(auto())
		d.press(nextSong)
		r.want("next")
		change(Config{Devices: []string{Auto}, Map: map[string]string{"KEY_NEXTSONG": "back"}})
		r.until("used anew", func() bool { return strings.Count(r.told.String(), "the keys of a device are used") == 2 })
		d.press(nextSong)
		r.want("next back")
		change(Config{})
		change(Config{Devices: []string{"Pedal"}, Map: map[string]string{"KEY_NEXTSONG": "stop"}})
		pedal := r.plug(4, "Pedal", headset...)
		r.until("the pedal is used", func() bool { return strings.Contains(r.told.String(), "device=Pedal path") })
		d.press(nextSong)
		pedal.press(nextSong)
		r.want("next back stop")
	})
	t.Run("no devices in the settings: it ends at once", func(t *testing.T) {
		r := newRoom(t)
		newRemote(Config{}, r.system, Player{}, nil).run(t.Context(), nil)
	})
	t.Run("a key that is held", func(t *testing.T) {
		r := newRoom(t)
		d := r.plug(3, "Remote", headset...)
		r.start(auto())
		d.send(event{time.Second, evKey, nextSong, pressed})
		for range 20 {
			d.send(event{30 * time.Millisecond, evKey, nextSong, held})
		}
		d.send(event{0, evKey, nextSong, released}, event{time.Second, evKey, keyVolumeDown, pressed})
		for range 10 { // 300 ms
			d.send(event{30 * time.Millisecond, evKey, keyVolumeDown, held})
		}
		d.press(playPause)
		r.want("next volume 55 volume 50 volume 45 toggle")
	})
	t.Run("the volume stops at its ends", func(t *testing.T) {
		r := newRoom(t)
		r.volume = 97
		d := r.plug(3, "Remote", headset...)
		r.start(auto())
		d.press(keyVolumeUp)
		d.press(keyVolumeUp)
		r.want("volume 100 volume 100")
	})
	t.Run("a key without a command, told once", func(t *testing.T) {
		r := newRoom(t)
		d := r.plug(3, "Remote", append(headset, 168)...)
		r.start(auto())
		d.press(168)
		d.press(168)
		d.press(nextSong)
		r.want("next")
		if n := strings.Count(r.told.String(), "KEY_REWIND"); n != 1 {
			t.Errorf("told %d times:\n%s", n, r.told)
		}
	})
	t.Run("one that cannot be opened does not keep others from being used", func(t *testing.T) {
		r := newRoom(t)
		r.plug(2, "Broken", headset...).breakNode()
		d := r.plug(3, "Remote", headset...)
		r.start(auto())
		d.press(nextSong)
		r.want("next")
		r.wantLog("the keys of a device cannot be read")
		r.tell()
		d.press(nextSong)
		r.want("next next")
		if n := strings.Count(r.told.String(), "cannot be read"); n != 1 {
			t.Errorf("told %d times:\n%s", n, r.told)
		}
	})
}

func TestRefuseTellsWhatToDoOnce(t *testing.T) {
	denied := &fs.PathError{Op: "open", Path: "/dev/input/event0", Err: fs.ErrPermission}
	r := newRoom(t)
	m := newRemote(auto(), r.system, Player{}, slog.New(slog.NewTextHandler(r.told, nil)))
	m.refuse(device{path: "event0", name: "Lid buttons"}, use{}, denied)
	m.refuse(device{path: "event0", name: "Lid buttons"}, use{}, denied)
	m.refuse(device{path: "event1", name: "Hotkeys"}, use{}, denied)
	m.refuse(device{path: "event2", name: "My pedal"}, use{named: true}, denied)
	m.refuse(device{path: "event3", name: "Gone"}, use{}, fs.ErrNotExist)
	lines := strings.Split(strings.TrimSpace(r.told.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "group input") || !strings.Contains(lines[0], "Lid buttons") ||
		!strings.Contains(lines[1], "group input") || !strings.Contains(lines[1], "My pedal") || !strings.Contains(lines[1], "WARN") {
		t.Error(r.told)
	}
}
