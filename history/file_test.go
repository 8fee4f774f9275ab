package history

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"guided/player"
)

func TestAppendFile(t *testing.T) {
	t.Run("after a write that was torn at any byte", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), FileName)
		first, torn, next := session(1, monday), session(2, monday.AddDate(0, 0, 1)), session(3, monday.AddDate(0, 0, 2))
		line := mustEncode(t, torn)
		for n := range len(line) + 1 {
			if err := os.WriteFile(file, slices.Concat(mustEncode(t, first), line[:n]), 0o600); err != nil {
				t.Fatal(err)
			}
			want := []player.Record{first, next}
			if n >= len(line)-1 { // all but the newline
				want = []player.Record{first, torn, next}
			}
			if got, damage := readBack(t, file); !slices.Equal(got, want[:len(want)-1]) || damage.Lines != 0 {
				t.Fatalf("torn at byte %d: %d records, %+v", n, len(got), damage)
			}
			mustAppend(t, file, next)
			if got, damage := readBack(t, file); !slices.Equal(got, want) || damage.Lines > 1 {
				t.Fatalf("torn at byte %d, then one more: %d records, %+v", n, len(got), damage)
			}
		}
	})
	t.Run("by several processes at once", func(t *testing.T) {
		file := newFile(t)
		var writers sync.WaitGroup
		for w := range 4 {
			writers.Go(func() {
				for n := range 10 {
					if _, _, err := appendFile(file, mustEncode(t, session(100*w+n, monday))); err != nil {
						t.Error(err)
					}
				}
			})
		}
		writers.Wait()
		if got, damage := readBack(t, file); len(got) != 40 || damage.Lines != 0 {
			t.Errorf("%d records, %+v", len(got), damage)
		}
	})
	t.Run("while another process deletes it", func(t *testing.T) {
		file := newFile(t)
		for n := range 20 {
			var both sync.WaitGroup
			both.Go(func() {
				if err := Delete(file); err != nil {
					t.Error(err)
				}
			})
			mustAppend(t, file, session(n, monday))
			both.Wait()
			mustAppend(t, file, session(1000, monday))
			if got, damage := readBack(t, file); len(got) == 0 || got[len(got)-1].Routine != "routine-1000" || damage.Lines != 0 {
				t.Fatalf("%d records, %+v", len(got), damage)
			}
		}
	})
	t.Run("that cannot grow is left as it was", func(t *testing.T) {
		file := newLargeFile(t)
		mustAppend(t, file, session(1, monday))
		before, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, room := range []int{0, 1, 100} {
			restore := limitFileSize(t, len(before)+room)
			_, _, err := appendFile(file, mustEncode(t, session(2, monday)))
			restore()
			if err == nil {
				t.Errorf("%d bytes of room are no error", room)
			}
			if after, err := os.ReadFile(file); err != nil || string(after) != string(before) {
				t.Errorf("%d bytes of room, %v: %d bytes", room, err, len(after))
			}
		}
	})
	for name, make := range map[string]func(file string) error{
		"that is a folder": func(file string) error { return os.MkdirAll(file, 0o755) },
		"that is a pipe":   func(file string) error { return unix.Mkfifo(file, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), FileName)
			if err := make(file); err != nil {
				t.Fatal(err)
			}
			if _, _, err := appendFile(file, []byte("x\n")); err == nil {
				t.Error("it is written to")
			}
			if _, err := ReadFile(file, func(player.Record) {}); err == nil {
				t.Error("it is read")
			}
		})
	}
	t.Run("is for its owner alone", func(t *testing.T) {
		file := newFile(t)
		mustAppend(t, file, session(1, monday))
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
	})
}

// largeFile is the size of a file of empty lines. The test's own log is smaller, so that a limit beyond that is not its.
const largeFile = 1 << 20

func newLargeFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), FileName)
	if err := os.WriteFile(file, bytes.Repeat([]byte{'\n'}, largeFile), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// limitFileSize lets no file of this process grow beyond a size, until restore is called: a full disk.
func limitFileSize(t *testing.T, size int) (restore func()) {
	t.Helper()
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: uint64(size), Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDelete(t *testing.T) {
	t.Run("of what a link leads to", func(t *testing.T) {
		dir := t.TempDir()
		target, link := filepath.Join(dir, "elsewhere"), filepath.Join(dir, FileName)
		mustAppend(t, target, session(1, monday))
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		if err := Delete(link); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(target); !os.IsNotExist(err) {
			t.Errorf("the records are still there: %v", err)
		}
		mustAppend(t, link, session(2, monday))
		if got, _ := readBack(t, link); len(got) != 1 {
			t.Errorf("%d records", len(got))
		}
	})
	t.Run("of what is not there", func(t *testing.T) {
		if err := Delete(newFile(t)); err != nil {
			t.Error(err)
		}
	})
}

// writeUntilKilled is the process that TestKilledWriter kills: it appends one record after another, and tells the number
// of each that is on the disk.
func writeUntilKilled() {
	file := os.Getenv("GUIDED_HISTORY_WRITER")
	for n, _ := strconv.Atoi(os.Getenv("GUIDED_HISTORY_FROM")); ; n++ {
		line, err := encode(session(n, monday))
		if err == nil {
			_, _, err = appendFile(file, line)
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(n)
	}
}

// What was appended is there after a kill at any moment.
func TestKilledWriter(t *testing.T) {
	file := newFile(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	next := 0
	for range 12 {
		writer := exec.Command(os.Args[0])
		writer.Env = append(os.Environ(), "GUIDED_HISTORY_WRITER="+file, "GUIDED_HISTORY_FROM="+strconv.Itoa(next))
		out, err := writer.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := writer.Start(); err != nil {
			t.Fatal(err)
		}
		written := next - 1
		lines := bufio.NewScanner(out)
		for range 1 + random.IntN(15) {
			if !lines.Scan() {
				t.Fatal("it has ended")
			}
			if written, err = strconv.Atoi(lines.Text()); err != nil {
				t.Fatal(lines.Text())
			}
		}
		for spin := random.IntN(1 << 21); spin > 0; spin-- { // into the middle of the next write
		}
		if err := writer.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() {
			if n, err := strconv.Atoi(lines.Text()); err == nil {
				written = n
			}
		}
		_ = writer.Wait()
		got := map[string]bool{}
		if _, err := ReadFile(file, func(r player.Record) { got[r.Routine] = true }); err != nil {
			t.Fatal(err)
		}
		for n := range written + 1 {
			if !got[fmt.Sprintf("routine-%d", n)] {
				t.Fatalf("session %d of %d was on the disk, and is lost", n, written)
			}
		}
		next = written + 1
	}
}
