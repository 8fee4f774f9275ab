package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writeText writes a file of a test's own folder and returns its path.
func writeText(t *testing.T, dir, name, text string, mode os.FileMode) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
	return file
}

func TestSecretsHandedOverToTheService(t *testing.T) {
	given := t.TempDir()
	writeText(t, given, "secrets_mqtt-password", "secret\n", 0o400)
	writeText(t, given, "secrets_web-token", "a-token-of-the-house\n", 0o400)
	settings := settingsFile(t, "[mqtt]\nuser = \"u\"\npassword_file = \"/etc/guided/secrets/mqtt-password\"\n[web]\ntoken_file = \"/etc/guided/secrets/web-token\"\n")
	t.Run("the service reads systemd's copies", func(t *testing.T) {
		t.Setenv("CREDENTIALS_DIRECTORY", given)
		c, err := Load(settings)
		if err != nil || c.MQTT.PasswordFile != filepath.Join(given, "secrets_mqtt-password") || c.Web.Token != "a-token-of-the-house" {
			t.Errorf("%v: %q, %q", err, c.MQTT.PasswordFile, c.Web.Token)
		}
	})
	t.Run("a file that was written after its start asks for a restart", func(t *testing.T) {
		t.Setenv("CREDENTIALS_DIRECTORY", t.TempDir())
		_, err := Load(settings)
		if err == nil || !strings.Contains(err.Error(), "mqtt.password_file") || !strings.Contains(err.Error(), "systemctl restart guided") {
			t.Error(err)
		}
	})
	t.Run("other files of a service are read where they lie", func(t *testing.T) {
		t.Setenv("CREDENTIALS_DIRECTORY", given)
		file := writeText(t, t.TempDir(), "password", "secret\n", 0o600)
		c, err := Load(settingsFile(t, "[mqtt]\nuser = \"u\"\npassword_file = \""+file+"\"\n"))
		if err != nil || c.MQTT.PasswordFile != file {
			t.Errorf("%v: %q", err, c.MQTT.PasswordFile)
		}
	})
}

func TestTokenFile(t *testing.T) {
	dir := t.TempDir()
	good := writeText(t, dir, "token", "a-token-of-the-house\n", 0o600)
	empty := writeText(t, dir, "empty", "\n", 0o600)
	for name, tt := range map[string]struct{ settings, token, problem string }{
		"its text is the token":    {"token_file = \"" + good + "\"", "a-token-of-the-house", ""},
		"beside a token":           {"token_file = \"" + good + "\"\ntoken = \"another-of-the-house\"", "", "both set"},
		"an empty file":            {"token_file = \"" + empty + "\"", "", "empty"},
		"a file that is not there": {"token_file = \"" + dir + "/none\"", "", "web.token_file"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Load(settingsFile(t, "[web]\n"+tt.settings+"\n"))
			if tt.problem == "" && (err != nil || c.Web.Token != tt.token) || tt.problem != "" && (err == nil || !strings.Contains(err.Error(), tt.problem)) {
				t.Errorf("%v: %q", err, c.Web.Token)
			}
		})
	}
}

func TestSecretsThatEveryoneCanRead(t *testing.T) {
	for name, tt := range map[string]struct {
		settings string
		mode     os.FileMode
		says     string
	}{
		"a password":                        {"[mqtt]\nuser = \"u\"\npassword = \"secret\"\n", 0o644, "mqtt.password_file"},
		"a token":                           {"[web]\ntoken = \"a-token-of-the-house\"\n", 0o644, "web.token_file"},
		"a password that only a group sees": {"[mqtt]\nuser = \"u\"\npassword = \"secret\"\n", 0o640, ""},
		"no secret":                         {"[mqtt]\nuser = \"u\"\n", 0o644, ""},
	} {
		t.Run(name, func(t *testing.T) {
			file := writeText(t, t.TempDir(), "guided.toml", tt.settings, tt.mode)
			c, err := Load(file)
			if err != nil {
				t.Fatal(err)
			}
			problem := secretsProblem(file, c)
			if tt.says == "" && problem != nil || tt.says != "" && (problem == nil || !strings.Contains(problem.Error(), tt.says) || strings.Contains(problem.Error(), "secret\"")) {
				t.Error(problem)
			}
		})
	}
}
