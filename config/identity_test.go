package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// called is the identity under these settings, let go at once.
func called(t *testing.T, config string) string {
	t.Helper()
	who, err := TakeIdentity(config)
	if err != nil {
		t.Fatal(err)
	}
	who.Release()
	return who.ID
}

func TestIdentity(t *testing.T) {
	alone(t)
	plain := called(t, "")
	t.Run("it stays the same", func(t *testing.T) {
		if again := called(t, ""); again != plain || len(plain) != 16 {
			t.Errorf("first %s, then %s", plain, again)
		}
	})
	t.Run("a standard place that is named is the same daemon", func(t *testing.T) {
		for _, place := range standardFiles() {
			if id := called(t, place); id != plain {
				t.Errorf("%s: %s, want %s", place, id, plain)
			}
		}
	})
	t.Run("systemd's copy of root's file is the same daemon", func(t *testing.T) {
		t.Setenv("CREDENTIALS_DIRECTORY", "/run/credentials/guided.service")
		if id := called(t, "/run/credentials/guided.service/guided.toml"); id != plain {
			t.Errorf("%s, want %s", id, plain)
		}
	})
	t.Run("settings of its own are a daemon of its own, wherever it is started from", func(t *testing.T) {
		dir := t.TempDir()
		bed := called(t, filepath.Join(dir, "bed.toml"))
		t.Chdir(dir)
		if id := called(t, "bed.toml"); id != bed || id == plain || called(t, "mat.toml") == bed {
			t.Errorf("%s, %s and %s", plain, bed, id)
		}
	})
	t.Run("two at once are one too many", func(t *testing.T) {
		who, err := TakeIdentity("")
		if err != nil {
			t.Fatal(err)
		}
		defer who.Release()
		if _, err := TakeIdentity(""); !errors.Is(err, ErrIdentityTaken) {
			t.Errorf("%v", err)
		}
		other, err := TakeIdentity("/another/guided.toml")
		if err != nil {
			t.Fatal(err)
		}
		other.Release()
	})
	t.Run("a file that was cut short is made anew", func(t *testing.T) {
		for _, text := range []string{"", "0123", "not sixteen hex\n", strings.Repeat("0", 100)} {
			if err := os.WriteFile(filepath.Join(StateDir(), "id"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if id := called(t, ""); len(id) != 16 || id != called(t, "") {
				t.Errorf("%q became %q", text, id)
			}
		}
	})
	t.Run("a folder that cannot be made is told", func(t *testing.T) {
		t.Setenv("XDG_STATE_HOME", "/dev/null/x")
		if _, err := TakeIdentity(""); err == nil || errors.Is(err, ErrIdentityTaken) {
			t.Errorf("%v", err)
		}
	})
}
