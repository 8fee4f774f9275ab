package output

import (
	"guided/audio"
	"unsafe"
)

// setHardware settles format and buffers: exactly our rate, and a buffer that is near what we keep.
func (d *alsaDevice) setHardware() error {
	var p unsafe.Pointer
	if err := d.lib.check("allocating", d.lib.hwNew(&p)); err != nil {
		return err
	}
	defer d.lib.hwFree(p)
	const interleaved, s16le = 3, 2
	period, buffer := uint(audio.Depth/5), uint(audio.Depth)
	var nearest int32
	for _, step := range []func() error{
		func() error { return d.lib.check("reading its abilities", d.lib.hwAny(d.pcm, p)) },
		func() error { return d.lib.check("resampling", d.lib.hwResample(d.pcm, p, 1)) },
		func() error { return d.lib.check("access", d.lib.hwAccess(d.pcm, p, interleaved)) },
		func() error { return d.lib.check("format", d.lib.hwFormat(d.pcm, p, s16le)) },
		func() error { return d.lib.check("channels", d.lib.hwChannels(d.pcm, p, 2)) },
		func() error { return d.lib.check("rate", d.lib.hwRate(d.pcm, p, audio.Rate, 0)) },
		func() error { return d.lib.check("period", d.lib.hwPeriod(d.pcm, p, &period, &nearest)) },
		func() error {
			buffer = max(buffer, 3*period) // with fewer, some drivers stutter for ever
			return d.lib.check("buffer", d.lib.hwBuffer(d.pcm, p, &buffer))
		},
		func() error { return d.lib.check("all of it together", d.lib.hwSet(d.pcm, p)) },
		func() error { return d.lib.check("reading it back", d.lib.hwGet(d.pcm, &buffer, &period)) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	d.buffer = int(buffer)
	d.most = min(d.buffer, max(audio.Depth, 2*int(period)))
	return nil
}

// setSoftware lets the sound start when half of what is kept is there, and wakes us when a block fits.
func (d *alsaDevice) setSoftware() error {
	var p unsafe.Pointer
	if err := d.lib.check("allocating", d.lib.swNew(&p)); err != nil {
		return err
	}
	defer d.lib.swFree(p)
	for _, result := range []int32{
		d.lib.swCurrent(d.pcm, p),
		d.lib.swStart(d.pcm, p, uint(d.most/2)),
		d.lib.swAvail(d.pcm, p, uint(min(d.buffer, d.buffer-d.most+audio.Block))),
		d.lib.swSet(d.pcm, p),
	} {
		if err := d.lib.check("start and wake-up", result); err != nil {
			return err
		}
	}
	return nil
}
