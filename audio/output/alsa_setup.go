package output

import (
	"slices"
	"strings"
	"unsafe"

	"guided/audio"
)

// A PCM keeps a second and more when what is ahead can be taken back, and about audio.Depth otherwise. Nothing waits for its
// interrupts, whose period may therefore be long; but the position of some hardware (SNDRV_PCM_INFO_BATCH) is no finer than
// a period. Interrupts are not turned off altogether, because they stop the sound when the program is too late: without
// them the hardware would play the buffer again from its start.
const (
	alsaDeepBuffer  = 2 * audio.Rate
	alsaDeepPeriod  = audio.Rate / 10
	alsaBatchPeriod = audio.Rate / 50

	// Half of what is kept is written at a time. No write has to wait in a buffer that is a period longer than what is kept in it. A longer one would not do: after an
	// underrun the plugin of PulseAudio plays on when all but a period of it is full (pulse_hw_params).
	alsaShallowTarget = audio.Depth * 3 / 2
	alsaShallowPeriod = audio.Depth / 2
	alsaShallowBuffer = alsaShallowTarget + alsaShallowPeriod
)

// alsaRewindMargin is how many frames pass at most, or nearly always, from a look at the position until what was taken back is
// written anew, rendering included. Hardware that has played all it has stops, with a gap.
const alsaRewindMargin = 3 * audio.Block

// alsaSetup is how a PCM is set up. All are frames.
type alsaSetup struct {
	buffer int
	period int
	start  int // in the buffer that start the sound
	target int // to keep in the buffer
	refill int // of room to be woken up for
	margin int // before the position of the hardware that are not taken back

	rewinds bool // what is in the buffer can be taken back
	unpaced bool // the device takes sound as fast as it gets it
}

// setUp sets the parameters, with a deep buffer where the device can rewind.
func (d *alsaDevice) setUp() error {
	kind := d.chain()
	d.unpaced = kind.unpaced()
	if kind.isHardware() { // at its end; a plug adds its conversions when the parameters are set
		if err := d.setParams(true); err != nil {
			return err
		}
		if d.rewinds = d.chain().rewinds() && d.provesRewind(); d.rewinds {
			return nil
		}
		d.lib.drop(d.pcm)
		d.lib.freeParams(d.pcm)
	}
	return d.setParams(false)
}

// provesRewind writes a block of silence to a device that does not run yet, and takes it back. Drivers that copy sound as soon
// as it is written refuse that (SNDRV_PCM_INFO_NO_REWINDS, snd_pcm_indirect): the kernel returns 0 frames.
func (d *alsaDevice) provesRewind() bool {
	silence := make([]byte, audio.Block*audio.FrameBytes)
	return d.lib.write(d.pcm, &silence[0], audio.Block) == audio.Block &&
		d.lib.rewind(d.pcm, audio.Block) == audio.Block &&
		d.lib.avail(d.pcm) == d.buffer
}

// alsaChain is the name of each PCM from the one that was opened to the last one, as snd_pcm_dump prints them.
type alsaChain []string

// parseALSAChain parses the text of snd_pcm_dump: a line with the name of the PCM, its setup, and the same of its slave behind
// "Slave: ", or behind the name of a plug.
func parseALSAChain(dump string) alsaChain {
	var chain alsaChain
	for i, line := range strings.Split(dump, "\n") {
		rest, isSlave := strings.CutPrefix(line, "Slave: ")
		if i > 0 && !isSlave {
			continue
		}
		for {
			after, isPlug := strings.CutPrefix(rest, "Plug PCM: ")
			if !isPlug {
				break
			}
			chain, rest = append(chain, "Plug PCM"), after
		}
		chain = append(chain, rest)
	}
	return chain
}

func (c alsaChain) isHardware() bool { return strings.HasPrefix(c[len(c)-1], "Hardware PCM ") }

// unpaced is whether the sound ends in ALSA's null device, which takes it as fast as it comes.
func (c alsaChain) unpaced() bool { return c[len(c)-1] == "Null PCM" }

// rewinds is whether snd_pcm_rewind is exact: on hardware, and on plugins before it that convert each frame by itself and hand it
// on at once. Others promise it and do not keep it: an I/O plugin (PulseAudio, Bluetooth, JACK) moves its pointer but has sent
// the sound (pcm_ioplug.c); a converter of rates, a filter and an encoder have a state that stays (pcm_rate.c, pcm_extplug.c,
// pcm_iec958.c); a mixer of programs subtracts what it has added while others write there (pcm_dmix.c).
func (c alsaChain) rewinds() bool {
	exact := []string{"Plug PCM", "Hooks PCM", "Copy conversion PCM", "Linear conversion PCM", "Route conversion PCM", "Soft volume PCM"}
	for _, name := range c[:len(c)-1] {
		if !slices.ContainsFunc(exact, func(kind string) bool { return strings.HasPrefix(name, kind) }) {
			return false
		}
	}
	return c.isHardware()
}

// chain is the chain of the open PCM. The text is the only way that the library offers to learn it.
func (d *alsaDevice) chain() alsaChain {
	var out, text unsafe.Pointer
	if d.lib.bufferOpen(&out) < 0 {
		return alsaChain{""}
	}
	defer d.lib.outputClose(out)
	d.lib.dump(d.pcm, out)
	n := d.lib.bufferString(out, &text)
	if n == 0 || text == nil {
		return alsaChain{""}
	}
	return parseALSAChain(string(unsafe.Slice((*byte)(text), n)))
}

// setParams sets the parameters of the hardware and then those of the software. deep is for a device that can rewind.
func (d *alsaDevice) setParams(deep bool) error {
	if err := d.setHardwareParams(deep); err != nil {
		return err
	}
	if deep {
		d.target = min(audio.RewindDepth, d.buffer-d.buffer/8)
		d.refill = min(refill, d.target/3)
	} else {
		d.target = min(d.buffer, max(alsaShallowTarget, 2*d.period))
		d.refill = d.target / 2
	}
	d.start = min(audio.Depth, d.target) / 2
	return d.setSoftwareParams()
}

// setHardwareParams sets the format, with exactly audio.Rate, and the buffer.
func (d *alsaDevice) setHardwareParams(deep bool) error {
	var p unsafe.Pointer
	if err := d.lib.check("allocating", d.lib.hwMalloc(&p)); err != nil {
		return err
	}
	defer d.lib.hwFree(p)
	const interleaved, s16le = 3, 2
	period, buffer := uint(alsaShallowPeriod), uint(alsaShallowBuffer)
	d.margin = alsaRewindMargin
	var nearest int32
	for _, step := range []func() error{
		func() error { return d.lib.check("reading its abilities", d.lib.hwAny(d.pcm, p)) },
		func() error { return d.lib.check("resampling", d.lib.hwSetResample(d.pcm, p, 1)) },
		func() error { return d.lib.check("access", d.lib.hwSetAccess(d.pcm, p, interleaved)) },
		func() error { return d.lib.check("format", d.lib.hwSetFormat(d.pcm, p, s16le)) },
		func() error { return d.lib.check("channels", d.lib.hwSetChannels(d.pcm, p, 2)) },
		func() error { return d.lib.check("rate", d.lib.hwSetRate(d.pcm, p, audio.Rate, 0)) },
		func() error {
			if deep {
				period, buffer = alsaDeepPeriod, alsaDeepBuffer
			}
			if deep && d.lib.hwIsBatch(p) != 0 {
				period = alsaBatchPeriod
			}
			return d.lib.check("period", d.lib.hwSetPeriod(d.pcm, p, &period, &nearest))
		},
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
	d.buffer, d.period = int(buffer), int(period)
	if d.lib.hwIsBatch(p) != 0 {
		d.margin += d.period
	}
	return nil
}

// setSoftwareParams has the sound start at start. Nothing polls the device, so when it is ready
// for more does not matter.
func (d *alsaDevice) setSoftwareParams() error {
	var p unsafe.Pointer
	if err := d.lib.check("allocating", d.lib.swMalloc(&p)); err != nil {
		return err
	}
	defer d.lib.swFree(p)
	for _, result := range []int32{
		d.lib.swCurrent(d.pcm, p),
		d.lib.swSetStart(d.pcm, p, uint(d.start)),
		d.lib.swSetAvailMin(d.pcm, p, uint(d.refill)),
		d.lib.swApply(d.pcm, p),
	} {
		if err := d.lib.check("start and wake-up", result); err != nil {
			return err
		}
	}
	return nil
}
