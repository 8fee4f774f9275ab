package output

import (
	"fmt"
	"log/slog"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"guided/audio"
	"guided/routines"
)

// maxConsecutiveUnderruns is after how many of them, without a second of sound in between, a device counts as lost.
const maxConsecutiveUnderruns = 10

// alsaDevice is an open PCM in non-blocking mode. An alsaWorker makes its calls, none of which waits for the sound.
type alsaDevice struct {
	lib  *alsaLib
	name string
	log  *slog.Logger
	pcm  unsafe.Pointer
	alsaSetup

	now           alsaFill // as of the last look
	written       int64    // frames, without those taken back
	taken         int64    // of those, when the buffer held the rest
	takenAt       time.Time
	underruns     int
	sinceUnderrun int // frames written since the last underrun
	consecutive   int // underruns without a second of sound in between
}

// alsaFill is what a device has said about its buffer at a moment.
type alsaFill struct {
	at      time.Time
	queued  int  // frames in the buffer; an underrun leaves none
	delay   int  // frames that have not been heard, those in the hardware included
	running bool // the sound runs
}

// level is how many frames there are until an underrun. A device that takes a period at once has heard some of what it still
// counts as queued; what is in the hardware behind the buffer does not help.
func (f alsaFill) level() int { return min(f.queued, f.delay) }

// passed is how many frames have been played since at, of so many.
func (f alsaFill) passed(of int) int {
	if !f.running {
		return 0
	}
	return min(of, int(toFrames(time.Since(f.at))))
}

// openALSA opens the PCM of a name, and never another in its place.
func openALSA(lib *alsaLib, name string, log *slog.Logger) (*alsaDevice, error) {
	if err := lib.load(); err != nil {
		return nil, err
	}
	lib.freeConfig() // the library caches its devices; without this it would open one that was unplugged
	const playback, nonblocking = 0, 1
	d := &alsaDevice{lib: lib, name: name, log: log, takenAt: time.Now()}
	if err := lib.check("opening", lib.open(&d.pcm, name, playback, nonblocking)); err != nil {
		return nil, alsaOpenError(lib, name, err)
	}
	if err := d.setUp(); err != nil {
		lib.close(d.pcm)
		return nil, fmt.Errorf("the ALSA device %q cannot play 16-bit stereo at %d Hz (%w); plughw: in place of hw: converts", name, audio.Rate, err)
	}
	return d, nil
}

// alsaOpenError explains why a device does not open, and what to do.
func alsaOpenError(lib *alsaLib, name string, err error) error {
	switch -alsaCode(err) {
	case int32(syscall.EBUSY):
		return fmt.Errorf("the ALSA device %q is used by another program; stop that one, or play through its sound server with output = \"pulse\"", name)
	case int32(syscall.EACCES), int32(syscall.EPERM):
		return fmt.Errorf("the ALSA device %q is closed to this user (%w); add him to the group audio", name, err)
	}
	var names []string
	for _, d := range lib.devices() {
		names = append(names, strings.TrimPrefix(d.Spec, "alsa:"))
	}
	there := "ALSA knows no device at all; plug in a speaker"
	if len(names) > 0 {
		there = "ALSA knows " + listNames(names)
	}
	if near := routines.Nearest(name, names); near != "" && near != name {
		there += fmt.Sprintf("; did you mean %q?", near)
	}
	return fmt.Errorf("the ALSA device %q cannot be opened (%w); %s", name, err, there)
}

// put writes what there is room for, and returns how many frames, which may be none. It looks before it writes: a plugin sends
// the sound on a thread of its own, which a look right after it would wait for.
func (d *alsaDevice) put(sound []byte) (int, error) {
	d.look()
	n := d.lib.write(d.pcm, &sound[0], uint(len(sound)/audio.FrameBytes))
	if n < 0 {
		if err := d.recover(int32(n)); err != nil {
			return 0, err
		}
		d.look()
		n = max(0, d.lib.write(d.pcm, &sound[0], uint(len(sound)/audio.FrameBytes)))
	}
	d.written += int64(n)
	d.now.queued += n
	d.now.delay += n
	d.now.running = d.now.running || d.now.queued >= d.start
	if d.sinceUnderrun += n; d.sinceUnderrun > audio.Rate {
		d.consecutive = 0
	}
	return n, nil
}

// recover prepares the device again after an underrun or a suspend of the machine (snd_pcm_recover). A device that needs
// it again and again is lost: a plugin whose speaker is gone reports nothing but underruns.
func (d *alsaDevice) recover(code int32) error {
	if -code == int32(syscall.EAGAIN) {
		return nil
	}
	result := d.lib.recover(d.pcm, code, 1)
	if result < 0 && -result != int32(syscall.EAGAIN) {
		return fmt.Errorf("the ALSA device %q was lost: %s", d.name, d.lib.strerror(result))
	}
	d.underruns++
	d.sinceUnderrun = 0
	if d.consecutive++; d.consecutive > maxConsecutiveUnderruns {
		return fmt.Errorf("the ALSA device %q plays nothing but gaps: %s", d.name, d.lib.strerror(code))
	}
	return nil
}

// look asks the device for its fill. It never fails; put finds out whether the device is lost. The delay is that of the buffer
// when the device reports none, as some plugins do until the sound runs.
func (d *alsaDevice) look() {
	const prepared, running = 2, 3 // snd_pcm_state_t
	var delay int
	result := d.lib.delay(d.pcm, &delay) // this also brings the pointer of the hardware up to date, which avail reads
	free := d.lib.avail(d.pcm)
	state := d.lib.state(d.pcm)
	d.now = alsaFill{at: time.Now(), running: state == running}
	if free >= 0 && (state == running || state == prepared) {
		d.now.queued = max(0, d.buffer-free)
		if d.now.delay = max(0, delay); result < 0 {
			d.now.delay = d.now.queued
		}
	}
	if taken := d.written - int64(d.now.queued); taken > d.taken {
		d.taken, d.takenAt = taken, d.now.at
	}
}

// stalled is an error when the device has taken nothing for stallTimeout before the last look.
func (d *alsaDevice) stalled() error {
	if d.now.at.Sub(d.takenAt) <= stallTimeout {
		return nil
	}
	return fmt.Errorf("the ALSA device %q has taken no sound for %v", d.name, stallTimeout)
}

// rewind takes back up to limit of the last frames written, but none that the hardware may have fetched, and returns how
// many.
func (d *alsaDevice) rewind(limit int) int {
	if !d.rewinds {
		return 0
	}
	d.look()
	n := min(limit, d.now.queued-d.margin)
	if n <= 0 {
		return 0
	}
	n = max(0, d.lib.rewind(d.pcm, uint(n))) // after an underrun it fails, and nothing was taken back
	d.written -= int64(n)
	d.now.queued -= n
	d.now.delay -= n
	return n
}

// closePCM drops what was not heard and closes the device.
func (d *alsaDevice) closePCM() {
	d.lib.drop(d.pcm)
	d.lib.close(d.pcm)
}
