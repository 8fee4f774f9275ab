package output

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/gopxl/beep/v2"

	"guided/audio"
)

// stallTimeout is how long a device may take no sound before it counts as lost.
const stallTimeout = 2 * time.Second

// A device is an open device, which plays what is written to it.
type device interface {
	// write hands over a block as soon as there is room for it; this paces the program. It fails when ctx ends first, or
	// when the device has taken nothing for stallTimeout.
	write(ctx context.Context, block []byte) error
	// delay is how many of the frames written have not been heard.
	delay() (int, error)
	// close drops what was not heard. heard is how many frames were, lead-in included; a recording keeps those.
	close(heard int) error
}

// A rewinder is a device that can take back frames that were written and have not been heard.
type rewinder interface {
	// waitForRoom waits until a block can be written without waiting, or until interrupt delivers.
	waitForRoom(ctx context.Context, interrupt <-chan struct{}) (interrupted bool, err error)
	// rewind takes back up to limit of the last frames written, in whole blocks, and returns how many. The next block
	// written replaces the first of them.
	rewind(limit int) (int, error)
}

// deviceOutput is an audio.Output on a device that it opens at each Play.
type deviceOutput struct {
	open   opener
	leadIn int // frames of silence before each Play, for devices that swallow the first moment
}

func (o *deviceOutput) Play(ctx context.Context, src beep.Streamer, heard func(frames int)) error {
	dev, err := o.open(ctx)
	if err == nil {
		err = (&pump{dev: dev, src: src, onHeard: heard, leadIn: o.leadIn}).run(ctx)
	}
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// pump carries one streamer to one device: the lead-in, then the streamer, then silence until all of it was heard. The
// silence at the end pushes out what the device buffers, so devices need no way to drain.
type pump struct {
	dev     device
	src     beep.Streamer
	onHeard func(frames int)
	leadIn  int // frames

	startedAt time.Time
	written   int64 // frames, of lead-in, src and silence
	pulled    int64 // frames of src
	heard     int64 // of those
	drained   bool

	samples [audio.Block][2]float64
	bytes   [audio.Block * audio.FrameBytes]byte
}

// maxPlayFrames is how much one Play may write, so that all counts of it fit in an int: on a machine of 32 bits it ends
// after 12 hours, and the next one goes on where it was. The margin is more than a device buffers.
const maxPlayFrames = math.MaxInt - 60*audio.Rate

// run plays until all of src was heard, and closes the device. After a panic the device is not closed: that could wait,
// and the process is to end at once, with its trace.
func (p *pump) run(ctx context.Context) error {
	err := p.playFrom(ctx, time.Now())
	if e := p.dev.close(int(int64(p.leadIn) + p.heard)); err == nil {
		err = e
	}
	return err
}

// playFrom plays until all of src was heard. The device began at a time.
func (p *pump) playFrom(ctx context.Context, start time.Time) error {
	p.startedAt = start
	var changed <-chan struct{}
	if r, ok := p.src.(audio.Rewinder); ok {
		changed = r.Changed()
	}
	for !p.drained || p.heard < p.pulled {
		interrupted, err := p.waitForRoom(ctx, changed)
		if err == nil && interrupted {
			if err = p.rewind(); err == nil {
				continue
			}
		}
		if err != nil {
			return err
		}
		if p.written > maxPlayFrames {
			return errors.New("the sound has gone on for 12 hours without a pause, which is the most on this machine; it begins anew")
		}
		p.pull()
		audio.Encode(p.bytes[:], p.samples[:], int(p.written-int64(p.leadIn)))
		if err := p.dev.write(ctx, p.bytes[:]); err != nil {
			return err
		}
		p.written += audio.Block
		if err := p.reportHeard(); err != nil {
			return err
		}
	}
	if err := p.src.Err(); err != nil {
		return fmt.Errorf("making the sound: %w", err)
	}
	return nil
}

// waitForRoom waits until the device takes a block or the source has changed, which comes first. A device that cannot
// rewind makes write wait instead, for one block at most.
func (p *pump) waitForRoom(ctx context.Context, changed <-chan struct{}) (interrupted bool, err error) {
	select {
	case <-changed:
		return true, nil
	default:
	}
	if dev, ok := p.dev.(rewinder); ok {
		return dev.waitForRoom(ctx, changed)
	}
	return false, nil
}

// pull fills samples with the next block: silence during the lead-in and after the end of src.
func (p *pump) pull() {
	clear(p.samples[:])
	rest := p.samples[min(max(0, int64(p.leadIn)-p.written), audio.Block):]
	if p.drained || len(rest) == 0 {
		return
	}
	n, drained := audio.ReadFull(p.src, rest)
	p.pulled += int64(n)
	p.drained = drained
	clear(rest[n:])
}

// rewind takes back from the device what was pulled and not heard, and the silence after the end of src, and rewinds src
// as far.
func (p *pump) rewind() error {
	dev, ok := p.dev.(rewinder)
	if !ok {
		return nil
	}
	silence := int(max(0, p.written-int64(p.leadIn)-p.pulled)) // after src drained
	n, err := dev.rewind(int(p.pulled-p.heard) + silence)
	if err != nil || n == 0 {
		return err
	}
	p.written -= int64(n)
	if n -= silence; n > 0 {
		p.pulled -= int64(n)
		p.drained = false
		p.src.(audio.Rewinder).Rewind(n)
	}
	return nil
}

// reportHeard passes on how many frames of src were heard. A device that takes sound much faster than real time is an
// error: a routine would rush through a null or file device of ALSA.
func (p *pump) reportHeard() error {
	delay, err := p.dev.delay()
	if err != nil {
		return err
	}
	heard := p.written - int64(max(0, delay))
	if float64(heard) > 1.1*toFrames(time.Since(p.startedAt))+audio.Rate {
		return errors.New(`the device takes sound faster than it can be heard; choose a real one, or output = "null"`)
	}
	p.heard = max(p.heard, min(heard-int64(p.leadIn), p.pulled))
	p.onHeard(int(p.heard))
	return nil
}

// logUnderruns logs the underruns of one Play, if there were any.
func logUnderruns(log *slog.Logger, device string, underruns int) {
	if underruns > 0 {
		log.Warn("the sound was interrupted: this machine was too busy to keep up", "device", device, "times", underruns)
	}
}
