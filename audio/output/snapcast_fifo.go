package output

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"
)

// openFIFO opens a FIFO that a server reads, without waiting for one that does not.
//
// A snapserver whose pipe has no writer opens it anew every 100 ms and at once finds it at its end. So it is held open
// for longer than that, for reading too, or the attempt fails; then the server stays, if there is one. Nothing is
// created: a shell or a program that may create a FIFO in /tmp meets fs.protected_fifos.
func openFIFO(ctx context.Context, path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err == nil && info.Mode()&fs.ModeNamedPipe == 0 {
		return nil, fmt.Errorf("%s is no FIFO; remove it, and let snapserver create one with the source pipe://%[1]s?name=guided&mode=create&sampleformat=48000:16:2", path)
	}
	if err != nil {
		return nil, noFIFO(path, err)
	}
	hold, err := os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, noFIFO(path, err)
	}
	w, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err == nil {
		err = pause(ctx, 200*time.Millisecond)
	}
	_ = hold.Close() // nothing was written to it
	if err == nil {
		err = isRead(path)
	}
	if err == nil {
		return w, nil
	}
	if w != nil {
		_ = w.Close() // nor to this
	}
	return nil, noFIFO(path, err)
}

// isRead is nil when somebody has the FIFO open for reading.
func isRead(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err == nil {
		err = f.Close()
	}
	return err
}

// noFIFO tells what to do about a FIFO that does not open.
func noFIFO(path string, err error) error {
	switch {
	case errors.Is(err, syscall.ENXIO):
		return fmt.Errorf("no snapserver reads %s; start it with the source pipe://%[1]s?name=guided&mode=create&sampleformat=48000:16:2", path)
	case errors.Is(err, fs.ErrNotExist):
		hint := ""
		if strings.HasPrefix(path, "/tmp/") {
			hint = "; a service with PrivateTmp has a /tmp of its own, so choose a place in /run"
		}
		return fmt.Errorf("there is no FIFO %s; start snapserver with the source pipe://%[1]s?name=guided&mode=create&sampleformat=48000:16:2%s", path, hint)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the FIFO %s is closed to this user (%w); let him read and write it: chmod a+rw %[1]s", path, err)
	}
	return fmt.Errorf("opening the FIFO %s: %w", path, err)
}
