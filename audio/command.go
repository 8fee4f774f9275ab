package audio

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"guided/routines"
)

const (
	speakWithin = 20 * time.Second
	speakBytes  = 20 << 20
)

// Command is a voice that is an external program: text on its standard input, WAV on its standard output. Every
// answer is kept in a cache, and none is believed before it was decoded.
type Command struct {
	args   []string
	cache  *Cache
	within time.Duration // for one text; 0 is speakWithin

	mu       sync.Mutex
	speaking map[string]chan struct{} // by key; closed when that text is spoken
}

// NewCommand is a voice that runs args, such as espeak-ng or piper.
func NewCommand(args []string, cache *Cache) *Command {
	return &Command{args: args, cache: cache, speaking: map[string]chan struct{}{}}
}

// ESpeak is the arguments of espeak-ng, at a calm pace.
func ESpeak(lang string) []string {
	return []string{"espeak-ng", "-v", lang, "-s", "135", "--stdin", "--stdout"}
}

func (c *Command) key(text string) string {
	return cacheKey(append(append([]string{}, c.args...), text)...)
}

// Measure answers from the cache.
func (c *Command) Measure(text string) (routines.Extent, bool) { return c.cache.Extent(c.key(text)) }

// Speak answers from the cache, or runs the program; whoever asks for a text that is being spoken waits for it.
func (c *Command) Speak(ctx context.Context, text string) (Recording, error) {
	key := c.key(text)
	done, err := c.turn(ctx, key)
	if err != nil {
		return Recording{}, err
	}
	defer done()
	if r, has := c.cache.Get(key); has {
		return r, nil
	}
	wav, err := c.run(ctx, text)
	if err != nil {
		return Recording{}, fmt.Errorf("%s could not speak %q: %w", c.args[0], text, err)
	}
	r, err := importSpeech(wav)
	if err != nil {
		return Recording{}, fmt.Errorf("%s spoke %q as something else than speech: %w", c.args[0], text, err)
	}
	c.cache.Put(key, r)
	return r, nil
}

// turn waits until nobody else speaks the text; done ends the caller's turn.
func (c *Command) turn(ctx context.Context, key string) (done func(), err error) {
	for {
		c.mu.Lock()
		before, busy := c.speaking[key]
		if !busy {
			mine := make(chan struct{})
			c.speaking[key] = mine
			c.mu.Unlock()
			return func() {
				c.mu.Lock()
				delete(c.speaking, key)
				c.mu.Unlock()
				close(mine)
			}, nil
		}
		c.mu.Unlock()
		select {
		case <-before:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (c *Command) run(asked context.Context, text string) ([]byte, error) {
	within := cmp.Or(c.within, speakWithin)
	ctx, cancel := context.WithTimeout(asked, within)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // what a script started ends with it
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second // what it left running may hold the pipes open
	cmd.Stdin = strings.NewReader(text + "\n")
	out, complaint := &limited{left: speakBytes, stop: cancel}, &limited{left: 4096}
	cmd.Stdout, cmd.Stderr = out, complaint
	err := cmd.Run()
	switch {
	case asked.Err() != nil:
		return nil, asked.Err()
	case out.left < 0:
		return nil, fmt.Errorf("it wrote more than %d MiB", speakBytes>>20)
	case ctx.Err() != nil:
		return nil, fmt.Errorf("it took longer than %v", within)
	case errors.Is(err, exec.ErrNotFound):
		return nil, errors.New(`it is not installed; install it, or set engine = "none" in [voice]`)
	case errors.Is(err, exec.ErrWaitDelay): // it ended well
		return out.held.Bytes(), nil
	case err != nil && complaint.held.Len() > 0:
		return nil, fmt.Errorf("%w: %s", err, lastLine(complaint.held.Bytes()))
	case err != nil:
		return nil, err
	}
	return out.held.Bytes(), nil
}

// limited is a buffer that calls stop when more is written than it may hold, and drops the rest. It does not embed its
// bytes.Buffer, whose ReadFrom would take all there is.
type limited struct {
	held bytes.Buffer
	left int
	stop context.CancelFunc
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left >= 0 {
		return l.held.Write(p)
	}
	if l.stop != nil {
		l.stop()
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

func lastLine(b []byte) string {
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
