package keys

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"
)

// TestDecode reads events byte by byte as a little-endian machine has them.
func TestDecode(t *testing.T) {
	want := event{5*time.Second + 250*time.Millisecond, evKey, playPause, pressed}
	for name, tt := range map[string]struct {
		long  int
		bytes string
	}{
		"a 64-bit machine": {8, "0500000000000000 90d0030000000000 0100 a400 01000000"},
		"a 32-bit machine": {4, "05000000 90d00300 0100 a400 01000000"},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := hex.DecodeString(strings.ReplaceAll(tt.bytes, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			if len(data) != eventSize(tt.long) || len(encode(want, tt.long)) != len(data) {
				t.Errorf("%d bytes, an event has %d", len(data), eventSize(tt.long))
			}
			if got := decode(data, tt.long); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestAdmit(t *testing.T) {
	const ms = time.Millisecond
	for name, tt := range map[string]struct {
		repeats bool
		events  []event // at: after the one before
		want    int
	}{
		"a press and its release":                         {false, []event{{0, evKey, 1, pressed}, {80 * ms, evKey, 1, released}}, 1},
		"two presses":                                     {false, []event{{0, evKey, 1, pressed}, {80 * ms, evKey, 1, released}, {200 * ms, evKey, 1, pressed}}, 2},
		"a contact that bounces":                          {false, []event{{0, evKey, 1, pressed}, {5 * ms, evKey, 1, released}, {5 * ms, evKey, 1, pressed}, {9 * ms, evKey, 1, released}, {40 * ms, evKey, 1, pressed}}, 1},
		"one that bounces when it is let go":              {false, []event{{0, evKey, 1, pressed}, {500 * ms, evKey, 1, released}, {10 * ms, evKey, 1, pressed}, {5 * ms, evKey, 1, released}}, 1},
		"a remote that sends every press twice":           {false, []event{{0, evKey, 1, pressed}, {0, evKey, 1, released}, {0, evKey, 1, pressed}, {0, evKey, 1, released}}, 1},
		"two keys at once":                                {false, []event{{0, evKey, 1, pressed}, {0, evKey, 2, pressed}}, 2},
		"held":                                            {false, []event{{0, evKey, 1, pressed}, {250 * ms, evKey, 1, held}, {250 * ms, evKey, 1, held}}, 1},
		"held, a key that repeats":                        {true, []event{{0, evKey, 1, pressed}, {250 * ms, evKey, 1, held}, {33 * ms, evKey, 1, held}, {33 * ms, evKey, 1, held}, {34 * ms, evKey, 1, held}}, 3},
		"the clock is set back between presses":           {false, []event{{0, evKey, 1, pressed}, {-time.Hour, evKey, 1, pressed}}, 2},
		"events were lost: what follows is half a report": {false, []event{{0, evSyn, synDropped, 0}, {0, evKey, 1, pressed}, {0, evSyn, synReport, 0}, {time.Second, evKey, 2, pressed}}, 1},
		"other kinds of events":                           {false, []event{{0, 4, 4, 1}, {0, 2, 1, 1}, {0, evSyn, 1, 1}}, 0},
		"values that no key has":                          {true, []event{{0, evKey, 1, 7}, {0, evKey, 2, -1}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := presses{last: map[code]time.Duration{}, asked: map[code]time.Duration{}}
			now, got := time.Hour, 0
			for _, e := range tt.events {
				now += e.at
				e.at = now
				if p.admit(e, tt.repeats) {
					got++
				}
			}
			if got != tt.want {
				t.Errorf("%d presses, want %d", got, tt.want)
			}
		})
	}
}

// TestReadEventsInPieces writes events byte by byte.
func TestReadEventsInPieces(t *testing.T) {
	r := newRoom(t)
	d := r.plug(0, "Remote", headset...)
	r.start(auto())
	data := encode(event{time.Second, evKey, nextSong, pressed}, longSize)
	data = append(data, encode(event{2 * time.Second, evKey, playPause, pressed}, longSize)...)
	for _, b := range data {
		_, err := d.file.Write([]byte{b})
		r.must(err)
	}
	r.want("next toggle")
}

// FuzzEvents decodes what a device could send: nothing of it may break, and no key asks more often than it has events.
func FuzzEvents(f *testing.F) {
	f.Add(encode(event{time.Second, evKey, playPause, pressed}, 8), true)
	f.Add(append(encode(event{0, evSyn, synDropped, 0}, 4), encode(event{0, evKey, 1, held}, 4)...), false)
	f.Fuzz(func(t *testing.T, data []byte, wide bool) {
		long := 4
		if wide {
			long = 8
		}
		p := presses{last: map[code]time.Duration{}, asked: map[code]time.Duration{}}
		for ; len(data) >= eventSize(long); data = data[eventSize(long):] {
			e := decode(data, long)
			if again := decode(encode(e, long), long); again.code != e.code || again.kind != e.kind || again.value != e.value {
				t.Errorf("%+v is read back as %+v", e, again)
			}
			if p.admit(e, true) && (e.kind != evKey || e.value != pressed && e.value != held) {
				t.Errorf("%+v asks for something", e)
			}
		}
	})
}
