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

// alsaOutput is the output "alsa:DEVICE": a PCM of ALSA by its name, and no other in its place.
type alsaOutput struct {
	lib  *alsaLib
	name string
	log  *slog.Logger
}

func (o *alsaOutput) open(context.Context) (device, error) {
	if err := o.lib.load(); err != nil {
		return nil, err
	}
	// The library keeps the devices it knew at its first look; without this, one that left would be opened again.
	o.lib.freeConfig()
	const playback, nonblocking = 0, 1
	d := &alsaDevice{lib: o.lib, name: o.name, log: o.log}
	if err := o.lib.check("opening", o.lib.open(&d.pcm, o.name, playback, nonblocking)); err != nil {
		return nil, o.openError(err)
	}
	err := d.setHardwareParams()
	if err == nil {
		err = d.setSoftwareParams()
	}
	if err != nil {
		o.lib.close(d.pcm)
		return nil, fmt.Errorf("the ALSA device %q cannot play 16-bit stereo at %d Hz (%w); plughw: in place of hw: converts", o.name, audio.Rate, err)
	}
	return d, nil
}

// openError tells what to do about a device that does not open.
func (o *alsaOutput) openError(err error) error {
	switch -alsaCode(err) {
	case int32(syscall.EBUSY):
		return fmt.Errorf("the ALSA device %q is used by another program; stop that one, or play through its sound server with output = \"pulse\"", o.name)
	case int32(syscall.EACCES), int32(syscall.EPERM):
		return fmt.Errorf("the ALSA device %q is closed to this user (%w); add him to the group audio", o.name, err)
	}
	var names []string
	for _, d := range o.lib.devices() {
		names = append(names, strings.TrimPrefix(d.Spec, "alsa:"))
	}
	there := "ALSA knows no device at all; plug in a speaker"
	if len(names) > 0 {
		there = "ALSA knows " + strings.Join(names, ", ")
	}
	if near := routines.Nearest(o.name, names); near != "" && near != o.name {
		there += fmt.Sprintf("; did you mean %q?", near)
	}
	return fmt.Errorf("the ALSA device %q cannot be opened (%w); %s", o.name, err, there)
}

// alsaDevice is an open PCM. It never blocks inside the library for longer than nap.
type alsaDevice struct {
	lib  *alsaLib
	name string
	log  *slog.Logger
	pcm  unsafe.Pointer

	buffer        int // frames
	target        int // frames to keep in the buffer, which may be much larger
	underruns     int
	sinceUnderrun int // frames written since the last gap
	consecutive   int // gaps without a steady stretch between them
}

const pollInterval = 10 * time.Millisecond

func (d *alsaDevice) write(ctx context.Context, block []byte) error {
	progress := time.Now()
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
			progress = time.Now()
			continue
		}
		if time.Since(progress) > stallTimeout {
			return fmt.Errorf("the ALSA device %q has taken no sound for %v", d.name, stallTimeout)
		}
		if err := d.waitForRoom(ctx); err != nil {
			return err
		}
	}
	return nil
}

// writeAvailable writes what there is room for, in frames, which may be none.
func (d *alsaDevice) writeAvailable(block []byte) (int, error) {
	free := d.lib.avail(d.pcm)
	if free >= 0 {
		free = min(free-(d.buffer-d.target), len(block)/audio.FrameBytes)
		if free <= 0 {
			return 0, nil
		}
		free = d.lib.write(d.pcm, &block[0], uint(free))
	}
	if free >= 0 {
		if d.sinceUnderrun += free; d.sinceUnderrun > audio.Rate {
			d.consecutive = 0
		}
		return free, nil
	}
	return 0, d.recover(int32(free))
}

// recover makes the device ready again after a gap or after the machine slept. A device that needs it again and again
// is lost: plugins hide a speaker that is gone behind gaps without end.
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
	if d.consecutive++; d.consecutive > 10 {
		return fmt.Errorf("the ALSA device %q plays nothing but gaps: %s", d.name, d.lib.strerror(code))
	}
	return nil
}

// waitForRoom waits until the device has room, but not long, and never not at all: a device that says it has room and then
// takes nothing must not keep the processor busy.
func (d *alsaDevice) waitForRoom(ctx context.Context) error {
	began := time.Now()
	if code := d.lib.wait(d.pcm, int32(pollInterval.Milliseconds())); code < 0 {
		if err := d.recover(code); err != nil {
			return err
		}
	}
	return sleep(ctx, time.Millisecond-time.Since(began))
}

// delay is a guess where the device does not tell, as some plugins do not before the sound runs. Whether the device is
// lost is for write to find out.
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

func (d *alsaDevice) close(int) error {
	d.lib.drop(d.pcm)
	d.lib.close(d.pcm)
	logUnderruns(d.log, "alsa:"+d.name, d.underruns)
	return nil
}

// setHardwareParams settles format and buffers: exactly our rate, and a buffer that is near what we keep.
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
			buffer = max(buffer, 3*period) // with fewer, some drivers stutter for ever
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

// setSoftwareParams lets the sound start when half of what is kept is there, and wakes us when a block fits.
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
