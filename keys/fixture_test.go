package keys

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"guided/player"
)

// The keys of real devices, as the kernel shows them to a 64-bit program.
var realKeys = map[string]string{
	"AT Translated Set 2 keyboard":          "402000000 3803078f800d001 feffffdfffefffff fffffffffffffffe",
	"Logitech MX Keys":                      "3f00733fff 0 0 483ffff17aff32d bfd4444600000000 ffff0001 130ff38b17d007 ffff7bfad941dfff ffbeffdfffefffff fffffffffffffffe",
	"Logitech G502":                         "3f00733fff 0 0 483ffff17aff32d bfd4444600000000 ffff0001 130ff38b17d007 ffff7bfad9415fff ffbeffdfffefffff fffffffffffffffe",
	"Telink Wireless Receiver Mouse":        "1f0000 0 0 0 0",
	"Power Button":                          "8000 10000000000000 0",
	"Jabra Elite 75t (AVRCP)":               "2fc800 145200000000 0 10300 49e800000c00 e16800000000f f810000010000ffc",
	"vc4-hdmi-0":                            "ffffc000000000 3ff 0 400000320fc200 40830c900000000 0 210300 49d2c040ec00 1e378000000000 8010000010000000",
	"Compx Consumer Control":                "733eff 0 0 483ffff17aff32d bfd4444600000000 1 130c730b17c000 267bfad9415fed 9e168000004400 10000002",
	"Wooting Wooting 80HE System Control":   "c000 10000000000000 0",
	"HDA Intel PCH Headphone (no keys)":     "0",
	"a sound card's jack (nothing to read)": "",
}

// The keys of devices that claim no more than they have, by their codes.
var madeKeys = map[string][]code{
	"AB Shutter3":       {113, 114, 115, 163, 164, 165, 168, 208},
	"a two-key pedal":   {104, 109},
	"an enter button":   {28},
	"a mouse with keys": {0x110, 0x111, 114, 115, 164},
}

// bitmapText is how the kernel shows codes to this program.
func bitmapText(bits int, codes ...code) string {
	words := make([]uint64, int(maxCode)/bits+1)
	for _, c := range codes {
		words[int(c)/bits] |= 1 << (int(c) % bits)
	}
	var text []string
	for i := len(words) - 1; i >= 0; i-- {
		if words[i] != 0 || text != nil {
			text = append(text, fmt.Sprintf("%x", words[i]))
		}
	}
	return strings.Join(text, " ")
}

// keysOfReal are the keys of a device of realKeys.
func keysOfReal(name string) bitmap { return parseBitmap(realKeys[name], 64) }

// room is a machine whose input devices are FIFOs.
type room struct {
	t      *testing.T
	system system
	told   *syncLog

	mu       sync.Mutex
	commands []player.Command
	volume   int
	changed  map[string]func()
}

func newRoom(t *testing.T) *room {
	t.Helper()
	dir := t.TempDir()
	r := &room{t: t, system: system{filepath.Join(dir, "dev"), filepath.Join(dir, "sys")}, told: &syncLog{}, volume: 60, changed: map[string]func(){}}
	r.must(os.Mkdir(r.system.dev, 0o755))
	return r
}

func (r *room) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// plugged is a device with the end of its FIFO that the test writes to.
type plugged struct {
	room *room
	path string
	file *os.File
	now  time.Duration
}

// plug adds a device.
func (r *room) plug(number int, name string, codes ...code) *plugged {
	r.t.Helper()
	id := fmt.Sprint("event", number)
	about := filepath.Join(r.system.sys, id, "device", "capabilities")
	r.must(os.MkdirAll(about, 0o755))
	r.must(os.WriteFile(filepath.Join(about, "key"), []byte(bitmapText(longSize*8, codes...)+"\n"), 0o644))
	r.must(os.WriteFile(filepath.Join(about, "..", "name"), []byte(name+"\n"), 0o644))
	path := filepath.Join(r.system.dev, id)
	r.must(syscall.Mkfifo(path, 0o644))
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	r.must(err)
	p := &plugged{r, path, file, time.Hour}
	r.t.Cleanup(func() { file.Close() })
	r.tell()
	return p
}

// unplug removes the device.
func (p *plugged) unplug() {
	p.room.t.Helper()
	p.room.must(os.Remove(p.path))
	p.file.Close()
	p.room.tell()
}

// breakNode makes a device that nobody can open.
func (p *plugged) breakNode() {
	p.room.t.Helper()
	p.room.must(os.Remove(p.path))
	p.room.must(os.Symlink(filepath.Base(p.path), p.path)) // to itself
}

// send writes events, each some time after the last.
func (p *plugged) send(events ...event) {
	p.room.t.Helper()
	var data []byte
	for _, e := range events {
		p.now += e.at
		e.at = p.now
		data = append(data, encode(e, longSize)...)
	}
	_, err := p.file.Write(data)
	p.room.must(err)
}

// press presses and releases a key, a second after what was before.
func (p *plugged) press(c code) {
	p.room.t.Helper()
	p.send(event{time.Second, evKey, c, pressed}, event{0, evSyn, synReport, 0}, event{80 * time.Millisecond, evKey, c, released}, event{0, evSyn, synReport, 0})
}

// encode is the struct of the kernel for an event, where a long has so many bytes.
func encode(e event, long int) []byte {
	order := binary.NativeEndian
	seconds, micros := uint64(e.at/time.Second), uint64(e.at%time.Second/time.Microsecond)
	var data []byte
	for _, n := range []uint64{seconds, micros} {
		if long == 8 {
			data = order.AppendUint64(data, n)
		} else {
			data = order.AppendUint32(data, uint32(n))
		}
	}
	data = order.AppendUint16(data, e.kind)
	data = order.AppendUint16(data, uint16(e.code))
	return order.AppendUint32(data, uint32(e.value))
}

// tell tells of a change in the folder of devices, as the kernel does.
func (r *room) tell() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, changed := range r.changed {
		changed()
	}
}

// start runs the remote until the test ends. The function that is returned gives it other settings.
func (r *room) start(cfg Config) (change func(Config)) {
	r.t.Helper()
	if cfg.Map == nil {
		cfg.Map = map[string]string{"KEY_PLAYPAUSE": "toggle", "KEY_NEXTSONG": "next", "KEY_VOLUMEUP": "volume +5", "KEY_VOLUMEDOWN": "volume -5", "KEY_ENTER": "toggle"}
	}
	if wrong := cfg.Check(); wrong != nil {
		r.t.Fatal(wrong)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	watch := func(ctx context.Context, dir string, changed func()) {
		r.mu.Lock()
		r.changed[dir] = changed
		r.mu.Unlock()
		changed()
		<-ctx.Done()
	}
	p := Player{Submit: r.submit, State: func() player.State { r.mu.Lock(); defer r.mu.Unlock(); return player.State{Volume: r.volume} }}
	settings := make(chan Config, 1)
	settings <- cfg
	running.Go(func() { runWith(ctx, settings, r.system, p, watch, slog.New(slog.NewTextHandler(r.told, nil))) })
	r.t.Cleanup(func() { cancel(); running.Wait() })
	return func(cfg Config) { settings <- cfg }
}

func (r *room) submit(c player.Command) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.commands = append(r.commands, c)
	if c.Volume != nil {
		r.volume = *c.Volume
	}
}

// asked are the commands so far, as words.
func (r *room) asked() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var words []string
	for _, c := range r.commands {
		words = append(words, c.Verb)
		if c.Volume != nil {
			words = append(words, fmt.Sprint(*c.Volume))
		}
	}
	return strings.Join(words, " ")
}

// want waits until the commands so far are these.
func (r *room) want(commands string) {
	r.t.Helper()
	r.until("asked for "+commands, func() bool { return r.asked() == commands })
}

// wantLog waits until the log says something.
func (r *room) wantLog(text string) {
	r.t.Helper()
	r.until("log says "+text, func() bool { return strings.Contains(r.told.String(), text) })
}

func (r *room) until(what string, done func() bool) {
	r.t.Helper()
	for end := time.Now().Add(time.Minute); !done(); <-time.After(time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("not %s; asked for %q; the log:\n%s", what, r.asked(), r.told)
		}
	}
}

// syncLog is a log that can be read while it is written.
type syncLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *syncLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *syncLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
