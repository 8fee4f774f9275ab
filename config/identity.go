package config

import (
	"cmp"
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

// An Identity is a random id, made once and stored, under which brokers and Home Assistant know a daemon. One process at a
// time holds it.
type Identity struct {
	ID            string   // 16 hexadecimal digits
	Made          bool     // it was made by this process: there was none, or none that could be read
	PublishedFile string   // where the daemon records what it published as retained
	PlaceFile     string   // where the daemon keeps what outlives a restart: where a lost session stood, what was selected, the volume
	ScheduleFile  string   // what people chose of the schedule, see package schedule
	Lost          bool     // the id is new, though there was one before: its file was damaged or removed
	file          *os.File // holds the lock and the id
}

// ErrIdentityTaken is returned while another process holds the identity.
var ErrIdentityTaken = errors.New("another guided runs with these settings")

// TakeIdentity locks and reads the identity that belongs to a settings file; "" is a standard one. The error is
// [ErrIdentityTaken], or why no identity can be stored. In a folder that cannot be written to, an identity that was stored
// before is read and locked all the same. The caller must call Release.
func TakeIdentity(config string) (*Identity, error) {
	file := StateFile("id", config)
	f, err := openIdentity(file)
	if err != nil {
		return nil, fmt.Errorf("keeping the identity: %w", err)
	}
	i := &Identity{PublishedFile: StateFile("published.json", config), PlaceFile: StateFile("place.json", config),
		ScheduleFile: StateFile("schedule.toml", config), file: f}
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

// HeldIdentity is the id in a file that a process holds at this moment: that of the daemon that runs. It is "" where none
// does, and where the file cannot be read.
func HeldIdentity(file string) string {
	f, err := os.OpenFile(file, os.O_RDONLY|unix.O_NONBLOCK, 0) // opening a FIFO would wait
	if err != nil {
		return ""
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
		return ""
	}
	data, _ := io.ReadAll(io.LimitReader(f, 64)) // what cannot be read is no id
	raw, err := hex.DecodeString(strings.TrimSpace(string(data)))
	if err != nil || len(raw) != 8 {
		return ""
	}
	return hex.EncodeToString(raw)
}

// openIdentity opens the file of an identity, and creates it. Where it can only be read, it is opened for that.
func openIdentity(file string) (*os.File, error) {
	mkdirErr := os.MkdirAll(filepath.Dir(file), 0o755)
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|unix.O_NONBLOCK, 0o644) // opening a FIFO would wait
	if err != nil {
		if reading, failed := os.OpenFile(file, os.O_RDONLY|unix.O_NONBLOCK, 0); failed == nil {
			f, err = reading, nil
		}
	}
	if err != nil {
		return nil, cmp.Or(mkdirErr, err)
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, cmp.Or(err, fmt.Errorf("%s is no regular file; remove it", file))
	}
	return f, nil
}

// load reads the id, or makes and stores one where the file holds none.
func (i *Identity) load() error {
	data, err := io.ReadAll(io.LimitReader(i.file, 64))
	if err != nil {
		return err
	}
	raw, err := hex.DecodeString(strings.TrimSpace(string(data)))
	if err != nil || len(raw) != 8 {
		raw = make([]byte, 8)
		rand.Read(raw)
		i.Made = true
		_, err := os.Stat(i.PublishedFile)
		i.Lost = len(data) > 0 || err == nil
		return i.store(raw)
	}
	i.ID = hex.EncodeToString(raw)
	return nil
}

// Adopt makes a former id, whose file was lost, the identity again.
func (i *Identity) Adopt(id string) error {
	raw, err := hex.DecodeString(id)
	if err != nil || len(raw) != 8 {
		return fmt.Errorf("%q is no identity", id)
	}
	return i.store(raw)
}

func (i *Identity) store(raw []byte) error {
	text := []byte(hex.EncodeToString(raw) + "\n")
	if err := errors.Join(writeAtStart(i.file, text), i.file.Truncate(int64(len(text))), i.file.Sync()); err != nil {
		return err
	}
	i.ID = hex.EncodeToString(raw)
	return nil
}

func writeAtStart(f *os.File, b []byte) error {
	_, err := f.WriteAt(b, 0)
	return err
}

// Release unlocks the identity.
func (i *Identity) Release() { i.file.Close() }

// StateFile is a file of the state folder that belongs to a settings file; "" is a standard one. Each other settings file
// has files of its own: several daemons may run.
func StateFile(name, config string) string {
	ext := filepath.Ext(name)
	return filepath.Join(StateDir(), strings.TrimSuffix(name, ext)+fileSuffix(config)+ext)
}

// fileSuffix is the part of a file's name that depends on the settings file. It is "" for all standard files, because only
// one of them is read, and for the copy that systemd makes of /etc/guided/guided.toml (LoadCredential=).
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
