package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/BurntSushi/toml"
)

// secretsDir holds what the packaged service alone may read. It belongs to root, and systemd hands each of its files to the
// service when that starts, as secrets_FILE (LoadCredential=secrets:/etc/guided/secrets, systemd.exec(5)).
const secretsDir = "/etc/guided/secrets"

// maxSecret is the longest secret that is read, in bytes.
const maxSecret = 4096

// handedOver is where a process reads a file of the settings: systemd's copy of a file of secretsDir in a service, else the
// file itself.
func handedOver(file string) (string, error) {
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	if dir == "" || filepath.Dir(file) != secretsDir {
		return file, nil
	}
	given := filepath.Join(dir, "secrets_"+filepath.Base(file))
	if _, err := os.Stat(given); err != nil {
		return file, fmt.Errorf("the service was not given %s; write it as root, then: sudo systemctl restart guided", file)
	}
	return given, nil
}

// readToken reads web.token_file into web.token. A file that this user may not read is a fault for a daemon alone: see
// TokenProblem.
func (c *Config) readToken(report reporter) {
	if c.Web.TokenFile == "" {
		return
	}
	if c.Web.Token != "" {
		report("web.token and web.token_file are both set; keep one of them, best the file")
		return
	}
	data, err := ReadFile(c.Web.TokenFile, maxSecret)
	text := strings.TrimSpace(string(data))
	switch {
	case errors.Is(err, fs.ErrPermission):
		c.tokenProblem = fmt.Errorf("web.token_file: %w; make it readable by the user guided runs as", err)
	case err != nil:
		report("web.token_file: %v; write the token into it", err)
	case text == "":
		report("web.token_file: %s is empty; write the token into it", c.Web.TokenFile)
	default:
		c.Web.Token = text
	}
}

// TokenProblem is why a daemon has no token of web.token_file; nil where it has, or needs none.
func (c Config) TokenProblem() error { return c.tokenProblem }

// SecretsProblem is not nil where the settings of the whole machine hold a secret that every user of it can read. It names
// what to do.
func (c Config) SecretsProblem() error { return secretsProblem(SystemFile, c) }

func secretsProblem(file string, c Config) error {
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm()&0o004 == 0 {
		return nil
	}
	var inside Config
	if data, err := readSettings(file); err != nil || toml.Unmarshal(data, &inside) != nil {
		return nil // Load tells
	}
	for _, s := range []struct{ key, value, used string }{
		{"mqtt.password", inside.MQTT.Password, c.MQTT.Password}, {"web.token", inside.Web.Token, c.Web.Token},
	} {
		if s.value != "" && s.value == s.used {
			return fmt.Errorf("%s stands in %s, which every user of this machine can read: write it into a file in %s, name that as %s_file, and restart guided", s.key, file, secretsDir, s.key)
		}
	}
	return nil
}
