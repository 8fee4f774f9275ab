package output

import (
	"context"
	"time"

	"guided/audio"
)

// pacedDevice plays nothing: it takes sound at the pace of the clock, counted from its first block, so that it does not
// drift over hours. It is the pace of the devices that have none of their own.
type pacedDevice struct {
	start   time.Time
	written int64 // frames
}

// elapsed is how many frames would have been played since start.
func (d *pacedDevice) elapsed() int64 {
	t := time.Since(d.start)
	return int64(t/time.Second)*audio.Rate + int64(t%time.Second*audio.Rate/time.Second)
}

func (d *pacedDevice) write(ctx context.Context, block []byte) error {
	frames := int64(len(block) / audio.FrameBytes)
	if d.written == 0 {
		d.start = time.Now()
	}
	if late := d.elapsed() - d.written; late > audio.Rate { // the machine was suspended: do not race to catch up
		d.start = d.start.Add(toDuration(late))
	}
	ahead := d.written + frames - audio.Depth - d.elapsed()
	if err := sleep(ctx, toDuration(ahead)); err != nil {
		return err
	}
	d.written += frames
	return nil
}

func (d *pacedDevice) delay() (int, error) { return int(max(0, d.written-d.elapsed())), nil }

func (d *pacedDevice) close(int) error { return nil }

// sleepyDevice is a pacedDevice that takes sound twice a second, and gives back what is not heard yet. It is the device of
// the output "null".
type sleepyDevice struct {
	pacedDevice
	asked int64 // the elapsed frames when delay was asked for last
	alarm alarm
}

func openNull(context.Context) (device, error) { return &sleepyDevice{}, nil }

// refill is how many frames of room a device is woken up for.
const refill = audio.Rate / 2

func (d *sleepyDevice) wait(ctx context.Context, limit time.Duration, interrupt <-chan struct{}) (room int, interrupted bool, err error) {
	if d.written == 0 {
		return audio.RewindDepth, false, ctx.Err()
	}
	ahead := d.written - d.elapsed()
	if room := audio.RewindDepth - ahead; room >= refill {
		return int(min(room, chunk)), false, ctx.Err()
	}
	limit = min(limit, toDuration(ahead-(audio.RewindDepth-refill)))
	select {
	case <-ctx.Done():
		return 0, false, ctx.Err()
	case <-interrupt:
		return 0, true, nil
	case <-d.alarm.after(limit):
		return 0, false, nil
	}
}

func (d *sleepyDevice) write(_ context.Context, sound []byte) error {
	if d.written == 0 {
		d.start = time.Now()
	}
	if elapsed := d.elapsed(); elapsed-d.written > audio.Rate { // the machine was suspended: go on where it was
		d.start = d.start.Add(toDuration(elapsed - d.asked))
	}
	d.written += int64(len(sound) / audio.FrameBytes)
	return nil
}

func (d *sleepyDevice) delay() (int, error) {
	d.asked = d.elapsed()
	return int(max(0, d.written-d.asked)), nil
}

func (d *sleepyDevice) rewind(limit int) (int, error) {
	n := min(int64(limit), d.written-d.elapsed())
	if n <= 0 || n == d.written { // the first frame begins the count
		return 0, nil
	}
	d.written -= n
	return int(n), nil
}

// toFrames converts a duration, fractions of a frame included.
func toFrames(d time.Duration) float64 { return d.Seconds() * audio.Rate }

// toDuration converts frames, rounded up: a sleep of that long is never too short.
func toDuration[N int | int64](frames N) time.Duration {
	whole, rest := int64(frames)/audio.Rate, int64(frames)%audio.Rate // their product with a second would overflow after 53 hours
	return time.Duration(whole)*time.Second + (time.Duration(rest)*time.Second+audio.Rate-1)/audio.Rate
}

// sleep waits for d, which may be zero or negative, or returns ctx's error.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
