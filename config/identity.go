package config

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// An Identity is a random name, made once and kept, that no other guided has. It is held by one process at a time.
type Identity struct {
	ID            string
	PublishedFile string // the file beside it that keeps what was left with brokers
	lock          *os.File
}

// ErrIdentityTaken is the error when another process is who we would be.
var ErrIdentityTaken = errors.New("another guided runs with these settings")

// TakeIdentity takes the identity that belongs to a settings file, "" for a standard place. The error is errHeld, or why
// none could be kept. Release must be called.
func TakeIdentity(config string) (*Identity, error) {
	file := filepath.Join(StateDir(), "id"+fileSuffix(config))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, fmt.Errorf("keeping the identity: %w", err)
	}
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("keeping the identity: %w", err)
	}
	i := &Identity{PublishedFile: filepath.Join(filepath.Dir(file), "published"+fileSuffix(config)+".json"), lock: f}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrIdentityTaken
		}
		return nil, fmt.Errorf("keeping the identity: locking %s: %w", file, err)
	}
	if err := i.load(); err != nil {
		f.Close()
		return nil, fmt.Errorf("keeping the identity: %w", err)
	}
	return i, nil
}

// load finds the name in the file, or makes one.
func (i *Identity) load() error {
	data, err := io.ReadAll(io.LimitReader(i.lock, 64))
	if err != nil {
		return err
	}
	raw, err := hex.DecodeString(strings.TrimSpace(string(data)))
	if err != nil || len(raw) != 8 {
		raw = make([]byte, 8)
		rand.Read(raw)
		text := []byte(hex.EncodeToString(raw) + "\n")
		if err := errors.Join(i.lock.Truncate(0), writeAtStart(i.lock, text), i.lock.Sync()); err != nil {
			return err
		}
	}
	i.ID = hex.EncodeToString(raw)
	return nil
}

func writeAtStart(f *os.File, b []byte) error {
	_, err := f.WriteAt(b, 0)
	return err
}

// Release lets another process have the identity.
func (i *Identity) Release() { i.lock.Close() }

// fileSuffix tells the files of one settings file from those of another. The standard places are one: only one of them is
// read, and systemd hands root's file over as its own.
func fileSuffix(config string) string {
	if config == "" {
		return ""
	}
	file, err := filepath.Abs(config)
	if err != nil {
		file = config
	}
	standard := standardFiles()
	if dir := os.Getenv("CREDENTIALS_DIRECTORY"); dir != "" {
		standard = append(standard, filepath.Join(dir, "guided.toml"))
	}
	if slices.Contains(standard, file) {
		return ""
	}
	sum := sha256.Sum256([]byte(file))
	return "-" + hex.EncodeToString(sum[:8])
}
