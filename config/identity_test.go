package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// identity takes and releases the identity of a settings file.
func identity(t *testing.T, config string) string {
	t.Helper()
	i, err := TakeIdentity(config)
	if err != nil {
		t.Fatal(err)
	}
	i.Release()
	return i.ID
}

func TestTakeIdentity(t *testing.T) {
	isolate(t)
	plain := identity(t, "")
	t.Run("the second time: the same id", func(t *testing.T) {
		if again := identity(t, ""); again != plain || len(plain) != 16 {
			t.Errorf("first %s, then %s", plain, again)
		}
	})
	t.Run("a standard file by its name: the same id", func(t *testing.T) {
		for _, file := range standardFiles() {
			if id := identity(t, file); id != plain {
				t.Errorf("%s: %s, want %s", file, id, plain)
			}
		}
	})
	t.Run("the copy that systemd makes of the standard file: the same id", func(t *testing.T) {
		t.Setenv("CREDENTIALS_DIRECTORY", "/run/credentials/guided.service")
		if id := identity(t, "/run/credentials/guided.service/guided.toml"); id != plain {
			t.Errorf("%s, want %s", id, plain)
		}
	})
	t.Run("another settings file: another id, from whatever folder it is named", func(t *testing.T) {
		dir := t.TempDir()
		bed := identity(t, filepath.Join(dir, "bed.toml"))
		t.Chdir(dir)
		if id := identity(t, "bed.toml"); id != bed || id == plain || identity(t, "mat.toml") == bed {
			t.Errorf("%s, %s and %s", plain, bed, id)
		}
	})
	t.Run("held by another process", func(t *testing.T) {
		first, err := TakeIdentity("")
		if err != nil {
			t.Fatal(err)
		}
		defer first.Release()
		if _, err := TakeIdentity(""); !errors.Is(err, ErrIdentityTaken) {
			t.Errorf("%v", err)
		}
		other, err := TakeIdentity("/another/guided.toml")
		if err != nil {
			t.Fatal(err)
		}
		other.Release()
	})
	t.Run("a damaged file: a new id", func(t *testing.T) {
		for _, text := range []string{"", "0123", "not sixteen hex\n", strings.Repeat("0", 100)} {
			if err := os.WriteFile(filepath.Join(StateDir(), "id"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if id := identity(t, ""); len(id) != 16 || id != identity(t, "") {
				t.Errorf("%q became %q", text, id)
			}
		}
	})
	t.Run("a folder that cannot be created", func(t *testing.T) {
		t.Setenv("XDG_STATE_HOME", "/dev/null/x")
		if _, err := TakeIdentity(""); err == nil || errors.Is(err, ErrIdentityTaken) {
			t.Errorf("%v", err)
		}
	})
}

func TestIdentityThatWasLostIsAdoptedAgain(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	i, err := TakeIdentity("")
	if err != nil || !i.Made {
		t.Fatalf("%+v, %v", i, err)
	}
	for _, wrong := range []string{"", "x", "0123", "0123456789abcdefgh", strings.Repeat("0", 18)} {
		if i.Adopt(wrong) == nil {
			t.Errorf("%q is adopted", wrong)
		}
	}
	if err := i.Adopt("0123456789abcdef"); err != nil || i.ID != "0123456789abcdef" {
		t.Errorf("%q, %v", i.ID, err)
	}
	i.Release()
	again, err := TakeIdentity("")
	if err != nil || again.Made || again.ID != "0123456789abcdef" {
		t.Errorf("%+v, %v", again, err)
	}
	again.Release()
}

func TestTakeIdentityWhereNothingCanBeWritten(t *testing.T) {
	isolate(t)
	id := identity(t, "")
	file := filepath.Join(StateDir(), "id")
	readOnly := func(t *testing.T) {
		t.Helper()
		if err := os.Chmod(file, 0o444); err != nil {
			t.Fatal(err)
		}
		if os.Getuid() == 0 { // root writes to it all the same, but not to a read-only mount
			if err := syscall.Mount(StateDir(), StateDir(), "", syscall.MS_BIND, ""); err != nil {
				t.Skip("nothing can be mounted here: ", err)
			}
			t.Cleanup(func() { _ = syscall.Unmount(StateDir(), 0) })
			if err := syscall.Mount("", StateDir(), "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
				t.Skip("nothing can be mounted here: ", err)
			}
		}
	}
	t.Run("the identity that was stored counts, and is locked", func(t *testing.T) {
		readOnly(t)
		first, err := TakeIdentity("")
		if err != nil || first.ID != id || first.Lost {
			t.Fatalf("%+v, %v, want %s", first, err, id)
		}
		defer first.Release()
		if _, err := TakeIdentity(""); !errors.Is(err, ErrIdentityTaken) {
			t.Errorf("a second one: %v", err)
		}
	})
	t.Run("another cannot be made", func(t *testing.T) {
		if os.Getuid() != 0 {
			t.Skip("the folder is our own")
		}
		readOnly(t)
		if _, err := TakeIdentity("/another/guided.toml"); !errors.Is(err, syscall.EROFS) {
			t.Errorf("%v", err)
		}
	})
	t.Run("a FIFO in place of the file", func(t *testing.T) {
		if err := errors.Join(os.Remove(file), syscall.Mkfifo(file, 0o600)); err != nil {
			t.Fatal(err)
		}
		defer os.Remove(file)
		if _, err := TakeIdentity(""); err == nil || !strings.Contains(err.Error(), "no regular file") {
			t.Errorf("%v", err)
		}
	})
	t.Run("a folder in place of the file", func(t *testing.T) {
		if err := os.Mkdir(file, 0o755); err != nil {
			t.Fatal(err)
		}
		defer os.Remove(file)
		if _, err := TakeIdentity(""); err == nil || errors.Is(err, ErrIdentityTaken) {
			t.Errorf("%v", err)
		}
	})
}

func TestTakeIdentityOnAFullDisk(t *testing.T) {
	isolate(t)
	if err := os.MkdirAll(StateDir(), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("guided-test", StateDir(), "tmpfs", 0, "size=4k"); err != nil {
		t.Skip("nothing can be mounted here: ", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(StateDir(), 0) })
	full := filepath.Join(StateDir(), "full")
	if err := os.WriteFile(full, make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := TakeIdentity(""); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("full: %v", err)
	}
	if err := os.Remove(full); err != nil {
		t.Fatal(err)
	}
	if id := identity(t, ""); len(id) != 16 {
		t.Errorf("with room again: %q", id)
	}
}

func TestTakeIdentityTellsALostOne(t *testing.T) {
	isolate(t)
	take := func() bool {
		t.Helper()
		i, err := TakeIdentity("")
		if err != nil {
			t.Fatal(err)
		}
		i.Release()
		return i.Lost
	}
	file := filepath.Join(StateDir(), "id")
	if take() {
		t.Error("the first is lost")
	}
	if take() {
		t.Error("the second time it is lost")
	}
	if err := os.WriteFile(file, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	if !take() {
		t.Error("a damaged one is not told")
	}
	if err := errors.Join(os.Remove(file), os.WriteFile(filepath.Join(StateDir(), "published.json"), []byte("{}"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if !take() {
		t.Error("one that was removed is not told")
	}
	if take() {
		t.Error("it is told twice")
	}
}

func TestHeldIdentityIsThatOfTheDaemonThatRuns(t *testing.T) {
	isolate(t)
	file := StateFile("id", "")
	if id := HeldIdentity(file); id != "" {
		t.Errorf("there is none, and it is %q", id)
	}
	running, err := TakeIdentity("")
	if err != nil {
		t.Fatal(err)
	}
	if id := HeldIdentity(file); id != running.ID {
		t.Errorf("%q, want %q", id, running.ID)
	}
	running.Release()
	if id := HeldIdentity(file); id != "" {
		t.Errorf("nobody holds it, and it is %q", id)
	}
	if again := identity(t, ""); again != running.ID {
		t.Errorf("after it was looked at it is %q", again)
	}
}
