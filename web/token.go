package web

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/google/renameio/v2"
)

const (
	// TokenFile is the name of the file with the generated token, in the state folder.
	TokenFile = "web-token"

	minTokenLength = 12  // the fewest characters of a token
	maxTokenBytes  = 512 // of a token file: what is longer is none
)

// Token is the secret by which a server knows its users. A daemon has one: everything that makes addresses or checks
// them gets the same Token.
type Token struct {
	value  string
	source string // where a user finds it, for the log
}

var errTokenUnusable = errors.New("holds no token")

// LoadToken returns the token of the settings, or else the one that was generated at the first start and is kept in
// stateDir. Where it cannot be kept, the token lasts as long as the process; that is logged once, here.
func LoadToken(cfg Config, stateDir string, log *slog.Logger) Token {
	if cfg.Token != "" {
		return Token{cfg.Token, "the setting web.token"}
	}
	file := filepath.Join(stateDir, TokenFile)
	value, err := readTokenFile(file, func(f *os.File) error {
		log.Warn("other users of this machine could read the web server's token; its file is closed to them now; delete it, and restart, for a new token", "file", file)
		return f.Chmod(0o600)
	})
	if err == nil {
		return Token{value, file}
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errTokenUnusable) {
		if err = os.MkdirAll(stateDir, 0o755); err == nil {
			err = renameio.WriteFile(file, []byte(rand.Text()+"\n"), 0o600)
		}
		if err == nil {
			value, err = readTokenFile(file, nil) // of two daemons that start at once both take what the later one wrote
		}
		if err == nil {
			return Token{value, file}
		}
	}
	log.Warn("the web server's token cannot be kept: the addresses of files change at every start, and nobody can log in; mend the file, or set web.token", "file", file, "err", err)
	return Token{rand.Text(), "no file: set web.token"}
}

// ReadToken returns the token of the settings or of the daemon that keeps its state in stateDir, and never makes one: only
// the daemon does.
func ReadToken(cfg Config, stateDir string) (Token, error) {
	if cfg.Token != "" {
		return Token{cfg.Token, "the setting web.token"}, nil
	}
	file := filepath.Join(stateDir, TokenFile)
	value, err := readTokenFile(file, nil)
	return Token{value, file}, err
}

// readTokenFile reads a token from a regular file of this user or root. What others may read is handed to repair; nil
// accepts it. A link, a folder and a file of another user are refused: whoever made them may know the token.
func readTokenFile(file string, repair func(*os.File) error) (string, error) {
	f, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		return "", fmt.Errorf("%s is a symbolic link; put the file itself there", file)
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is no regular file; remove it", file)
	}
	if s, is := info.Sys().(*syscall.Stat_t); is && int(s.Uid) != os.Geteuid() && s.Uid != 0 && repair != nil {
		return "", fmt.Errorf("%s belongs to another user; remove it", file)
	}
	if info.Mode().Perm()&0o077 != 0 && repair != nil {
		if err := repair(f); err != nil {
			return "", fmt.Errorf("other users may read %s, and it cannot be closed to them: %w", file, err)
		}
	}
	data, err := io.ReadAll(io.LimitReader(f, maxTokenBytes+1))
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(data))
	unprintable := strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
	if len(token) < minTokenLength || len(data) > maxTokenBytes || unprintable {
		return "", fmt.Errorf("%s %w of %d to %d letters and digits", file, errTokenUnusable, minTokenLength, maxTokenBytes)
	}
	return token, nil
}

// orLoad returns t, or what LoadToken returns where t is zero.
func (t Token) orLoad(cfg Config, stateDir string, log *slog.Logger) Token {
	if t.value != "" {
		return t
	}
	return cmp.Or(t, LoadToken(cfg, stateDir, log))
}
