package voice

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	commandTimeout = 20 * time.Second
	maxSpeechBytes = 20 << 20
)

// Command is an engine that is an external program: text on its standard input, WAV on its standard output.
type Command struct {
	args    []string
	timeout time.Duration // for one text; 0 is speakWithin
}

// NewCommand is an engine that runs args, such as espeak-ng or piper.
func NewCommand(args []string) *Command { return &Command{args: args} }

// ESpeak is the arguments of espeak-ng, at a calm pace.
func ESpeak(lang string) []string {
	return []string{"espeak-ng", "-v", lang, "-s", "135", "--stdin", "--stdout"}
}

// Name is the program and its arguments.
func (c *Command) Name() []string { return c.args }

// Synthesize runs the program, with the recipe's arguments after its own.
func (c *Command) Synthesize(asked context.Context, r Recipe) ([]byte, error) {
	within := cmp.Or(c.timeout, commandTimeout)
	ctx, cancel := context.WithTimeout(asked, within)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.args[0], slices.Concat(c.args[1:], r.Args)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // what a script started ends with it
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second // what it left running may hold the pipes open
	cmd.Stdin = strings.NewReader(r.input() + "\n")
	out, complaint := &limitedBuffer{remaining: maxSpeechBytes, overflow: cancel}, &limitedBuffer{remaining: 4096}
	cmd.Stdout, cmd.Stderr = out, complaint
	err := cmd.Run()
	switch {
	case asked.Err() != nil:
		return nil, asked.Err()
	case out.remaining < 0:
		return nil, fmt.Errorf("it wrote more than %d MiB", maxSpeechBytes>>20)
	case ctx.Err() != nil:
		return nil, fmt.Errorf("it took longer than %v", within)
	case errors.Is(err, exec.ErrNotFound):
		return nil, errors.New(`it is not installed; install it, or set engine = "none" in [voice]`)
	case errors.Is(err, exec.ErrWaitDelay): // it ended well
		return out.buf.Bytes(), nil
	case err != nil && complaint.buf.Len() > 0:
		return nil, fmt.Errorf("%w: %s", err, lastLine(complaint.buf.Bytes()))
	case err != nil:
		return nil, err
	}
	return out.buf.Bytes(), nil
}

// limitedBuffer is a buffer that calls stop when more is written than it may hold, and drops the rest. It does not embed its
// bytes.Buffer, whose ReadFrom would take all there is.
type limitedBuffer struct {
	buf       bytes.Buffer
	remaining int
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
