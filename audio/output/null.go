package output

import (
	"context"
	"time"

	"guided/audio"
)

// pacedDevice plays nothing: it takes sound at the pace of the clock, counted from its first block, so that it does not
// drift over hours. It is the device of the output "null" and the pace of the devices that have none of their own.
type pacedDevice struct {
	start   time.Time
	written int64 // frames
}

func openNull(context.Context) (device, error) { return &pacedDevice{}, nil }

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
