package web_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"guided/web"
)

const storedToken = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// urlOf shows what a token is worth: the address of a file.
func urlOf(token web.Token) string {
	return web.FileURLs(web.Config{Listen: "192.0.2.1:8099"}, token)("short")["wav"]
}

func TestLoadTokenByStateOfFile(t *testing.T) {
	write := func(text string, mode os.FileMode) func(*testing.T, string) {
		return func(t *testing.T, file string) {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(file, mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := func() string {
		dir := t.TempDir()
		write(storedToken+"\n", 0o600)(t, filepath.Join(dir, web.TokenFile))
		return urlOf(web.LoadToken(web.Config{}, dir, slog.New(slog.DiscardHandler)))
	}()
	for name, tt := range map[string]struct {
		make  func(t *testing.T, file string)
		taken bool   // the token of the file counts
		kept  bool   // a token is in the file afterwards
		logs  string // part of the one warning
	}{
		"none":                  {func(*testing.T, string) {}, false, true, ""},
		"of this user only":     {write(storedToken+"\n", 0o600), true, true, ""},
		"readable by all":       {write(storedToken, 0o644), true, true, "could read"},
		"writable by the group": {write(storedToken, 0o620), true, true, "could read"},
		"empty":                 {write("", 0o600), false, true, ""},
		"too short":             {write("secret\n", 0o600), false, true, ""},
		"too long":              {write(strings.Repeat("x", 5000), 0o600), false, true, ""},
		"no text":               {write(strings.Repeat("\x00\xff", 20), 0o600), false, true, ""},
		"of several lines":      {write(storedToken+"\n"+storedToken, 0o600), false, true, ""},
		"a folder":              {func(t *testing.T, f string) { _ = os.Mkdir(f, 0o755) }, false, false, "no regular file"},
		"a pipe":                {func(t *testing.T, f string) { _ = syscall.Mkfifo(f, 0o600) }, false, false, "no regular file"},
		"a link to a good one":  {func(t *testing.T, f string) { write(storedToken, 0o600)(t, f+".2"); _ = os.Symlink(f+".2", f) }, false, false, "symbolic link"},
		"a link to nothing":     {func(t *testing.T, f string) { _ = os.Symlink(f+".2", f) }, false, false, "symbolic link"},
		"the folder cannot be":  {func(t *testing.T, f string) { _ = os.Remove(filepath.Dir(f)); write("", 0o600)(t, filepath.Dir(f)) }, false, false, "cannot be kept"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "state", web.TokenFile)
			if err := os.Mkdir(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			tt.make(t, file)
			log := &logBuffer{}
			token := web.LoadToken(web.Config{}, filepath.Dir(file), slog.New(slog.NewTextHandler(log, nil)))
			if (urlOf(token) == want) != tt.taken {
				t.Errorf("the token of the file counts: %v", !tt.taken)
			}
			lines := strings.Count(log.String(), "\n")
			if tt.logs == "" && lines > 0 || tt.logs != "" && (lines != 1 || !strings.Contains(log.String(), tt.logs)) || strings.Contains(log.String(), storedToken) {
				t.Errorf("logged: %s", log)
			}
			read, err := web.ReadToken(web.Config{}, filepath.Dir(file))
			if tt.kept && (err != nil || urlOf(read) != urlOf(token)) || !tt.kept && err == nil {
				t.Errorf("reading it again: %v", err)
			}
			if info, err := os.Lstat(file); tt.kept && (err != nil || info.Mode().Perm() != 0o600) {
				t.Errorf("%v, %v", info.Mode(), err)
			}
		})
	}
}

func TestReadTokenMakesNone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	if _, err := web.ReadToken(web.Config{Listen: "192.0.2.1:8099"}, dir); err == nil {
		t.Error("there is a token")
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the state folder was made: %v", err)
	}
}

// Where the token cannot be kept, the page and the addresses that others are told still agree.
func TestTokenThatCannotBeKeptIsOne(t *testing.T) {
	state := filepath.Join(t.TempDir(), "a-file")
	if err := os.WriteFile(state, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	token := web.LoadToken(web.Config{}, state, slog.New(slog.DiscardHandler))
	p := newTestServer(t, func(s *web.Server) { s.StateDir, s.Token = state, token })
	told := web.FileURLs(web.Config{Listen: strings.TrimPrefix(p.url, "http://")}, token)("short")["wav"]
	if want := p.url + p.audioPath() + "short.wav"; told != want {
		t.Errorf("%s is told, and the page has %s", told, want)
	}
	if got := p.get(strings.TrimPrefix(told, p.url)); got.status != 200 {
		t.Errorf("%s: %d", told, got.status)
	}
}
