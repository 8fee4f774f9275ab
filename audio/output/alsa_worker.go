package output

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// A call into libasound cannot be interrupted, and some plugins wait in it for a server that has stopped answering, for
// ever. So each device has a goroutine of its own that makes its calls, and Play gives up waiting for it after these times.
const (
	alsaOpenTimeout  = 5 * time.Second        // a Bluetooth speaker connects within that
	alsaCallTimeout  = stallTimeout           // a call normally takes no time at all
	alsaCloseTimeout = 500 * time.Millisecond // what takes longer ends without Play, and the next one waits for it
	alsaGrace        = 100 * time.Millisecond // after the end of the context
)

// alsaOutput is the output "alsa:DEVICE". While a call of an earlier Play hangs, no other is begun, so that at most one
// goroutine and one device are lost however often it is tried again.
type alsaOutput struct {
	lib  *alsaLib
	name string
	log  *slog.Logger
	hung *alsaWorker // given up, nil if none is

	warned bool // that the device has no pace
}

// open is called by one goroutine at a time.
func (o *alsaOutput) open(ctx context.Context) (device, error) {
	if err := o.waitForHung(ctx); err != nil {
		return nil, err
	}
	w := newALSAWorker()
	opened := make(chan *alsaDevice, 1)
	_, err := w.do(ctx, alsaOpenTimeout, "opening it", func() (int, error) {
		d, err := openALSA(o.lib, o.name, o.log)
		if err == nil {
			opened <- d
		}
		return 0, err
	})
	select {
	case d := <-opened:
		if err == nil {
			return o.pace(&workedALSA{output: o, worker: w, dev: d}), nil
		}
		opened <- d // just after it was given up
	default:
	}
	o.release(w, err, func() {
		select {
		case d := <-opened:
			d.closePCM()
		default: // it does not open
		}
	})
	return nil, o.explain(err)
}

// pace returns a device, or one that the clock paces where that has no pace.
func (o *alsaOutput) pace(a *workedALSA) device {
	if !a.dev.unpaced {
		return a
	}
	if !o.warned {
		o.log.Warn("the ALSA device ends in ALSA's null device: it is played to in real time, and no speaker is behind it", "device", o.name)
		o.warned = true
	}
	return &unpacedALSA{alsa: a}
}

// waitForHung waits until the call of an earlier Play has returned.
func (o *alsaOutput) waitForHung(ctx context.Context) error {
	if o.hung == nil {
		return nil
	}
	timeout := time.NewTimer(alsaOpenTimeout)
	defer timeout.Stop()
	select {
	case <-o.hung.ended:
		o.hung = nil
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timeout.C:
		return o.explain(hungError{o.hung.doing})
	}
}

// release ends a worker: after a call that was given up it runs cleanup when that returns, whenever that is.
func (o *alsaOutput) release(w *alsaWorker, err error, cleanup func()) {
	if _, hung := err.(hungError); hung {
		o.hung = w
		w.cleanup = cleanup
		close(w.calls)
		return
	}
	close(w.calls)
	<-w.ended
}

// explain adds the device and what to do to the error of a call that hangs.
func (o *alsaOutput) explain(err error) error {
	if _, hung := err.(hungError); hung {
		return fmt.Errorf("the ALSA device %q %w; restart the sound server or the Bluetooth service behind it", o.name, err)
	}
	return err
}

// hungError is the error of a call that was given up.
type hungError struct{ doing string }

func (e hungError) Error() string { return "hangs in " + e.doing }

// alsaWorker makes calls one after the other on a goroutine of its own.
type alsaWorker struct {
	calls   chan func() (int, error)
	results chan alsaResult // of each call
	alarm   alarm
	doing   string        // what was called last
	cleanup func()        // runs after the last call; set before calls is closed
	ended   chan struct{} // closed when the goroutine has returned
}

type alsaResult struct {
	n   int
	err error
}

func newALSAWorker() *alsaWorker {
	w := &alsaWorker{
		calls: make(chan func() (int, error)), results: make(chan alsaResult, 1),
		cleanup: func() {}, ended: make(chan struct{}),
	}
	go func() {
		defer close(w.ended)
		for call := range w.calls {
			n, err := call()
			w.results <- alsaResult{n, err}
		}
		w.cleanup()
	}()
	return w
}

// do makes a call and returns its results. It gives up with a hungError after limit, or alsaGrace after the end of ctx;
// after that do must not be called again.
func (w *alsaWorker) do(ctx context.Context, limit time.Duration, doing string, call func() (int, error)) (int, error) {
	w.doing = doing
	w.calls <- call
	timeout := w.alarm.after(limit)
	select {
	case r := <-w.results:
		return r.n, r.err
	case <-timeout:
		return 0, hungError{doing}
	case <-ctx.Done():
	}
	timeout = w.alarm.after(alsaGrace)
	select {
	case r := <-w.results:
		return r.n, r.err
	case <-timeout:
		return 0, hungError{doing}
	}
}
