package mix

import (
	"os"
	"strings"
	"testing"

	"guided/audio/voice"
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

func TestExePagesReleaseLowersResidentMemory(t *testing.T) {
	own := findExePages()
	if len(own) == 0 {
		t.Fatal("no range of the executable is found")
	}
	files, err := voice.EmbeddedFS("heart")
	if err != nil {
		t.Fatal(err)
	}
	v, err := voice.OpenRecordedVoice(files)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	read := func() {
		for _, c := range v.Clips {
			f, err := files.Open(c.File)
			if err != nil {
				t.Fatal(err)
			}
			var b [1 << 16]byte
			n, _ := f.Read(b[:])
			sum += n
			f.Close()
		}
	}
	read()
	before := residentFile(t)
	own.release()
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
