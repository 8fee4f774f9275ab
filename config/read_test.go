package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestLoadWhatIsNoPlainFile(t *testing.T) {
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	fifo, large, locked := filepath.Join(dir, "fifo"), filepath.Join(dir, "large"), filepath.Join(dir, "locked")
	must(syscall.Mkfifo(fifo, 0o600))
	must(os.WriteFile(large, nil, 0o600))
	must(os.Truncate(large, 300<<20))
	must(os.WriteFile(locked, nil, 0))
	for name, tt := range map[string]struct{ file, says string }{
		"a FIFO":              {fifo, "no regular file"},
		"a folder":            {dir, "is a folder"},
		"300 MB":              {large, "more than 1024 kB"},
		"a device":            {"/dev/zero", "no regular file"},
		"one that is missing": {filepath.Join(dir, "none"), "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Load(tt.file); err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), tt.file) {
				t.Errorf("it says %v, want %q", err, tt.says)
			}
		})
	}
	t.Run("one that may not be read", func(t *testing.T) {
		if os.Getuid() == 0 {
			t.Skip("root may read everything")
		}
		if _, err := Load(locked); !errors.Is(err, os.ErrPermission) {
			t.Errorf("%v", err)
		}
	})
	t.Run("/dev/null is an empty file", func(t *testing.T) {
		if _, err := Load("/dev/null"); err != nil {
			t.Error(err)
		}
	})
}

func TestLoadEncodings(t *testing.T) {
	const text = "# für\nnode = \"mat\"\n"
	utf16 := func(order func(hi, lo byte) []byte) string {
		var b []byte
		for _, r := range "\ufeff" + text {
			b = append(b, order(byte(r>>8), byte(r))...)
		}
		return string(b)
	}
	little := utf16(func(hi, lo byte) []byte { return []byte{lo, hi} })
	for name, tt := range map[string]struct{ text, says string }{
		"with a byte order mark":           {"\ufeff" + text, ""},
		"with CR LF":                       {strings.ReplaceAll(text, "\n", "\r\n"), ""},
		"without a last line end":          {strings.TrimSpace(text), ""},
		"UTF-16, little-endian":            {little, "UTF-16"},
		"UTF-16, big-endian":               {utf16(func(hi, lo byte) []byte { return []byte{hi, lo} }), "UTF-16"},
		"UTF-16 without a byte order mark": {little[2:], "UTF-16"},
		"Latin-1":                          {"node = \"mat\"\n# f\xfcr\n", "line 2"},
		"only CR, as no system writes it":  {"# a\rnode = \"mat\"\r", "line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Load(settingsFile(t, tt.text))
			switch {
			case tt.says == "" && (err != nil || c.Node != "mat"):
				t.Errorf("node %q, %v", c.Node, err)
			case tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)):
				t.Errorf("it says %v, want %q", err, tt.says)
			}
		})
	}
}
