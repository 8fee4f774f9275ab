package keys

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"
)

// event is a struct input_event of the kernel (linux/input.h).
type event struct {
	at    time.Duration // since the machine was started
	kind  uint16
	code  code
	value int32
}

// What an event can be.
const (
	evSyn, evKey            = 0, 1 // kinds
	synReport, synDropped   = 0, 3 // codes of evSyn
	released, pressed, held = 0, 1, 2
)

// longSize is the size of a long, in bytes: the kernel gives seconds and microseconds as a long each, whatever the size of
// time_t, and so an event has 16 bytes on a 32-bit machine and 24 on others. A 32-bit program gets those of a 32-bit machine.
const longSize = strconv.IntSize / 8

func eventSize(long int) int { return 2*long + 8 }

// decode reads the first event of data, which has eventSize bytes at least.
func decode(data []byte, long int) event {
	order := binary.NativeEndian
	var seconds, micros int64
	if long == 8 {
		seconds, micros = int64(order.Uint64(data)), int64(order.Uint64(data[8:]))
	} else {
		seconds, micros = int64(order.Uint32(data)), int64(order.Uint32(data[4:]))
	}
	data = data[2*long:]
	return event{
		time.Duration(seconds)*time.Second + time.Duration(micros)*time.Microsecond,
		order.Uint16(data), code(order.Uint16(data[2:])), int32(order.Uint32(data[4:])),
	}
}

// How close to each other events of a key may be.
const (
	bounce      = 50 * time.Millisecond  // a press so soon after an event of its key is the contact of a cheap button, or its radio
	repeatAfter = 100 * time.Millisecond // a key that is held asks again no faster: from silence to full in two seconds
)

// presses finds the presses among the events of one device.
type presses struct {
	last    map[code]time.Duration // the last event of each key
	asked   map[code]time.Duration // the last one that counted
	dropped bool                   // events are missing: what comes until the next report is half of something
}

// admit reports whether an event asks for something. repeats says that its key asks again while it is held.
func (p *presses) admit(e event, repeats bool) bool {
	if e.kind == evSyn {
		p.dropped = e.code == synDropped || p.dropped && e.code != synReport
	}
	if e.kind != evKey || p.dropped {
		return false
	}
	last, known := p.last[e.code]
	p.last[e.code] = e.at
	counts := false
	switch e.value {
	case pressed:
		counts = !known || !within(e.at-last, bounce)
	case held:
		counts = repeats && !within(e.at-p.asked[e.code], repeatAfter)
	}
	if counts {
		p.asked[e.code] = e.at
	}
	return counts
}

// within reports whether a time is below a limit. A negative one comes from a clock that was set.
func within(d, limit time.Duration) bool { return d >= 0 && d < limit }

// read asks the player for what the keys of a device mean, until it is gone or closed.
func (r *remote) read(o *openDevice, u use) {
	p := presses{last: map[code]time.Duration{}, asked: map[code]time.Duration{}}
	told := map[code]bool{}
	buffer := make([]byte, 64*eventSize(longSize))
	filled := 0
	for {
		n, err := o.file.Read(buffer[filled:])
		filled += n
		data := buffer[:filled]
		for ; len(data) >= eventSize(longSize); data = data[eventSize(longSize):] {
			e := decode(data, longSize)
			b, has := r.keymap[e.code]
			has = has && e.kind == evKey && (u.named || !e.code.moves())
			if !has && e.kind == evKey {
				// Nothing tells what is typed on a keyboard.
				if e.value == pressed && o.keys[e.code] && !told[e.code] && !o.isKeyboard() && !o.isMouse() {
					told[e.code] = true
					r.log.Info("a key has no command; give it one in keys.map", "key", nameOf(e.code), "device", o.name)
				}
				continue
			}
			if p.admit(e, b.step != 0) {
				r.ask(o.device, b)
			}
		}
		filled = copy(buffer, data)
		if err != nil {
			if !errors.Is(err, os.ErrClosed) && !errors.Is(err, io.EOF) {
				r.log.Info("a device with keys is gone; it is used again when it is back", "device", o.name, "err", err)
			}
			return
		}
	}
}

// ask submits the command of a key.
func (r *remote) ask(d device, b binding) {
	volume := 0
	if b.step != 0 {
		volume = r.player.State().Volume
	}
	c := b.at(volume)
	c.From = fmt.Sprintf("the key %s of %s", b.key, cmp.Or(d.name, d.path))
	r.player.Submit(c)
}
