package mqtt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A keepAlive sends a ping on a connection on which we have sent nothing for nearly the time that CONNECT promised to the
// broker, and finds out that the answer does not come. paho would look for that every five seconds.
//
// Its only clock is a timer of the kernel, read as a file: in an idle process a timer of the Go runtime wakes its monitor
// and a second thread as well, which is three to four times as many wakes. That timer goes on while the machine is
// suspended, so that a connection that did not survive is found out right after it.
type keepAlive struct {
	interval time.Duration // from the last packet that was sent to the ping
	pong     time.Duration // for the answer
	timer    *os.File      // readable when something may be due

	mu       sync.Mutex
	lastSent time.Time
	pinged   time.Time // when the ping was sent of which the answer has not come; zero: none
	silent   bool      // an answer did not come in time
}

// newKeepAlive is for a connection that promises the broker a packet within each promise. Nothing is due before run, and close
// must be called.
func newKeepAlive(promise, pong time.Duration) (*keepAlive, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_BOOTTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("a timer for pings to the broker: %w", err)
	}
	return &keepAlive{interval: promise * 9 / 10, pong: pong, timer: os.NewFile(uintptr(fd), "keep-alive")}, nil
}

// run calls ping whenever one is due, and returns when an answer did not come in time, or after close.
func (k *keepAlive) run(ping func()) (silent bool) {
	k.wakeIn(k.interval)
	var expirations [8]byte
	for {
		if _, err := k.timer.Read(expirations[:]); err != nil {
			return false
		}
		due, wait := k.next(time.Now())
		if wait == 0 {
			return true
		}
		k.wakeIn(wait) // before the ping: its answer sets the timer anew
		if due {
			ping()
		}
	}
}

// next tells whether a ping is due now, and in how long to ask again; zero is never, as an answer is overdue.
func (k *keepAlive) next(now time.Time) (due bool, wait time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.pinged.IsZero() {
		wait = max(0, k.pong-elapsed(k.pinged, now))
		k.silent = wait == 0
		return false, wait
	}
	if wait = k.interval - elapsed(k.lastSent, now); wait > 0 {
		return false, wait
	}
	k.pinged = now
	return true, k.pong
}

// sent takes note that a packet is sent.
func (k *keepAlive) sent() {
	now := time.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lastSent = now
}

// answered takes note of the answer to a ping.
func (k *keepAlive) answered() {
	k.mu.Lock()
	k.pinged = time.Time{}
	k.mu.Unlock()
	k.wakeIn(k.interval)
}

// isSilent tells whether an answer did not come in time.
func (k *keepAlive) isSilent() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.silent
}

// wakeIn sets the timer, in place of what it was set to; after close it does nothing.
func (k *keepAlive) wakeIn(d time.Duration) {
	raw, err := k.timer.SyscallConn()
	if err != nil {
		return
	}
	once := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(max(d, 1)))}
	_ = raw.Control(func(fd uintptr) { _ = unix.TimerfdSettime(int(fd), 0, &once, nil) }) // a valid time on an open timer cannot fail
}

// close ends run.
func (k *keepAlive) close() { k.timer.Close() }

// promiseKeepAlive is a CONNECT packet of MQTT 3.1.1 with a keep-alive in whole seconds: where paho's own pings are off it
// promises none.
// https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/os/mqtt-v3.1.1-os.html#_Toc398718028
func promiseKeepAlive(packet []byte, promise time.Duration) (promising []byte, err error) {
	const toKeepAlive = 2 + len("MQTT") + 1 + 1 // the protocol's name with its length, its version, the flags
	at := 1                                     // after the type comes the length
	for at < len(packet) && packet[at] >= 0x80 {
		at++
	}
	at += 1 + toKeepAlive
	if len(packet) < at+2 || packet[0] != typeConnect<<4 {
		return nil, errors.New("the first packet to the broker is no CONNECT")
	}
	promising = bytes.Clone(packet)
	binary.BigEndian.PutUint16(promising[at:], uint16(promise/time.Second))
	return promising, nil
}
