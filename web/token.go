package web

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
)

// TokenFile is where the token is kept that was made at random, in the folder of what is kept.
const TokenFile = "web-token"

// keptToken is the token that was made at the first start, and where it is kept. Where nothing can be kept it is a new
// one at every start, which is logged.
func keptToken(dir string, log *slog.Logger) (token, place string) {
	file := filepath.Join(dir, TokenFile)
	data, err := os.ReadFile(file)
	if token = strings.TrimSpace(string(data)); err == nil && len(token) >= leastToken {
		return token, file
	}
	token = rand.Text()
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(dir, 0o755); err == nil {
			err = renameio.WriteFile(file, []byte(token+"\n"), 0o600)
		}
	}
	if err != nil {
		log.Warn("the web server's token cannot be kept; addresses of files change at every start, until web.token is set", "err", err)
		return token, "no file: set web.token"
	}
	return token, file
}
