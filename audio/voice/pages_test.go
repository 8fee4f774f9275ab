package voice

import (
	"io/fs"
	"os"
	"runtime"
	"strings"
	"testing"
)

// residentFile returns the resident memory of mapped files, as /proc/self/status shows it in kB.
func residentFile(t *testing.T) string {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, is := strings.CutPrefix(line, "RssFile:"); is {
			return strings.TrimSpace(rest)
		}
	}
	t.Skip("this kernel does not show RssFile")
	return ""
}

// What was read of an embedded voice is resident while the file is open, and not longer.
func TestEmbeddedFilesLeaveNothingResident(t *testing.T) {
	if len(findExePages()) == 0 {
		if runtime.GOARCH == "arm" {
			t.Skip("an emulator does not show what is resident")
		}
		t.Fatal("no range of the executable is found")
	}
	files, err := EmbeddedFS("heart")
	if err != nil {
		t.Fatal(err)
	}
	v, err := OpenRecordedVoice(files)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	read := func() (opened []fs.File) {
		for _, c := range v.Clips {
			f, err := files.Open(c.File)
			if err != nil {
				t.Fatal(err)
			}
			var b [1 << 16]byte
			n, _ := f.Read(b[:])
			sum += n
			opened = append(opened, f)
		}
		return opened
	}
	opened := read()
	before := residentFile(t)
	for _, f := range opened {
		f.Close()
	}
	after := residentFile(t)
	if len(after) > len(before) || len(after) == len(before) && after >= before {
		t.Errorf("%s before, %s after", before, after)
	}
	first := sum
	read()
	if sum != 2*first {
		t.Errorf("%d bytes, then %d", first, sum-first)
	}
	t.Logf("%s before, %s after", before, after)
}
