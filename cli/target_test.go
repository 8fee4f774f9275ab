package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// isolate gives a test its own home folder, and makes an empty folder the working one.
func isolate(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"} {
		t.Setenv(name, dir)
	}
	t.Chdir(t.TempDir())
}

func writeText(t *testing.T, file, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// The lengths of routines to render: one that is done at once, and one that takes minutes.
const (
	second = "title = \"A second\"\n[[step]]\nhold = \"1s\"\n"
	hours  = "title = \"Hours\"\n[[step]]\nhold = \"1h\"\n[[step]]\nhold = \"1h\"\n[[step]]\nhold = \"1h\"\n"
)

func TestRenderRefusesTargets(t *testing.T) {
	isolate(t)
	writeText(t, "second.toml", second, 0o644)
	writeText(t, "kept.wav", "kept", 0o444)
	if err := os.Mkdir("folder", 0o755); err != nil {
		t.Fatal(err)
	}
	for target, says := range map[string]string{
		"a.flac": "name it a.wav", "a.MP3": "name it a.wav", "b.c.opus": "name it b.c.wav", "a.ogg": "ffmpeg",
		"folder": "is a folder", "folder/": "is a folder", "kept.wav": "may not be written to", "none/a.wav": "no such file", "kept.wav/a.wav": "not a directory",
		"/dev/full": "no space left",
	} {
		t.Run(target, func(t *testing.T) {
			var stderr bytes.Buffer
			if code := Run(context.Background(), []string{"render", "second.toml", "-o", target}, &stderr, &stderr); code != Failed || !strings.Contains(stderr.String(), says) {
				t.Errorf("exit %d: %s, want it to say %s", code, &stderr, says)
			}
		})
	}
	if text, err := os.ReadFile("kept.wav"); err != nil || string(text) != "kept" {
		t.Errorf("%q, %v", text, err)
	}
	wantFiles(t, "folder", "kept.wav", "second.toml")
}

// wantFiles fails the test when the working folder has other entries; hidden ones count.
func wantFiles(t *testing.T, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if strings.Join(names, " ") != strings.Join(want, " ") {
		t.Errorf("the folder has %v, want %v", names, want)
	}
}

func TestRenderInto(t *testing.T) {
	isolate(t)
	writeText(t, "second.toml", second, 0o644)
	render := func(t *testing.T, target string) []byte {
		t.Helper()
		var stdout, stderr bytes.Buffer
		if code := Run(context.Background(), []string{"render", "second.toml", "-o", target}, &stdout, &stderr); code != Done {
			t.Fatalf("exit %d: %s", code, &stderr)
		}
		return stdout.Bytes()
	}
	want := render(t, "-")
	if len(want) < 48000*4 {
		t.Fatalf("%d bytes", len(want))
	}
	same := func(t *testing.T, file string) {
		t.Helper()
		if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes, want %d: %v", len(got), len(want), err)
		}
	}
	t.Run("standard output by its other names", func(t *testing.T) {
		if !bytes.Equal(render(t, "/dev/stdout"), want) {
			t.Error("another sound")
		}
	})
	t.Run("a file, and once more", func(t *testing.T) {
		render(t, "a.wav")
		render(t, "a.wav")
		same(t, "a.wav")
	})
	t.Run("a name without an ending", func(t *testing.T) { render(t, "yoga v1.2"); same(t, "yoga v1.2") })
	t.Run("what a link leads to", func(t *testing.T) {
		if err := os.Symlink("b.wav", "link.wav"); err != nil {
			t.Fatal(err)
		}
		for range 2 { // b.wav does not exist, and then it does
			render(t, "link.wav")
			same(t, "b.wav")
		}
		if target, err := os.Readlink("link.wav"); err != nil || target != "b.wav" {
			t.Errorf("the link has become %q, %v", target, err)
		}
	})
	t.Run("a FIFO, whose reader comes later", func(t *testing.T) {
		if err := syscall.Mkfifo("fifo", 0o600); err != nil {
			t.Fatal(err)
		}
		read := make(chan []byte)
		go func() {
			<-time.After(2 * readerWait)
			data, _ := os.ReadFile("fifo") // what is missing is reported below
			read <- data
		}()
		render(t, "fifo")
		if got := <-read; !bytes.Equal(got, want) {
			t.Errorf("%d bytes, want %d", len(got), len(want))
		}
	})
}

// A file of which the disk takes parts while it is written is whole.
func TestWriteALargeFile(t *testing.T) {
	isolate(t)
	target, err := newTarget("large", io.Discard, false)
	if err != nil {
		t.Fatal(err)
	}
	want := bytes.Repeat([]byte("0123456789abcde"), 3*earlyBytes/15)
	err = target.write(t.Context(), func(w io.Writer) error {
		for part := range slices.Chunk(want, earlyBytes/3) {
			if n, err := w.Write(part); n != len(part) || err != nil {
				return fmt.Errorf("wrote %d of %d bytes: %w", n, len(part), err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile("large"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, want %d, or others: %v", len(got), len(want), err)
	}
	wantFiles(t, "large")
}

func TestRenderInterrupted(t *testing.T) {
	isolate(t)
	writeText(t, "hours.toml", hours, 0o644)
	writeText(t, "kept.wav", "kept", 0o644)
	for _, name := range []string{"fifo", "read"} {
		if err := syscall.Mkfifo(name, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	reader, err := os.OpenFile("read", os.O_RDWR, 0) // opened, and never read
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for name, tt := range map[string]struct{ target, says string }{
		"into a file that exists":       {"kept.wav", "kept.wav is as it was"},
		"into a new file":               {"new.wav", "new.wav is as it was"},
		"into a FIFO that nobody reads": {"fifo", "not whole"},
		"into one that is full":         {"read", "not whole"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			var stderr bytes.Buffer
			ended := make(chan int, 1)
			go func() { ended <- Run(ctx, []string{"render", "hours.toml", "-o", tt.target}, &stderr, &stderr) }()
			for begun := time.Now(); tt.target[0] != 'f' && tt.target[0] != 'r'; { // until the hidden file is there
				if hidden, _ := filepath.Glob(".*"); len(hidden) > 0 {
					break
				}
				if time.Since(begun) > time.Minute {
					t.Fatal("nothing is written")
				}
				<-time.After(time.Millisecond)
			}
			cancel()
			select {
			case code := <-ended:
				if code != Failed || !strings.Contains(stderr.String(), tt.says) && !strings.Contains(stderr.String(), "interrupted") {
					t.Errorf("exit %d: %s", code, &stderr)
				}
			case <-time.After(endLimit):
				t.Fatal("it does not end")
			}
			wantFiles(t, "fifo", "hours.toml", "kept.wav", "read")
		})
	}
	if text, err := os.ReadFile("kept.wav"); err != nil || string(text) != "kept" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestWriteTextInto(t *testing.T) {
	isolate(t)
	var want, stdout, stderr bytes.Buffer
	if code := Run(context.Background(), []string{"ha", "sentences"}, &want, &stderr); code != Done {
		t.Fatal(stderr.String())
	}
	if err := errors.Join(os.Symlink("real.yaml", "link.yaml"), syscall.Mkfifo("fifo", 0o600)); err != nil {
		t.Fatal(err)
	}
	read := make(chan []byte)
	go func() {
		data, _ := os.ReadFile("fifo") // what is missing is reported below
		read <- data
	}()
	for _, target := range []string{"new/a.yaml", "link.yaml", "fifo", "/dev/stdout"} {
		if code := Run(context.Background(), []string{"ha", "sentences", "-o", target}, &stdout, &stderr); code != Done {
			t.Errorf("%s: %s", target, &stderr)
		}
	}
	a, errA := os.ReadFile("new/a.yaml")
	real, errReal := os.ReadFile("real.yaml")
	for _, got := range [][]byte{a, real, <-read, stdout.Bytes()} {
		if !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%d bytes, want %d: %v, %v", len(got), want.Len(), errA, errReal)
		}
	}
	wantFiles(t, "fifo", "link.yaml", "new", "real.yaml")
}
