package cli

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// endLimit is how long a command may take to end after a signal: less than the 5 s that a person waits, and the 10 s after
// which systemd kills it.
const endLimit = 4 * time.Second

// Main is the whole program: it runs one command line until it ends or a signal comes, and returns its exit code. An
// interrupt, SIGTERM and SIGHUP (but under nohup) end the command in good order; a daemon that no terminal belongs to reads its
// settings again at SIGHUP. A second signal ends the process at once,
// and so does endLimit: a program, a device or a server that hangs must not keep it.
func Main(args []string, stdout, stderr io.Writer) int {
	log.SetOutput(io.Discard) // mewkiz/flac prints a line for each frame of some rates; guided has a logger of its own
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	var hangup chan os.Signal
	switch {
	case signal.Ignored(syscall.SIGHUP):
	case isTerminal(os.Stdin): // it was closed
		signals = append(signals, syscall.SIGHUP)
	default:
		hangup = make(chan os.Signal, 1)
		signal.Notify(hangup, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	ctx, end := context.WithCancel(ctx)
	defer end()
	done := make(chan int, 1)
	go func() { done <- run(ctx, args, stdout, stderr, hangup, end) }()
	select {
	case code := <-done:
		return code
	case <-ctx.Done():
	}
	select {
	case code := <-done:
		return code
	case <-time.After(endLimit):
		fmt.Fprintf(stderr, "guided: something does not end within %v of the signal, and is left behind\n", endLimit)
		return Failed
	}
}
