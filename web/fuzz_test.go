package web

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever a file holds, it is a token that a header can carry, or none.
func FuzzTokenFile(f *testing.F) {
	for _, text := range []string{"", "short", "ABCDEFGHIJKLMNOP\n", "  ABCDEFGHIJKLMNOP  ", "with a space in it", "ümlaut-ümlaut-ü", strings.Repeat("x", maxTokenBytes+1), "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"} {
		f.Add([]byte(text))
	}
	file := filepath.Join(f.TempDir(), TokenFile)
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		token, err := readTokenFile(file, nil)
		if err != nil {
			return
		}
		if len(token) < minTokenLength || len(token) > maxTokenBytes || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Errorf("the token %q", token)
		}
	})
}
