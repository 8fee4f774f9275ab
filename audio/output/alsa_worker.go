package output

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// A call into libasound cannot be interrupted, and some plugins wait in it for a server that has stopped answering, for
// ever. So the sound of each device is pumped on a goroutine of its own, and Play gives it up when a call takes longer than this.
const (
	alsaOpenTimeout  = 5 * time.Second        // a Bluetooth speaker connects within that
	alsaCallTimeout  = stallTimeout           // a call normally takes no time at all
	alsaCloseTimeout = 500 * time.Millisecond // what takes longer ends without Play, and the next one waits for it
	alsaGrace        = 100 * time.Millisecond // after the end of the context, for a call other than the closing

	alsaWatchInterval = time.Second // Play looks after the calls that often
)

const alsaClosing = "closing it"

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
	err := w.do(ctx, func() error {
		var d *alsaDevice
		var err error
		gaveUp := w.call("opening it", alsaOpenTimeout, func() { d, err = openALSA(o.lib, o.name, o.log) })
		switch {
		case err != nil:
			return err
		case gaveUp != nil:
			d.closePCM()
			return gaveUp
		}
		opened <- d
		return nil
	})
	if err != nil {
		return nil, o.release(w, err)
	}
	return o.pace(&workedALSA{output: o, worker: w, dev: <-opened}), nil
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
	return &unpacedALSA{workedALSA: a}
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

// release ends a worker, or leaves one that was given up to itself. It returns the error of its last job, explained.
func (o *alsaOutput) release(w *alsaWorker, err error) error {
	close(w.jobs)
	if _, hung := err.(hungError); hung {
		o.hung = w
		return o.explain(err)
	}
	<-w.ended
	return err
}

// explain adds the device and what to do to the error of a call that hangs.
func (o *alsaOutput) explain(err error) error {
	return fmt.Errorf("the ALSA device %q %w; restart the sound server or the Bluetooth service behind it", o.name, err)
}

// hungError is the error of a call that was given up.
type hungError struct{ doing string }

func (e hungError) Error() string { return "hangs in " + e.doing }

// alsaWorker runs jobs one after the other on a goroutine of its own: the opening, and then the pump. A job makes its calls
// into the library by call.
type alsaWorker struct {
	jobs    chan func() error
	results chan error    // of each job
	ended   chan struct{} // closed when the goroutine has returned
	alarm   alarm

	mu     sync.Mutex // not held during a call
	doing  string     // what was called last
	limit  time.Duration
	since  time.Time // when that call began; zero between calls
	gaveUp error     // the hungError of a call that was given up
}

func newALSAWorker() *alsaWorker {
	w := &alsaWorker{jobs: make(chan func() error), results: make(chan error, 1), ended: make(chan struct{})}
	go func() {
		defer close(w.ended)
		for job := range w.jobs {
			w.results <- job()
		}
	}()
	return w
}

// do runs a job and returns its error, which is a hungError when a call in it was given up. Such a job goes on until that call
// has returned, but makes no other by call; after that do must not be called again.
func (w *alsaWorker) do(ctx context.Context, job func() error) error {
	w.jobs <- job
	ended, interval := ctx.Done(), alsaWatchInterval
	for {
		select {
		case err := <-w.results:
			return err
		case <-ended:
			ended, interval = nil, alsaGrace
			continue
		case <-w.alarm.after(interval):
		}
		if err := w.giveUp(ctx.Err() != nil); err != nil {
			return err
		}
	}
}

// giveUp gives up a call that takes too long, and returns its hungError. hurried is whether the context has ended.
func (w *alsaWorker) giveUp(hurried bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	limit := w.limit
	if hurried && w.doing != alsaClosing {
		limit = min(limit, alsaGrace)
	}
	if !w.since.IsZero() && time.Since(w.since) >= limit {
		w.gaveUp = hungError{w.doing}
	}
	return w.gaveUp
}

// call makes a call, on the worker's goroutine. It returns a hungError when the worker was given up meanwhile, and makes no
// call after that.
func (w *alsaWorker) call(doing string, limit time.Duration, call func()) error {
	if err := w.begin(doing, limit); err != nil {
		return err
	}
	call()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.since = time.Time{}
	return w.gaveUp
}

func (w *alsaWorker) begin(doing string, limit time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gaveUp == nil {
		w.doing, w.limit, w.since = doing, limit, time.Now()
	}
	return w.gaveUp
}
