package schedule

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A Clock is the clock on the wall. The real one is [WallClock]; tests have one that they move.
type Clock interface {
	Now() time.Time
	// Set asks for a value on C at an instant, in place of the one asked for before, and also when the clock is set to another
	// time. The zero time asks for none.
	Set(at time.Time) error
	C() <-chan struct{}
}

// WallClock is the system's clock. It sleeps in a timer of the kernel, which alone can tell that the clock was set, so that
// nothing has to look at it (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET). Timers of Go follow another clock.
type WallClock struct {
	timer  *os.File
	passed chan struct{}
	reader sync.WaitGroup
}

// NewWallClock returns a clock, which is to be closed.
func NewWallClock() (*WallClock, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("the schedule has no clock: timerfd_create: %w", err)
	}
	c := &WallClock{timer: os.NewFile(uintptr(fd), "timerfd"), passed: make(chan struct{}, 1)}
	c.reader.Go(c.read)
	return c, nil
}

// Now is the time on the wall. The monotonic part is left out: it would hide that the clock was set.
func (c *WallClock) Now() time.Time { return time.Now().Round(0) }

// Set arms the timer.
func (c *WallClock) Set(at time.Time) error {
	var spec unix.ItimerSpec
	if !at.IsZero() {
		spec.Value = unix.NsecToTimespec(max(1, at.UnixNano()))
	}
	raw, err := c.timer.SyscallConn()
	if err != nil {
		return err
	}
	if failed := raw.Control(func(fd uintptr) {
		err = unix.TimerfdSettime(int(fd), unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET, &spec, nil)
	}); failed != nil {
		return failed
	}
	return err
}

// C has a value after the instant has come or the clock was set.
func (c *WallClock) C() <-chan struct{} { return c.passed }

// Close ends the clock.
func (c *WallClock) Close() {
	c.timer.Close()
	c.reader.Wait()
}

// read waits for the timer until it is closed.
func (c *WallClock) read() {
	var count [8]byte
	for {
		_, err := c.timer.Read(count[:])
		if err != nil && !errors.Is(err, unix.ECANCELED) { // ECANCELED: the clock was set
			return
		}
		if err == nil && binary.NativeEndian.Uint64(count[:]) == 0 {
			continue
		}
		select {
		case c.passed <- struct{}{}:
		default: // it has one already
		}
	}
}
