package output

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"guided/audio"
	"guided/routines"
)

// alsaPollInterval is the longest time that a call into the library blocks.
const alsaPollInterval = 10 * time.Millisecond

// maxConsecutiveUnderruns is after how many of them, without a second of sound in between, a device counts as lost.
const maxConsecutiveUnderruns = 10

// alsaDevice is an open PCM. An alsaWorker makes its calls.
type alsaDevice struct {
	lib  *alsaLib
	name string
	log  *slog.Logger
	pcm  unsafe.Pointer

	buffer        int // frames
	target        int // frames to keep in the buffer, which may be much larger
	underruns     int
	sinceUnderrun int // frames written since the last underrun
	consecutive   int // underruns without a second of sound in between
}

// openALSA opens the PCM of a name, and never another in its place.
func openALSA(lib *alsaLib, name string, log *slog.Logger) (*alsaDevice, error) {
	if err := lib.load(); err != nil {
		return nil, err
	}
	lib.freeConfig() // the library caches its devices; without this it would open one that was unplugged
	const playback, nonblocking = 0, 1
	d := &alsaDevice{lib: lib, name: name, log: log}
	if err := lib.check("opening", lib.open(&d.pcm, name, playback, nonblocking)); err != nil {
		return nil, alsaOpenError(lib, name, err)
	}
	err := d.setHardwareParams()
	if err == nil {
		err = d.setSoftwareParams()
	}
	if err != nil {
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

func (d *alsaDevice) write(ctx context.Context, block []byte) error {
	lastProgress := time.Now()
	for len(block) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := d.writeAvailable(block)
		if err != nil {
			return err
		}
		if n > 0 {
			block = block[n*audio.FrameBytes:]
			lastProgress = time.Now()
			continue
		}
		if time.Since(lastProgress) > stallTimeout {
			return fmt.Errorf("the ALSA device %q has taken no sound for %v", d.name, stallTimeout)
		}
		if err := d.waitForRoom(ctx); err != nil {
			return err
		}
	}
	return nil
}

// writeAvailable writes what there is room for, and returns how many frames, which may be none.
func (d *alsaDevice) writeAvailable(block []byte) (int, error) {
	free := d.lib.avail(d.pcm)
	if free < 0 {
		return 0, d.recover(int32(free))
	}
	n := min(free-(d.buffer-d.target), len(block)/audio.FrameBytes)
	if n <= 0 {
		return 0, nil
	}
	if n = d.lib.write(d.pcm, &block[0], uint(n)); n < 0 {
		return 0, d.recover(int32(n))
	}
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

// waitForRoom waits until the device reports room, for alsaPollInterval at most. It waits a millisecond at least, because a
// device that reports room and takes nothing would keep the CPU busy.
func (d *alsaDevice) waitForRoom(ctx context.Context) error {
	began := time.Now()
	if code := d.lib.wait(d.pcm, int32(alsaPollInterval.Milliseconds())); code < 0 {
		if err := d.recover(code); err != nil {
			return err
		}
	}
	return sleep(ctx, time.Millisecond-time.Since(began))
}

// delay is an estimate when the device reports none, as some plugins do until the sound runs. It never fails; write finds
// out whether the device is lost.
func (d *alsaDevice) delay() (int, error) {
	var frames int
	if d.lib.delay(d.pcm, &frames) >= 0 {
		return max(0, frames), nil
	}
	if free := d.lib.avail(d.pcm); free >= 0 {
		return max(0, d.buffer-free), nil
	}
	return d.target, nil
}

// closePCM drops what was not heard and closes the device.
func (d *alsaDevice) closePCM() {
	d.lib.drop(d.pcm)
	d.lib.close(d.pcm)
}

// setHardwareParams sets the format, with exactly audio.Rate, and a buffer of about audio.Depth.
func (d *alsaDevice) setHardwareParams() error {
	var p unsafe.Pointer
	if err := d.lib.check("allocating", d.lib.hwMalloc(&p)); err != nil {
		return err
	}
	defer d.lib.hwFree(p)
	const interleaved, s16le = 3, 2
	period, buffer := uint(audio.Depth/5), uint(audio.Depth)
	var nearest int32
	for _, step := range []func() error{
		func() error { return d.lib.check("reading its abilities", d.lib.hwAny(d.pcm, p)) },
		func() error { return d.lib.check("resampling", d.lib.hwSetResample(d.pcm, p, 1)) },
		func() error { return d.lib.check("access", d.lib.hwSetAccess(d.pcm, p, interleaved)) },
		func() error { return d.lib.check("format", d.lib.hwSetFormat(d.pcm, p, s16le)) },
		func() error { return d.lib.check("channels", d.lib.hwSetChannels(d.pcm, p, 2)) },
		func() error { return d.lib.check("rate", d.lib.hwSetRate(d.pcm, p, audio.Rate, 0)) },
		func() error { return d.lib.check("period", d.lib.hwSetPeriod(d.pcm, p, &period, &nearest)) },
		func() error {
			buffer = max(buffer, 3*period) // with fewer periods some drivers underrun all the time
			return d.lib.check("buffer", d.lib.hwSetBuffer(d.pcm, p, &buffer))
		},
		func() error { return d.lib.check("all of it together", d.lib.hwApply(d.pcm, p)) },
		func() error { return d.lib.check("reading it back", d.lib.getParams(d.pcm, &buffer, &period)) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	d.buffer = int(buffer)
	d.target = min(d.buffer, max(audio.Depth, 2*int(period)))
	return nil
}

// setSoftwareParams starts the sound when the buffer holds half of target, and wakes waitForRoom when a block fits.
func (d *alsaDevice) setSoftwareParams() error {
	var p unsafe.Pointer
	if err := d.lib.check("allocating", d.lib.swMalloc(&p)); err != nil {
		return err
	}
	defer d.lib.swFree(p)
	for _, result := range []int32{
		d.lib.swCurrent(d.pcm, p),
		d.lib.swSetStart(d.pcm, p, uint(d.target/2)),
		d.lib.swSetAvailMin(d.pcm, p, uint(min(d.buffer, d.buffer-d.target+audio.Block))),
		d.lib.swApply(d.pcm, p),
	} {
		if err := d.lib.check("start and wake-up", result); err != nil {
			return err
		}
	}
	return nil
}
