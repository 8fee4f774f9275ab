package output

import (
	"context"
	"time"

	"guided/audio"
)

// A device that had no room for all that it was to get is tried again after what the rest takes to play, within these bounds.
const (
	minALSARetry = 5 * time.Millisecond
	maxALSARetry = 20 * time.Millisecond
)

// alsaFillAge is how old a fill may be for the position to be reckoned from it by the clock. A device that has stopped is
// noticed at the next write.
const alsaFillAge = 40 * time.Millisecond

// workedALSA is an alsaDevice on the goroutine of its worker. It sleeps by the clock until there is room, because a wait inside
// the library could not be interrupted.
type workedALSA struct {
	output *alsaOutput
	worker *alsaWorker
	dev    *alsaDevice
	alarm  alarm
	filled alsaFill // after the last write or rewind; zero before the first
}

// guard runs play, which ends in close, on the goroutine of the worker.
func (a *workedALSA) guard(ctx context.Context, play func() error) error {
	return a.output.release(a.worker, a.worker.do(ctx, play))
}

// room is how many frames the buffer lacks by now. A later look must not put off the next write: what it says is a period old
// at most, because many devices take a period at once.
func (a *workedALSA) room() int {
	room := func(f alsaFill) int { return a.dev.target - f.level() + f.passed(f.level()) }
	return max(room(a.filled), room(a.dev.now))
}

func (a *workedALSA) wait(ctx context.Context, limit time.Duration, interrupt <-chan struct{}) (room int, interrupted bool, err error) {
	if a.filled.at.IsZero() {
		return a.dev.target, false, ctx.Err()
	}
	if room := a.room(); room < a.dev.refill {
		select {
		case <-ctx.Done():
			return 0, false, ctx.Err()
		case <-interrupt:
			return 0, true, nil
		case <-a.alarm.after(min(limit, toDuration(a.dev.refill-room))):
		}
	}
	if room := a.room(); room >= a.dev.refill {
		return max(1, room/audio.Block) * audio.Block, false, nil // a source renders whole blocks
	}
	return 0, false, nil
}

func (a *workedALSA) write(ctx context.Context, sound []byte) error {
	for {
		var n int
		var err error
		if gaveUp := a.worker.call("writing to it", alsaCallTimeout, func() { n, err = a.dev.put(sound) }); gaveUp != nil {
			return gaveUp
		}
		if err != nil {
			return err
		}
		a.filled = a.dev.now
		if sound = sound[n*audio.FrameBytes:]; len(sound) == 0 {
			return nil
		}
		if err := a.dev.stalled(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-a.alarm.after(min(max(toDuration(len(sound)/audio.FrameBytes), minALSARetry), maxALSARetry)):
		}
	}
}

// delay reckons by the clock between looks. That everything was heard the device must say itself: it may have been late, and the
// end would be cut off.
func (a *workedALSA) delay() (int, error) {
	if now := a.dev.now; now.running && time.Since(now.at) < alsaFillAge {
		if left := now.delay - now.passed(now.delay); left > 0 {
			return left, nil
		}
	}
	if err := a.worker.call("asking how far it is", alsaCallTimeout, a.dev.look); err != nil {
		return 0, err
	}
	return a.dev.now.delay, a.dev.stalled()
}

func (a *workedALSA) rewind(limit int) (n int, err error) {
	if !a.dev.rewinds {
		return 0, nil
	}
	err = a.worker.call("rewinding it", alsaCallTimeout, func() { n = a.dev.rewind(limit) })
	a.filled = a.dev.now
	return n, err
}

// close never fails: the sound was heard. After a call that was given up it runs when that has returned, whenever that is.
func (a *workedALSA) close(int) error {
	closed := false
	_ = a.worker.call(alsaClosing, alsaCloseTimeout, func() {
		a.dev.closePCM()
		closed = true
	})
	if !closed {
		a.dev.closePCM()
	}
	logUnderruns(a.dev.log, "alsa:"+a.dev.name, a.dev.underruns)
	return nil
}

// unpacedALSA is a device that takes sound as fast as it gets it. It gets the sound when the clock says that it was heard, so
// that the file of ALSA's file plugin holds that and no more.
type unpacedALSA struct {
	*workedALSA
	clock sleepyDevice
	held  []byte // not given yet
	given int64  // frames
}

func (d *unpacedALSA) wait(ctx context.Context, limit time.Duration, interrupt <-chan struct{}) (room int, interrupted bool, err error) {
	return d.clock.wait(ctx, limit, interrupt)
}

func (d *unpacedALSA) delay() (int, error) { return d.clock.delay() }

func (d *unpacedALSA) write(ctx context.Context, sound []byte) error {
	if err := d.clock.write(ctx, sound); err != nil {
		return err
	}
	d.held = append(d.held, sound...)
	return d.give(ctx, d.clock.elapsed())
}

// give gives what was heard when so many frames of all were.
func (d *unpacedALSA) give(ctx context.Context, heard int64) error {
	n := int(min(heard-d.given, int64(len(d.held)/audio.FrameBytes)))
	if n <= 0 {
		return nil
	}
	if err := d.workedALSA.write(ctx, d.held[:n*audio.FrameBytes]); err != nil {
		return err
	}
	d.held = d.held[:copy(d.held, d.held[n*audio.FrameBytes:])]
	d.given += int64(n)
	return nil
}

func (d *unpacedALSA) rewind(limit int) (int, error) {
	n, err := d.clock.rewind(limit)
	d.held = d.held[:len(d.held)-n*audio.FrameBytes]
	return n, err
}

// close gives the device the rest of what was heard.
func (d *unpacedALSA) close(heard int) error {
	err := d.give(context.Background(), int64(heard))
	if e := d.workedALSA.close(heard); err == nil {
		err = e
	}
	return err
}
