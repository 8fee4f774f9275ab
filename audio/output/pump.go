package output

import (
	"context"
	"errors"
	"fmt"
	"guided/audio"
	"log/slog"
	"path/filepath"
	"runtime"
	"time"

	"github.com/gopxl/beep/v2"
)

// stallTimeout is how long a device may take no sound before it counts as lost.
const stallTimeout = 2 * time.Second

// A device is open and plays what it is given.
type device interface {
	// write hands over a block once there is room for it: this is what paces the program. It is an error when ctx
	// ends first, or when the device has taken nothing for stall.
	write(ctx context.Context, block []byte) error
	// delay is how many of the frames written have not been heard.
	delay() (int, error)
	// close drops what was not heard. heard is how many frames were; a recording keeps those.
	close(heard int) error
}

// rewinder is a device that can take back what it was given and nobody has heard.
type rewinder interface {
	// rewind forgets up to most of the last frames written, in whole blocks, and tells how many. The next block
	// written stands in the place of the first of them.
	rewind(most int) (int, error)
}

// deviceOutput is an Output on a device that it opens at each Play.
type deviceOutput struct {
	open   func(ctx context.Context) (device, error)
	leadIn int // frames of silence before each Play, for devices that swallow the first moment
}

func (s *deviceOutput) Play(ctx context.Context, src beep.Streamer, heard func(frames int)) error {
	dev, err := s.open(ctx)
	if err == nil {
		err = (&pump{dev: dev, src: src, onHeard: heard, leadIn: s.leadIn}).run(ctx)
	}
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// pump carries one streamer to one device: the lead-in, then the streamer, then silence until all of it was heard. The
// silence at the end serves every device alike: none has to be told to play out what it holds.
type pump struct {
	dev     device
	src     beep.Streamer
	onHeard func(frames int)
	leadIn  int

	startedAt time.Time
	written   int // frames, of all three kinds
	pulled    int // frames of src
	heard     int // of those, heard
	drained   bool

	samples [audio.Block][2]float64
	bytes   [audio.Block * audio.FrameBytes]byte
}

func (p *pump) run(ctx context.Context) (err error) {
	defer func() {
		if e := p.dev.close(p.leadIn + p.heard); err == nil {
			err = e
		}
	}()
	p.startedAt = time.Now()
	var changed <-chan struct{}
	if r, is := p.src.(audio.Rewinder); is {
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
		if err := p.fill(); err != nil {
			return err
		}
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

// rewind lets a device that can forget what was pulled and not heard, and the silence behind its end, and the source
// give it anew.
func (p *pump) rewind() error {
	dev, can := p.dev.(rewinder)
	if !can {
		return nil
	}
	end := p.written - p.leadIn - p.pulled // silence after a drained source
	n, err := dev.rewind(p.pulled - p.heard + max(0, end))
	if err != nil || n == 0 {
		return err
	}
	p.written -= n
	if n -= max(0, end); n > 0 {
		p.pulled -= n
		p.drained = false
		p.src.(audio.Rewinder).Rewind(n)
	}
	return nil
}

// fill makes the next block.
func (p *pump) fill() error {
	clear(p.samples[:])
	rest := p.samples[min(max(0, p.leadIn-p.written), audio.Block):]
	if p.drained || len(rest) == 0 {
		return nil
	}
	n, drained, err := p.pull(rest)
	if err != nil {
		return err
	}
	p.pulled += n
	p.drained = drained
	clear(rest[n:])
	return nil
}

// pull takes from src what it has; a panic there costs this Play, not the program.
func (p *pump) pull(samples [][2]float64) (n int, drained bool, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("making the sound failed at %s: %v; this is a bug in guided, please report it", panicked(), cause)
		}
	}()
	n, drained = audio.Fill(p.src, samples)
	return n, drained, nil
}

// panicked names the line that a recovered panic came from.
func panicked() string {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		f, more := frames.Next()
		if filepath.Base(filepath.Dir(f.File)) != "runtime" || !more {
			return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
		}
	}
}

// reportHeard reports what has been heard. A device that plays much faster than time goes by is no device: a null or file
// device of ALSA would run through a routine in a moment.
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

// toFrames is a time in frames, fractions included.
func toFrames(d time.Duration) float64 { return d.Seconds() * audio.Rate }

// logUnderruns logs, once a Play, that a device ran dry.
func logUnderruns(log *slog.Logger, device string, gaps int) {
	if gaps > 0 {
		log.Warn("the sound was interrupted: this machine was too busy to keep up", "device", device, "times", gaps)
	}
}
