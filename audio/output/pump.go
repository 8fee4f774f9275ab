package output

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	written   int // frames, of lead-in, src and silence
	pulled    int // frames of src
	heard     int // of those
	drained   bool

	samples [audio.Block][2]float64
	bytes   [audio.Block * audio.FrameBytes]byte
}

// run plays until all of src was heard, and closes the device.
func (p *pump) run(ctx context.Context) (err error) {
	defer func() {
		if e := p.dev.close(p.leadIn + p.heard); err == nil {
			err = e
		}
	}()
	p.startedAt = time.Now()
	var changed <-chan struct{}
	if r, ok := p.src.(audio.Rewinder); ok {
		changed = r.Changed()
	}
	for !p.drained || p.heard < p.pulled {
		select {
		case <-changed:
			if err := p.rewind(); err != nil {
				return err
			}
		default:
		}
		p.pull()
		audio.Encode(p.bytes[:], p.samples[:], p.written-p.leadIn)
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

// pull fills samples with the next block: silence during the lead-in and after the end of src.
func (p *pump) pull() {
	clear(p.samples[:])
	rest := p.samples[min(max(0, p.leadIn-p.written), audio.Block):]
	if p.drained || len(rest) == 0 {
		return
	}
	n, drained := audio.ReadFull(p.src, rest)
	p.pulled += n
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
	silence := max(0, p.written-p.leadIn-p.pulled) // after src drained
	n, err := dev.rewind(p.pulled - p.heard + silence)
	if err != nil || n == 0 {
		return err
	}
	p.written -= n
	if n -= silence; n > 0 {
		p.pulled -= n
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
	heard := p.written - max(0, delay)
	if float64(heard) > 1.1*toFrames(time.Since(p.startedAt))+audio.Rate {
		return errors.New(`the device takes sound faster than it can be heard; choose a real one, or output = "null"`)
	}
	p.heard = max(p.heard, min(heard-p.leadIn, p.pulled))
	p.onHeard(p.heard)
	return nil
}

// logUnderruns logs the underruns of one Play, if there were any.
func logUnderruns(log *slog.Logger, device string, underruns int) {
	if underruns > 0 {
		log.Warn("the sound was interrupted: this machine was too busy to keep up", "device", device, "times", underruns)
	}
}
