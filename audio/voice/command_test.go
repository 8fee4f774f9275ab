package voice

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"guided/audio"
	"guided/audio/audiotest"
)

// TestHelperProcess is not a test: the tests run it as a speech program. The arguments after -- select its behaviour.
func TestHelperProcess(t *testing.T) {
	if flag.Arg(0) != "speak" {
		return
	}
	text, _ := io.ReadAll(os.Stdin)
	sound := audiotest.WAVFile(22050, audiotest.To44100(audiotest.Word(-20)))
	switch flag.Arg(1) {
	case "zero", "pipe", "espeak":
		size := map[string]byte{"zero": 0, "pipe": 0xFF, "espeak": 0x7F}[flag.Arg(1)]
		copy(sound[40:], []byte{size, size, size, size})
		if flag.Arg(1) == "espeak" {
			copy(sound[40:], []byte{0, 0xF0, 0xFF, 0x7F})
		}
		os.Stdout.Write(sound)
	case "good":
		appendLine(flag.Arg(2), string(text))
		os.Stdout.Write(sound)
	case "garbage":
		os.Stdout.WriteString("I would rather not.\n")
	case "silent":
		os.Stdout.Write(audiotest.WAVFile(22050, make([]float64, 9000)))
	case "nothing":
	case "fail":
		fmt.Fprintln(os.Stderr, "loading\nno model named amy")
		os.Exit(1)
	case "quietly":
		os.Exit(3)
	case "hang":
		appendLine(flag.Arg(2), fmt.Sprint(os.Getpid()))
		signal.Ignore(syscall.SIGTERM, syscall.SIGHUP)
		time.Sleep(time.Minute)
	case "lives on": // it has said everything and does not exit
		appendLine(flag.Arg(2), fmt.Sprint(os.Getpid()))
		os.Stdout.Write(sound)
		os.Stdout.Close()
		time.Sleep(time.Minute)
	case "trickles":
		for {
			if _, err := os.Stdout.Write(sound[:1]); err != nil {
				os.Exit(0)
			}
			time.Sleep(10 * time.Millisecond)
		}
	case "endless":
		for {
			if _, err := os.Stdout.Write(sound); err != nil {
				os.Exit(0)
			}
		}
	case "child": // exits while a child of its own holds its output open
		child := exec.Command("sleep", "60")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if err := child.Start(); err != nil {
			os.Exit(1)
		}
		appendLine(flag.Arg(2), fmt.Sprint(child.Process.Pid))
		os.Stdout.Write(sound)
	case "hanging child":
		child := exec.Command("sleep", "60")
		child.Stdout = os.Stdout
		if err := child.Start(); err != nil {
			os.Exit(1)
		}
		appendLine(flag.Arg(2), fmt.Sprint(child.Process.Pid))
		_ = child.Wait()
	}
	os.Exit(0)
}

func appendLine(file, line string) {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		fmt.Fprintln(f, strings.TrimSpace(line))
		f.Close()
	}
}

// helperArgs returns the command line that runs TestHelperProcess.
func helperArgs(behaviour ...string) []string {
	return append([]string{os.Args[0], "-test.run=^TestHelperProcess$", "--", "speak"}, behaviour...)
}

func newCommandVoice(t *testing.T, within time.Duration, args ...string) *SynthesizedVoice {
	t.Helper()
	t.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector would delay every exit by a second
	c := NewCommand(args)
	c.timeout = within
	return NewSynthesizedVoice(c, NewCache(filepath.Join(t.TempDir(), "speech"), audiotest.Logger(t)))
}

func TestCommandSpeak(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	for _, kind := range []string{"good", "zero", "pipe", "espeak"} {
		t.Run(kind, func(t *testing.T) {
			c := newCommandVoice(t, 0, helperArgs(kind, log)...)
			if _, has := c.Measure("Hold."); has {
				t.Error("measured before it was synthesized")
			}
			r, err := c.Speak(context.Background(), "Hold.")
			if err != nil {
				t.Fatal(err)
			}
			if ms := len(r.PCM) * 1000 / audio.Rate; ms < 330 || ms > 860 {
				t.Errorf("lasts %d ms", ms)
			}
			if e, has := c.Measure("Hold."); !has || e != r.Extent() {
				t.Errorf("measured %+v, is %+v", e, r.Extent())
			}
			again, err := c.Speak(context.Background(), "Hold.")
			if err != nil || !slices.Equal(again.PCM, r.PCM) || again.Beat != r.Beat {
				t.Errorf("the cached recording differs: %v", err)
			}
		})
	}
	if got := audiotest.ReadFile(t, log); string(got) != "Hold.\n" {
		t.Errorf("was asked for %q, want Hold. once", got)
	}
}

func TestCommandSpeakErrors(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"not installed":   {[]string{"no-such-speech-program"}, "not installed"},
		"garbage":         {helperArgs("garbage"), "neither WAV"},
		"silent":          {helperArgs("silent"), "silent"},
		"says nothing":    {helperArgs("nothing"), "empty"},
		"fails":           {helperArgs("fail"), "exit status 1: no model named amy"},
		"fails quietly":   {helperArgs("quietly"), "exit status 3"},
		"hangs":           {helperArgs("hang"), "longer than 300ms"},
		"never ends":      {helperArgs("endless"), "more than 20 MiB"},
		"trickles":        {helperArgs("trickles"), "longer than 300ms"},
		"its child hangs": {helperArgs("hanging child", pids), "longer than 3s"},
	} {
		t.Run(name, func(t *testing.T) {
			within := time.Duration(0)
			if limit, has := strings.CutPrefix(c.want, "longer than "); has {
				within, _ = time.ParseDuration(limit)
			}
			v := newCommandVoice(t, within, c.args...)
			_, err := v.Speak(context.Background(), "Hold, softly")
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `"Hold, softly"`) {
				t.Errorf("says %v, want %q", err, c.want)
			}
			if _, has := v.Measure("Hold, softly"); has {
				t.Error("a failed text is cached")
			}
		})
	}
	t.Run("nothing is left running", func(t *testing.T) {
		for _, pid := range strings.Fields(string(audiotest.ReadFile(t, pids))) {
			audiotest.Eventually(t, "the end of "+pid, func() bool { return !isRunning(pid) })
		}
	})
}

func isRunning(pid string) bool {
	state, err := os.ReadFile("/proc/" + pid + "/stat")
	return err == nil && !strings.Contains(string(state), ") Z ")
}

// A program that exits with status 0 while a child holds its output open has spoken.
func TestCommandSpeakWithChildHoldingThePipe(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	r, err := newCommandVoice(t, 0, helperArgs("child", pids)...).Speak(context.Background(), "Hold.")
	if err != nil || len(r.PCM) == 0 {
		t.Errorf("%d samples: %v", len(r.PCM), err)
	}
	for _, pid := range strings.Fields(string(audiotest.ReadFile(t, pids))) {
		audiotest.Eventually(t, "the end of its child "+pid, func() bool { return !isRunning(pid) })
	}
}

// A program that closes its output has spoken, whether it exits or not. It is killed and leaves no zombie.
func TestCommandSpeakEndsAtTheEndOfTheOutput(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	r, err := newCommandVoice(t, 0, helperArgs("lives on", pids)...).Speak(t.Context(), "Hold.")
	if err != nil || len(r.PCM) == 0 {
		t.Errorf("%d samples: %v", len(r.PCM), err)
	}
	if _, err := os.Stat("/proc/" + strings.TrimSpace(string(audiotest.ReadFile(t, pids)))); err == nil {
		t.Error("it is still there")
	}
}

// An engine that hangs costs one time-out, however many texts wait for it, and is not asked again for a while.
func TestCommandThatHangsCostsOneTimeout(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	v := newCommandVoice(t, 3*time.Second, helperArgs("hang", pids)...)
	begun := time.Now()
	var all sync.WaitGroup
	slots := make(chan struct{}, 2)
	for i := range 12 {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if _, err := v.Speak(t.Context(), fmt.Sprint("text ", i)); err == nil || !strings.Contains(err.Error(), "longer than 3s") {
				t.Errorf("text %d: %v", i, err)
			}
		})
	}
	all.Wait()
	if took := time.Since(begun); took > 10*time.Second { // two at a time they would take 18 s
		t.Errorf("12 texts took %v", took)
	}
	asked := strings.Fields(string(audiotest.ReadFile(t, pids)))
	if len(asked) > 2 {
		t.Errorf("it was run %d times", len(asked))
	}
	for _, pid := range asked {
		if _, err := os.Stat("/proc/" + pid); err == nil {
			t.Errorf("%s is still there", pid)
		}
	}
}

func TestCommandSpeakCancelled(t *testing.T) {
	v := newCommandVoice(t, 0, helperArgs("hang")...)
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 2)
	for range 2 { // one runs the program, the other waits for the first
		go func() {
			_, err := v.Speak(ctx, "Hold.")
			result <- err
		}()
	}
	cancel()
	for range 2 {
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
}

func TestCommandIsAskedOnceForConcurrentCalls(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	v := newCommandVoice(t, 0, helperArgs("good", log)...)
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			text := []string{"one", "two", "three"}[i%3]
			r, err := v.Speak(context.Background(), text)
			if err != nil || len(r.PCM) == 0 {
				t.Errorf("%q: %d samples: %v", text, len(r.PCM), err)
			}
		})
	}
	all.Wait()
	asked := strings.Fields(string(audiotest.ReadFile(t, log)))
	slices.Sort(asked)
	if !slices.Equal(asked, []string{"one", "three", "two"}) {
		t.Errorf("was asked for %v", asked)
	}
	if len(v.locks) != 0 {
		t.Errorf("%d texts are still locked", len(v.locks))
	}
}

func TestCommandSpeakWithESpeak(t *testing.T) {
	audiotest.RequireProgram(t, "espeak-ng")
	v := newCommandVoice(t, 0, ESpeakArgs("en")...)
	for _, text := range []string{"Sit tall.", "–f --help", "ten"} {
		r, err := v.Speak(context.Background(), text)
		if err != nil {
			t.Fatal(err)
		}
		if loud := audio.Loudness(audiotest.Floats(r.PCM)); loud > audio.PhraseLUFS+1 || loud < audio.PhraseLUFS-6 {
			t.Errorf("%q: %.1f LUFS", text, loud)
		}
	}
	other := NewSynthesizedVoice(NewCommand(ESpeakArgs("de")), v.cache)
	if _, has := other.Measure("ten"); has {
		t.Error("another language has the same recording")
	}
}
