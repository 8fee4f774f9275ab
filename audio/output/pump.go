package output

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/gopxl/beep/v2"

	"guided/audio"
)

// stallTimeout is how long a device may take no sound before it counts as lost.
const stallTimeout = 2 * time.Second

// A device is an open device, which plays what is written to it. One that is no sleeper gets a block at a time, and its
// write paces the program.
type device interface {
	// write hands over sound as soon as there is room for it. It fails when ctx ends first, or when the device has taken
	// nothing for stallTimeout.
	write(ctx context.Context, sound []byte) error
	// delay is how many of the frames written have not been heard.
	delay() (int, error)
	// close drops what was not heard. heard is how many frames were, lead-in included; a recording keeps those.
	close(heard int) error
}

// A sleeper is a device that takes much at once, and nothing for long in between.
type sleeper interface {
	// wait returns how many frames can be written without waiting, once they are worth waking up for. It returns without
	// room when limit has passed, and interrupted when that delivers. It fails as write does.
	wait(ctx context.Context, limit time.Duration, interrupt <-chan struct{}) (room int, interrupted bool, err error)
}

// A rewinder is a sleeper that can take back frames that were written and have not been heard.
type rewinder interface {
	sleeper
	// rewind takes back up to limit of the last frames written, and returns how many. What is written next replaces them from
	// the first on.
	rewind(limit int) (int, error)
}

// A trickled device is one that costs less when it knows that its sound comes in small pieces, and that more than those never
// lie ahead.
type trickled interface {
	// trickle is called before the first write, where the sound comes so.
	trickle() error
}

// A guarded device makes calls that may never return.
type guarded interface {
	// guard runs use, which ends in close, on another goroutine and returns its error. It gives up one whose call into the
	// device hangs: when that returns, use gets an error from the device, and does nothing more than to close it.
	guard(ctx context.Context, use func() error) error
}

// guard runs use, which ends in the close of a device, and returns its error.
func guard(ctx context.Context, dev device, use func() error) error {
	if g, ok := dev.(guarded); ok {
		return g.guard(ctx, use)
	}
	return use()
}

// deviceOutput is an audio.Output on a device that it opens at each Play.
type deviceOutput struct {
	open   opener
	leadIn int // frames of silence before each Play, for devices that swallow the first moment
}

func (o *deviceOutput) Play(ctx context.Context, src beep.Streamer, heard func(frames int) (next int)) error {
	dev, err := o.open(ctx)
	if err == nil {
		p := &pump{dev: dev, src: src, onHeard: heard, leadIn: o.leadIn}
		err = guard(ctx, dev, func() error { return p.run(ctx) })
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
	onHeard func(frames int) (next int)
	leadIn  int // frames

	startedAt time.Time
	written   int64 // frames, of lead-in, src and silence
	pulled    int64 // frames of src
	heard     int64 // of those
	position  int64 // where the device is in src; negative in the lead-in
	next      int64 // where onHeard is to be called
	drained   bool

	samples [audio.Block][2]float64
	bytes   []byte // a chunk
}

const (
	// firstChunk is how many frames are written first, so that a device begins to play before the rest is rendered; chunk is
	// how many at most are written together, or as many as can be rendered within renderTime: a slow machine, or a source
	// that is itself paced, must not let the device wait.
	firstChunk = 2 * audio.Block
	chunk      = audio.Rate
	renderTime = 10 * time.Millisecond

	// reportInterval is how often the device is asked whether what is to be reported was heard, when it is late.
	reportInterval = 3 * time.Millisecond
)

// maxPlayFrames is how much one Play may write, so that all counts of it fit in an int: on a machine of 32 bits it ends
// after 12 hours, and the next one goes on where it was. The margin is more than a device buffers.
const maxPlayFrames = math.MaxInt - 60*audio.Rate

// run prepares the device for src, plays until all of src was heard, and closes the device. After a panic the device is not closed: that could wait,
// and the process is to end at once, with its trace.
func (p *pump) run(ctx context.Context) error {
	err := p.prepare()
	if err == nil {
		err = p.playFrom(ctx, time.Now())
	}
	if e := p.dev.close(int(int64(p.leadIn) + p.heard)); err == nil {
		err = e
	}
	return err
}

// prepare tells a device that a follower plays on it.
func (p *pump) prepare() error {
	dev, ok := p.dev.(trickled)
	if _, follows := p.src.(*followerSource); !ok || !follows {
		return nil
	}
	return dev.trickle()
}

// playFrom plays until all of src was heard. The device began at a time.
func (p *pump) playFrom(ctx context.Context, start time.Time) error {
	p.startedAt = start
	var changed <-chan struct{}
	if r, ok := p.src.(audio.Rewinder); ok {
		changed = r.Changed()
	}
	for !p.drained || p.heard < p.pulled {
		room, interrupted, err := p.wait(ctx, changed)
		switch {
		case err != nil:
		case interrupted:
			if room, err = p.rewind(); room > 0 && err == nil {
				err = p.write(ctx, room)
			}
		case room > 0:
			err = p.write(ctx, room)
		}
		if err == nil {
			err = p.reportHeard()
		}
		if err != nil {
			return err
		}
	}
	if err := p.src.Err(); err != nil {
		return fmt.Errorf("making the sound: %w", err)
	}
	return nil
}

// wait waits until the device has room, or something is to be reported, or the source has changed, which comes first. A
// device that is no sleeper makes write wait instead, for one block at most. A follower waits for its clock alone: that holds the
// lag, which is less than any device has room for.
func (p *pump) wait(ctx context.Context, changed <-chan struct{}) (room int, interrupted bool, err error) {
	dev, sleeps := p.dev.(sleeper)
	if !sleeps {
		return audio.Block, false, nil
	}
	if src, ok := p.src.(*followerSource); ok && !p.drained {
		return src.ready(), false, nil
	}
	select {
	case <-changed:
		return 0, true, nil
	default:
	}
	limit := time.Duration(math.MaxInt64)
	next := p.next
	if p.drained {
		next = min(next, p.pulled) // the end
	}
	if next <= p.pulled {
		limit = max(reportInterval, toDuration(next-p.position))
	}
	return dev.wait(ctx, limit, changed)
}

// write pulls frames and writes them to the device as one: as many as there is room for, but not more than a chunk.
func (p *pump) write(ctx context.Context, room int) error {
	if p.written > maxPlayFrames {
		return errors.New("the sound has gone on for 12 hours without a pause, which is the most on this machine; it begins anew")
	}
	most := chunk
	if p.written == 0 {
		most = firstChunk
	}
	most = min(most, room)
	if src, ok := p.src.(*followerSource); ok && !p.drained {
		most = min(most, src.ready()) // what it would wait for must not hold up what there is
	}
	p.bytes = slices.Grow(p.bytes[:0], most*audio.FrameBytes)
	began := time.Now()
	for n := 0; n < most; {
		block := p.samples[:min(audio.Block, most-n)]
		p.pull(block, p.written+int64(n))
		p.bytes = p.bytes[:len(p.bytes)+len(block)*audio.FrameBytes]
		audio.Encode(p.bytes[n*audio.FrameBytes:], block, int(p.written-int64(p.leadIn))+n)
		if n += len(block); time.Since(began) > renderTime {
			break
		}
	}
	if err := p.dev.write(ctx, p.bytes); err != nil {
		return err
	}
	p.written += int64(len(p.bytes) / audio.FrameBytes)
	return nil
}

// pull fills a block that the device gets at a frame: with silence during the lead-in and after the end of src.
func (p *pump) pull(block [][2]float64, at int64) {
	lead := min(max(0, int64(p.leadIn)-at), int64(len(block)))
	clear(block)
	rest := block[lead:]
	if p.drained || len(rest) == 0 {
		return
	}
	n, drained := audio.ReadFull(p.src, rest)
	p.pulled += int64(n)
	p.drained = drained
	clear(rest[n:])
}

// rewind takes back from the device what was pulled and not heard, and the silence after the end of src, and rewinds src
// as far. It returns how many frames the device got back.
func (p *pump) rewind() (frames int, err error) {
	dev, ok := p.dev.(rewinder)
	if !ok {
		return 0, nil
	}
	silence := int(max(0, p.written-int64(p.leadIn)-p.pulled)) // after src drained
	n, err := dev.rewind(int(p.pulled-p.heard) + silence)
	if err != nil || n == 0 {
		return 0, err
	}
	p.written -= int64(n)
	if sound := n - silence; sound > 0 {
		p.pulled -= int64(sound)
		p.drained = false
		p.src.(audio.Rewinder).Rewind(sound)
	}
	return n, nil
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
	p.position = heard - int64(p.leadIn)
	p.heard = max(p.heard, min(p.position, p.pulled))
	p.next = int64(p.onHeard(int(p.heard)))
	return nil
}

// logUnderruns logs the underruns of one Play, if there were any.
func logUnderruns(log *slog.Logger, device string, underruns int) {
	if underruns > 0 {
		log.Warn("the sound was interrupted: this machine was too busy to keep up", "device", device, "times", underruns)
	}
}
