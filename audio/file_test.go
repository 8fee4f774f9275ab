package audio

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"guided/audio/audiotest"
)

// specialFiles returns a folder of what is no sound file, by the part of the error that each gives.
func specialFiles(t *testing.T) (dir string, want map[string]string) {
	t.Helper()
	dir = t.TempDir()
	for _, err := range []error{
		syscall.Mkfifo(filepath.Join(dir, "pipe.wav"), 0o644),
		os.Symlink("/dev/zero", filepath.Join(dir, "zero.wav")),
		os.Symlink("/dev/tty", filepath.Join(dir, "terminal.wav")),
		os.Symlink("loop.wav", filepath.Join(dir, "loop.wav")),
		os.Symlink("pipe.wav", filepath.Join(dir, "link.wav")),
		os.Mkdir(filepath.Join(dir, "folder.wav"), 0o755),
		os.WriteFile(filepath.Join(dir, "large.wav"), nil, 0o644),
		os.Truncate(filepath.Join(dir, "large.wav"), 1200<<20), // sparse
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir, map[string]string{
		"pipe.wav": "a pipe", "link.wav": "a pipe", "zero.wav": "a device", "terminal.wav": "a device", "folder.wav": "a folder",
		"loop.wav": "symbolic links", "large.wav": "larger than 128 MiB", "gone.wav": "not exist",
	}
}

func TestFilesOpensRegularFilesOnly(t *testing.T) {
	audiotest.NoLeaks(t)
	dir, want := specialFiles(t)
	files := NewFiles(InFolders(os.DirFS(dir)))
	for name, reason := range want {
		begun := time.Now()
		_, err := files.Open(t.Context(), name, MaxFileBytes)
		if err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %v, want %q", name, err, reason)
		}
		if took := time.Since(begun); took > FileTimeout/2 {
			t.Errorf("%s took %v", name, took)
		}
	}
}

// What is written behind the end after the opening is not read, and what is taken away is no sound.
func TestFilesReadsTheFileAsItWasOpened(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.wav")
	data := audiotest.WAVFile(8000, audiotest.WhiteNoise(80_000, 0.5))
	decode := func(change func()) (int, error) {
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
		file, err := NewFiles(InFolders(os.DirFS(filepath.Dir(name)))).Open(t.Context(), "a.wav", MaxFileBytes)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		d, err := NewDecoder(file, file.Size)
		if err != nil {
			t.Fatal(err)
		}
		change()
		n := 0
		for {
			block, err := d.Next()
			if err != nil {
				return n, err
			}
			n += len(block)
		}
	}
	if n, err := decode(func() { os.WriteFile(name, append(data, data...), 0o644) }); n != 80_000 || err != io.EOF {
		t.Errorf("of a file that grows: %d samples, %v", n, err)
	}
	if n, err := decode(func() { os.Truncate(name, 1000) }); n >= 80_000 {
		t.Errorf("of a file that shrinks: %d samples, %v", n, err)
	}
}

// A file that is watched is not read once it is another.
func TestFilesWatchesAFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.wav")
	for change, do := range map[string]func() error{
		"nothing":                   func() error { return nil },
		"other bytes":               func() error { return os.WriteFile(name, []byte("other"), 0o644) },
		"another time":              func() error { return os.Chtimes(name, time.Time{}, time.Unix(1, 1)) },
		"an end":                    func() error { return os.Truncate(name, 3) },
		"another file in its place": func() error { return errors.Join(os.Remove(name), os.WriteFile(name, []byte("other"), 0o644)) },
	} {
		if err := errors.Join(os.WriteFile(name, []byte("sound"), 0o644), os.Chtimes(name, time.Time{}, time.Unix(1, 0))); err != nil {
			t.Fatal(err)
		}
		file, err := NewFiles(InFolders(os.DirFS(filepath.Dir(name)))).Open(t.Context(), "a.wav", MaxFileBytes)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		file.Watch()
		if err := do(); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 5)
		_, err = file.ReadAt(b, 0)
		same := change == "nothing" || change == "another file in its place" // the old one is still there
		if same && string(b) != "sound" || !same && (err == nil || err == io.EOF || !strings.Contains(err.Error(), "changed")) {
			t.Errorf("after %s: %q, %v", change, b, err)
		}
	}
}

// An operation that never returns is abandoned at the time-out or with its context, and only a few are.
func TestFilesAbandonsWhatHangs(t *testing.T) {
	audiotest.NoLeaks(t)
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	tries := make(chan struct{}, 100)
	files := NewFiles(func(context.Context, string) (fs.File, error) {
		tries <- struct{}{}
		return os.Open(pipe) // it waits for a writer
	})
	files.timeout = 100 * time.Millisecond
	for range 10 {
		if _, err := files.Open(t.Context(), "a.wav", MaxFileBytes); err == nil || !strings.Contains(err.Error(), "answer") {
			t.Errorf("got %v", err)
		}
	}
	if n := len(tries); n != maxStuck {
		t.Errorf("%d operations hang", n)
	}
	writer, err := os.OpenFile(pipe, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	audiotest.Eventually(t, "the end of what hung", func() bool {
		files.mu.Lock()
		defer files.mu.Unlock()
		return files.stuck == 0
	})
	writer.Close()
	ctx, cancel := context.WithCancel(t.Context())
	files.timeout = time.Minute
	result := make(chan error, 1)
	go func() {
		_, err := files.Open(ctx, "a.wav", MaxFileBytes)
		result <- err
	}()
	audiotest.Eventually(t, "it hangs again", func() bool { return len(tries) > maxStuck })
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if writer, err = os.OpenFile(pipe, os.O_WRONLY, 0); err != nil {
		t.Fatal(err)
	}
	writer.Close()
}

// slowFile is a regular file whose reads wait until release is closed.
type slowFile struct {
	fs.File
	release chan struct{}
}

func (s slowFile) ReadAt([]byte, int64) (int, error) {
	<-s.release
	return 0, io.EOF
}

func TestDecoderSaysThatAReadHangs(t *testing.T) {
	audiotest.NoLeaks(t)
	release := make(chan struct{})
	files := NewFiles(func(context.Context, string) (fs.File, error) {
		file, err := os.Open("testdata/mono.opus")
		return slowFile{file, release}, err
	})
	files.timeout = 50 * time.Millisecond
	file, err := files.Open(t.Context(), "mono.opus", MaxFileBytes)
	if err != nil {
		t.Fatal(err)
	}
	_, err = NewDecoder(file, file.Size)
	if !errors.As(err, new(ReadError)) || !strings.Contains(err.Error(), "did not answer") {
		t.Errorf("got %v", err)
	}
	file.Close()
	close(release)
}

// The folder of a voice may hold far more than the voice, and a folder on a network may go away.
func TestFilesListsAFolder(t *testing.T) {
	dir := t.TempDir()
	for i := range 3 * listBatch / 2 {
		if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(i)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		folder    fs.FS
		limit     int
		want, max int // entries
		err       error
	}{
		"whole":             {os.DirFS(dir), 10 * listBatch, 3 * listBatch / 2, 3 * listBatch / 2, nil},
		"more than allowed": {os.DirFS(dir), listBatch / 2, listBatch / 2, listBatch, nil},
		"empty":             {os.DirFS(t.TempDir()), listBatch, 0, 0, nil},
		"gone":              {os.DirFS(filepath.Join(dir, "gone")), listBatch, 0, 0, fs.ErrNotExist},
		"a file":            {os.DirFS(filepath.Join(dir, "1")), listBatch, 0, 0, syscall.ENOTDIR},
	} {
		t.Run(name, func(t *testing.T) {
			names := map[string]bool{}
			err := NewFiles(nil).List(t.Context(), c.folder, c.limit, func(e fs.DirEntry) { names[e.Name()] = true })
			if !errors.Is(err, c.err) || len(names) < c.want || len(names) > c.max {
				t.Errorf("%d entries, %v", len(names), err)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := NewFiles(nil).List(ctx, os.DirFS(dir), listBatch, func(fs.DirEntry) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of its context: %v", err)
	}
}

// hookedFile calls functions before and after each read behind its beginning.
type hookedFile struct {
	fs.File
	before, after func()
}

func (f hookedFile) ReadAt(b []byte, at int64) (int, error) {
	if at > 0 {
		f.before()
		defer f.after()
	}
	return f.File.(io.ReaderAt).ReadAt(b, at)
}

// What a read that was left behind still writes to is given to no other file.
func TestFilesKeepsTheMemoryOfAReadThatWasLeft(t *testing.T) {
	audiotest.NoLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	let, done := make(chan struct{}), make(chan struct{})
	hooks := map[string]hookedFile{
		"late": {before: func() { cancel(); <-let }, after: func() { close(done) }},
		"good": {before: func() {}, after: func() { close(let); <-done }}, // the late read comes while this one goes on
	}
	files := NewFiles(func(_ context.Context, name string) (fs.File, error) {
		file, err := fstest.MapFS{name: {Data: bytes.Repeat([]byte(name), decoderBuffer)}}.Open(name)
		return hookedFile{file, hooks[name].before, hooks[name].after}, err
	})
	b := make([]byte, decoderBuffer)
	late, err := files.Open(t.Context(), "late", MaxFileBytes)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := late.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	late.Continue(ctx)
	if _, err := late.ReadAt(b, 4); !errors.Is(err, context.Canceled) {
		t.Fatalf("a read that hangs: %v", err)
	}
	late.Close()
	good, err := files.Open(t.Context(), "good", MaxFileBytes)
	if err != nil {
		t.Fatal(err)
	}
	defer good.Close()
	if _, err := good.ReadAt(b, 4); err != nil || !bytes.Equal(b, bytes.Repeat([]byte("good"), decoderBuffer/4)) {
		t.Errorf("another file: %v, or other bytes", err)
	}
}
