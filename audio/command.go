package audio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
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
	args  []string
	cache *Cache
}

// NewCommand is a voice that runs args, such as espeak-ng or piper.
func NewCommand(args []string, cache *Cache) *Command {
	return &Command{args, cache}
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

// Speak answers from the cache, or runs the program.
func (c *Command) Speak(ctx context.Context, text string) (Recording, error) {
	key := c.key(text)
	if r, has := c.cache.Get(key); has {
		return r, nil
	}
	wav, err := c.run(ctx, text)
	if err != nil {
		return Recording{}, fmt.Errorf("%s could not speak %q: %w", c.args[0], text, err)
	}
	r, err := importSpeech(wav)
	if err != nil {
		return Recording{}, fmt.Errorf("%s spoke %q as something else than sound: %w", c.args[0], text, err)
	}
	c.cache.Put(key, r)
	return r, nil
}

func (c *Command) run(ctx context.Context, text string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, speakWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.WaitDelay = time.Second // a grandchild may hold the pipes open
	cmd.Stdin = strings.NewReader(text + "\n")
	out, complaint := &limited{left: speakBytes, stop: cancel}, &limited{left: 4096}
	cmd.Stdout, cmd.Stderr = out, complaint
	err := cmd.Run()
	switch {
	case out.left < 0:
		return nil, fmt.Errorf("it wrote more than %d MiB", speakBytes>>20)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("it took longer than %v", speakWithin)
	case errors.Is(err, exec.ErrNotFound):
		return nil, errors.New(`it is not installed; install it, or set engine = "none" in [voice]`)
	case err != nil:
		return nil, fmt.Errorf("%w: %s", err, lastLine(complaint.Bytes()))
	}
	return out.Bytes(), nil
}

// limited is a buffer that calls stop when more is written than it may hold, and drops the rest.
type limited struct {
	bytes.Buffer
	left int
	stop context.CancelFunc
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left >= 0 {
		return l.Buffer.Write(p)
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
