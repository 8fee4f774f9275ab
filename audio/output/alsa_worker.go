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
	alsaOpenTimeout  = 5 * time.Second            // a Bluetooth speaker connects within that
	alsaWriteTimeout = stallTimeout + time.Second // write itself gives up after stallTimeout
	alsaCloseTimeout = 500 * time.Millisecond     // what takes longer ends without Play, and the next one waits for it
	alsaGrace        = 100 * time.Millisecond     // after the end of the context; a call normally blocks for alsaPollInterval
)

// alsaOutput is the output "alsa:DEVICE". While a call of an earlier Play hangs, no other is begun, so that at most one
// goroutine and one device are lost however often it is tried again.
type alsaOutput struct {
	lib  *alsaLib
	name string
	log  *slog.Logger
	hung *alsaWorker // given up, nil if none is
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
			return &workedALSA{output: o, worker: w, dev: d}, nil
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

// workedALSA is an alsaDevice whose calls its worker makes.
type workedALSA struct {
	output *alsaOutput
	worker *alsaWorker
	dev    *alsaDevice
	gaveUp error // the hungError of the first call that was given up
}

// do makes one call, and none after one that was given up.
func (a *workedALSA) do(ctx context.Context, limit time.Duration, doing string, call func() (int, error)) (int, error) {
	if a.gaveUp != nil {
		return 0, a.output.explain(a.gaveUp)
	}
	n, err := a.worker.do(ctx, limit, doing, call)
	if _, hung := err.(hungError); hung {
		a.gaveUp = err
	}
	return n, a.output.explain(err)
}

func (a *workedALSA) write(ctx context.Context, block []byte) error {
	_, err := a.do(ctx, alsaWriteTimeout, "writing to it", func() (int, error) { return 0, a.dev.write(ctx, block) })
	return err
}

func (a *workedALSA) delay() (int, error) {
	return a.do(context.Background(), stallTimeout, "asking how far it is", a.dev.delay)
}

// close never fails: the sound was heard. A device that takes long to close is waited for by the next open.
func (a *workedALSA) close(int) error {
	_, _ = a.do(context.Background(), alsaCloseTimeout, "closing it", func() (int, error) {
		a.dev.closePCM()
		return 0, nil
	})
	cleanup := a.dev.closePCM
	if a.gaveUp == nil || a.gaveUp == (hungError{"closing it"}) {
		cleanup = func() {} // the call does it
	}
	a.output.release(a.worker, a.gaveUp, cleanup)
	if a.gaveUp == nil {
		logUnderruns(a.dev.log, "alsa:"+a.dev.name, a.dev.underruns)
	}
	return nil
}

// alsaWorker makes calls one after the other on a goroutine of its own.
type alsaWorker struct {
	calls   chan func()
	doing   string        // what was called last
	cleanup func()        // runs after the last call; set before calls is closed
	ended   chan struct{} // closed when the goroutine has returned
}

func newALSAWorker() *alsaWorker {
	w := &alsaWorker{calls: make(chan func()), cleanup: func() {}, ended: make(chan struct{})}
	go func() {
		defer close(w.ended)
		for call := range w.calls {
			call()
		}
		w.cleanup()
	}()
	return w
}

// do makes a call and returns its results. It gives up with a hungError after limit, or alsaGrace after the end of ctx;
// after that do must not be called again.
func (w *alsaWorker) do(ctx context.Context, limit time.Duration, doing string, call func() (int, error)) (int, error) {
	type result struct {
		n   int
		err error
	}
	w.doing = doing
	done := make(chan result, 1)
	w.calls <- func() {
		n, err := call()
		done <- result{n, err}
	}
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	select {
	case r := <-done:
		return r.n, r.err
	case <-timeout.C:
		return 0, hungError{doing}
	case <-ctx.Done():
	}
	timeout.Reset(alsaGrace)
	select {
	case r := <-done:
		return r.n, r.err
	case <-timeout.C:
		return 0, hungError{doing}
	}
}
