package output

import (
	"context"
	"guided/audio"
	"time"
)

// pacedDevice is a device that nobody hears: it takes sound as fast as time goes by, counted from its start, so that a
// machine without sound keeps time for hours.
type pacedDevice struct {
	start   time.Time
	written int
}

// openNull is the output "null".
func openNull(context.Context) (device, error) { return &pacedDevice{}, nil }

// elapsed is the frames that time has carried away.
func (d *pacedDevice) elapsed() int {
	t := time.Since(d.start)
	return int(t/time.Second)*audio.Rate + int(t%time.Second*audio.Rate/time.Second)
}

// toDuration is how long so many frames last, and not a nanosecond less.
func toDuration(frames int) time.Duration {
	return (time.Duration(frames)*time.Second + audio.Rate - 1) / audio.Rate
}

func (d *pacedDevice) write(ctx context.Context, block []byte) error {
	frames := len(block) / audio.FrameBytes
	if d.written == 0 {
		d.start = time.Now()
	}
	if late := d.elapsed() - d.written; late > audio.Rate { // the machine was stopped: what was missed is not caught up
		d.start = d.start.Add(toDuration(late))
	}
	ahead := d.written + frames - audio.Depth - d.elapsed()
	if err := sleep(ctx, toDuration(ahead)); err != nil {
		return err
	}
	d.written += frames
	return nil
}

func (d *pacedDevice) delay() (int, error) { return max(0, d.written-d.elapsed()), nil }

func (d *pacedDevice) close(int) error { return nil }

// sleep waits for a time, which may be none, or until ctx ends.
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
