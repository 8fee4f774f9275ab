package cli

import (
	"bytes"
	"context"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestCheckWhatIsNoRoutine(t *testing.T) {
	isolate(t)
	writeText(t, "settings.conf", "[Service]\nExecStart=/bin/true\n", 0o644)
	writeText(t, "binary.toml", "\x7fELF\x00\x01\xff", 0o644)
	writeText(t, "huge.toml", "", 0o644)
	if err := os.Truncate("huge.toml", 300<<20); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo("fifo.toml", 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir("folder.toml", 0o755); err != nil {
		t.Fatal(err)
	}
	for file, says := range map[string]string{
		"settings.conf": "settings.conf", "binary.toml": "binary.toml", "huge.toml": "larger than 1 MiB", "fifo.toml": "not a regular file",
		"folder.toml": "not a regular file", "/dev/zero": "no such routine", "missing.toml": "does not exist",
	} {
		t.Run(file, func(t *testing.T) {
			var out bytes.Buffer
			if code := Run(context.Background(), []string{"check", file}, &out, &out); code != Failed || !strings.Contains(out.String(), says) || out.Len() > 5000 {
				t.Errorf("exit %d, %d bytes: %.500s", code, out.Len(), &out)
			}
		})
	}
}

func TestProveRefusesWhatIsNoFile(t *testing.T) {
	isolate(t)
	if err := syscall.Mkfifo("fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if code := Run(context.Background(), []string{"prove", "4-4-6", "--recording", "fifo"}, &out, &out); code != Failed || !strings.Contains(out.String(), "no regular file") {
		t.Errorf("exit %d: %s", code, &out)
	}
}
