package output

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// alarm is a timer that is used again and again, by one goroutine.
type alarm struct {
	timer  *time.Timer
	kernel *kernelTimer // in place of timer, where it is not nil
}

// after delivers once after d, unless after is called again before.
func (a *alarm) after(d time.Duration) <-chan time.Time {
	switch {
	case a.kernel != nil:
		return a.kernel.after(d)
	case a.timer == nil:
		a.timer = time.NewTimer(d)
	default:
		a.timer.Reset(d)
	}
	return a.timer.C
}

// useKernel makes it a timer of the kernel, for devices that seldom wake the program. close must be called then.
func (a *alarm) useKernel() (err error) {
	a.kernel, err = newKernelTimer()
	return err
}

func (a *alarm) close() {
	if a.kernel != nil {
		a.kernel.close()
	}
}

// kernelTimer is a timer of the kernel, read as a file. In a process that sleeps most of the time, a timer of the Go runtime wakes
// its monitor as well, and a thread twice, a millisecond apart.
type kernelTimer struct {
	file  *os.File
	fired chan time.Time
	ended chan struct{} // closed when run has ended
}

func newKernelTimer() (*kernelTimer, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("a timer for the sound: %w", err)
	}
	k := &kernelTimer{file: os.NewFile(uintptr(fd), "alarm"), fired: make(chan time.Time, 1), ended: make(chan struct{})}
	go k.run()
	return k, nil
}

// run hands on what the kernel delivers, until close.
func (k *kernelTimer) run() {
	defer close(k.ended)
	var expirations [8]byte
	for {
		if _, err := k.file.Read(expirations[:]); err != nil {
			return
		}
		select {
		case k.fired <- time.Now():
		default:
		}
	}
}

// after delivers once after d, a day at most, or, seldom, earlier: what was due before may just be on its way.
func (k *kernelTimer) after(d time.Duration) <-chan time.Time {
	select {
	case <-k.fired:
	default:
	}
	raw, err := k.file.SyscallConn()
	if err != nil {
		return k.fired // it is closed
	}
	const most = 24 * time.Hour // what is longer would not fit where a time has 32 bits
	once := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(min(max(d, 1), most)))}
	_ = raw.Control(func(fd uintptr) { _ = unix.TimerfdSettime(int(fd), 0, &once, nil) }) // a valid time on an open timer cannot fail
	return k.fired
}

// close waits until run has ended.
func (k *kernelTimer) close() {
	_ = k.file.Close() // nothing was written
	<-k.ended
}
