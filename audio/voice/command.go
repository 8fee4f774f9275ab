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

// Synthesize runs the program, with the recipe's arguments after its own. The program and everything it started in its
// process group is killed at the timeout, when parent ends and when its answer exceeds maxSpeechBytes.
func (c *Command) Synthesize(parent context.Context, r Recipe) ([]byte, error) {
	timeout := cmp.Or(c.timeout, commandTimeout)
	ctx, cancel := context.WithTimeout(parent, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.args[0], slices.Concat(c.args[1:], r.Args)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a group of its own, so that what a script started is killed with it
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second // a process that it left running may hold the pipes open
	cmd.Stdin = strings.NewReader(r.input() + "\n")
	stdout, stderr := &limitedBuffer{remaining: maxSpeechBytes, overflow: cancel}, &limitedBuffer{remaining: 4096}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	err := cmd.Run()
	switch {
	case parent.Err() != nil:
		return nil, parent.Err()
	case stdout.remaining < 0:
		return nil, fmt.Errorf("it wrote more than %d MiB", maxSpeechBytes>>20)
	case ctx.Err() != nil:
		return nil, fmt.Errorf("it took longer than %v", timeout)
	case errors.Is(err, exec.ErrNotFound):
		return nil, errors.New(`it is not installed; install it, or set engine = "none" in [voice]`)
	case errors.Is(err, exec.ErrWaitDelay): // the program itself exited with status 0
		return stdout.buf.Bytes(), nil
	case err != nil && stderr.buf.Len() > 0:
		return nil, fmt.Errorf("%w: %s", err, lastLine(stderr.buf.Bytes()))
	case err != nil:
		return nil, err
	}
	return stdout.buf.Bytes(), nil
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
