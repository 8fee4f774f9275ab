package voice

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// What a program may take for one text, in time and in bytes of its answer.
const (
	commandTimeout = 20 * time.Second
	maxSpeechBytes = 20 << 20
)

// Command is an engine that runs an external program for each text: the text on its standard input, a WAV file on its
// standard output.
type Command struct {
	args    []string
	timeout time.Duration // for one text; 0 means commandTimeout
}

// NewCommand returns an engine that runs args, a program such as espeak-ng or piper and its arguments.
func NewCommand(args []string) *Command { return &Command{args: args} }

// ESpeakArgs returns the command line of espeak-ng for a language, at a calm pace of 135 words a minute.
func ESpeakArgs(lang string) []string {
	return []string{"espeak-ng", "-v", lang, "-s", "135", "--stdin", "--stdout"}
}

// Identity returns the program and its arguments.
func (c *Command) Identity() []string { return c.args }

// exitDelay is how long a program may run on after it closed its output, and what it started may write on after it
// exited.
const exitDelay = time.Second

// Synthesize runs the program, with the recipe's arguments after its own. The program and everything in its process group
// is killed when it has answered, at the timeout, when parent ends and when its answer exceeds maxSpeechBytes. The error
// of a program that does not end in time is an unavailableError.
func (c *Command) Synthesize(parent context.Context, r Recipe) ([]byte, error) {
	timeout := cmp.Or(c.timeout, commandTimeout)
	ctx, cancel := context.WithTimeout(parent, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.args[0], slices.Concat(c.args[1:], r.Args)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a group of its own, so that what a script started is killed with it
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = exitDelay // a process that left the group may hold the pipes open
	cmd.Stdin = strings.NewReader(r.input() + "\n")
	stdout, stderr := &limitedBuffer{remaining: maxSpeechBytes, overflow: cancel}, &limitedBuffer{remaining: 4096}
	cmd.Stderr = stderr
	lived, err := runGroup(ctx, cmd, stdout)
	switch {
	case parent.Err() != nil:
		return nil, parent.Err()
	case stdout.remaining < 0:
		return nil, fmt.Errorf("it wrote more than %d MiB", maxSpeechBytes>>20)
	case ctx.Err() != nil:
		return nil, unavailableError{fmt.Errorf("it took longer than %v", timeout)}
	case errors.Is(err, exec.ErrNotFound):
		return nil, errors.New(`it is not installed; install it, or set engine = "none" in [voice]`)
	case errors.Is(err, exec.ErrWaitDelay), lived: // it has said everything
		return stdout.buf.Bytes(), nil
	case err != nil && stderr.buf.Len() > 0:
		return nil, fmt.Errorf("%w: %s", err, lastLine(stderr.buf.Bytes()))
	case err != nil:
		return nil, err
	}
	return stdout.buf.Bytes(), nil
}

// runGroup runs a program in a process group of its own and copies what the group writes to stdout, until all of it has
// closed its output, until exitDelay after the program exited, or until ctx ends. Then it kills what is left of the group.
// lived reports that the program had closed its output and ran on.
func runGroup(ctx context.Context, cmd *exec.Cmd, stdout io.Writer) (lived bool, err error) {
	out, in, err := os.Pipe()
	if err != nil {
		return false, err
	}
	defer out.Close()
	cmd.Stdout = in
	err = cmd.Start()
	in.Close()
	if err != nil {
		return false, err
	}
	pid := cmd.Process.Pid
	exited := make(chan struct{})
	go func() { // it ends with the program, which is killed below
		awaitExit(pid)
		close(exited)
	}()
	closed := make(chan struct{})
	go func() { // it ends at the deadline set below
		defer close(closed)
		_, _ = io.Copy(stdout, out) // the program's status tells of its errors
	}()
	select {
	case <-closed:
		select {
		case <-exited:
		case <-time.After(exitDelay):
			lived = true
		case <-ctx.Done():
		}
	case <-exited:
		_ = out.SetReadDeadline(time.Now().Add(exitDelay)) // a pipe has deadlines
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		_ = out.SetReadDeadline(time.Now())
	}
	if !lived && ctx.Err() == nil {
		<-closed
	}
	// The program is not reaped yet, so that the number of the group is still its own.
	_ = syscall.Kill(-pid, syscall.SIGKILL)
	_ = out.SetReadDeadline(time.Now())
	<-closed
	<-exited
	err = cmd.Wait()
	reapGroup(pid)
	return lived, err
}

// awaitExit waits until a child has exited, and leaves it to be reaped.
func awaitExit(pid int) {
	for unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
}

// reapGroup reaps what was killed of a process group and became a child of this process: it does where this process is the
// first of a container.
func reapGroup(group int) {
	for {
		if n, err := syscall.Wait4(-group, nil, syscall.WNOHANG, nil); err != nil || n <= 0 {
			return
		}
	}
}

// limitedBuffer stores up to remaining bytes and drops the write that exceeds them. Where overflow is set it is called
// then, and the write fails. The bytes.Buffer is not embedded because io.Copy would use its ReadFrom, which has no limit.
type limitedBuffer struct {
	buf       bytes.Buffer
	remaining int // bytes; negative once a write exceeded it
	overflow  context.CancelFunc
}

func (l *limitedBuffer) Write(p []byte) (int, error) {
	if l.remaining -= len(p); l.remaining >= 0 {
		return l.buf.Write(p)
	}
	if l.overflow != nil {
		l.overflow()
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

func lastLine(b []byte) string {
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
