package place

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"

	"guided/player"
)

// placeVersion is that of the format of the file.
const placeVersion = 1

// maxPlaceFile is how many bytes of a file are read, and how many one may have that is written.
const maxPlaceFile = 256 << 10

// kept is what outlives the process.
type kept struct {
	Selected string  `json:"selected"`
	Volume   int     `json:"volume"`
	Setting  int     `json:"volume_setting"` // audio.volume when Volume was set: another one there counts more
	Session  *lost   `json:"session"`        // null: none is lost when the process ends
	Process  process `json:"process"`

	Unwritten []player.Record `json:"unwritten"` // of sessions that have ended, and may not be in the history yet
}

// lost is a session that would be lost, or was.
type lost struct {
	player.Place
	SavedAt *time.Time `json:"saved_at"` // when it was there; null where the clock was not to be trusted
	Offered bool       `json:"offered"`  // by a process before, and nobody took it up

	RecordOnly bool `json:"record_only"` // it is kept for the history, as resume.mode was "never"
}

// process is the one that wrote the file.
type process struct {
	Boot    string  `json:"boot"`    // the id of the boot in which it ran (/proc/sys/kernel/random/boot_id)
	Ended   bool    `json:"ended"`   // in good order
	Crashes []int64 `json:"crashes"` // the ends of this boot that were not, as seconds since the boot
}

// envelope is the file: the text of a kept, and its checksum.
type envelope struct {
	Version int             `json:"version"`
	SHA256  string          `json:"sha256"`
	Kept    json.RawMessage `json:"kept"`
}

func checksum(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func encode(k kept) ([]byte, error) {
	text, err := json.Marshal(k)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(envelope{placeVersion, checksum(text), text})
	if err == nil && len(data) >= maxPlaceFile {
		err = fmt.Errorf("%d bytes are too many for a place", len(data))
	}
	return append(data, '\n'), err
}

// decode reads what encode wrote. Whatever else the data is gives an error.
func decode(data []byte) (k kept, err error) {
	var e envelope
	if err := strictly(data, &e); err != nil {
		return kept{}, err
	}
	switch {
	case e.Version != placeVersion:
		return kept{}, fmt.Errorf("its version %d is not %d", e.Version, placeVersion)
	case e.SHA256 != checksum(e.Kept):
		return kept{}, errors.New("its checksum is wrong")
	}
	if err := strictly(e.Kept, &k); err != nil {
		return kept{}, err
	}
	if k.Volume < 0 || k.Volume > 100 || len(k.Selected) > maxPlaceFile/100 {
		return kept{}, errors.New("its values are none that were written")
	}
	return k, nil
}

// strictly decodes one JSON value without unknown keys.
func strictly(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("it goes on after its end")
	}
	return nil
}

// placeFile is the file of a kept. Beside it lies the one before, PATH.bak.
type placeFile string

func (f placeFile) backup() string { return string(f) + ".bak" }

// read is what the file holds, or, where it is missing or damaged, the one before; false where neither can be read. A
// damaged file is moved aside, and the log says so.
func (f placeFile) read(log *slog.Logger) (kept, bool) {
	for _, name := range []string{string(f), f.backup()} {
		data, err := readSmall(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var k kept
		if err == nil {
			if k, err = decode(data); err == nil {
				return k, true
			}
		}
		aside := string(f) + ".damaged"
		log.Warn("the file of what is kept over a restart cannot be read, and is moved aside", "file", name, "aside", aside, "err", err, "moved", os.Rename(name, aside) == nil)
	}
	return kept{}, false
}

// readSmall reads a regular file, up to maxPlaceFile.
func readSmall(name string) ([]byte, error) {
	file, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0) // opening a FIFO would wait
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, errors.New("it is no regular file"))
	}
	return io.ReadAll(io.LimitReader(file, maxPlaceFile))
}

// stage writes what is to become the file beside it, down to the disk. This takes as long as the disk likes.
func (f placeFile) stage(k kept) (*renameio.PendingFile, error) {
	data, err := encode(k)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(string(f)), 0o755); err != nil {
		return nil, err
	}
	staged, err := renameio.NewPendingFile(string(f), renameio.WithPermissions(0o600))
	if err != nil {
		return nil, err
	}
	if _, err = staged.Write(data); err == nil {
		err = staged.Sync()
	}
	if err != nil {
		return nil, errors.Join(err, staged.Cleanup())
	}
	return staged, nil
}

// replace makes what was staged the file, and the file the one before.
func (f placeFile) replace(staged *renameio.PendingFile) error {
	if err := os.Rename(string(f), f.backup()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, staged.Cleanup())
	}
	return staged.CloseAtomicallyReplace()
}

// withdraw replaces the file and the one before at once, without waiting for the disk: whatever becomes of the process, the
// next one reads this. Where it cannot be written, both are removed.
func (f placeFile) withdraw(k kept) error {
	gone := os.Remove(f.backup())
	if errors.Is(gone, fs.ErrNotExist) {
		gone = nil
	}
	data, err := encode(k)
	if err == nil {
		temporary := string(f) + ".new"
		if err = os.WriteFile(temporary, data, 0o600); err == nil {
			err = os.Rename(temporary, string(f))
		}
		if err != nil {
			_ = os.Remove(temporary)
		}
	}
	if err != nil {
		_ = os.Remove(string(f))
	}
	return errors.Join(gone, err)
}

// sync has the disk know the names of the folder.
func (f placeFile) sync() error {
	dir, err := os.Open(filepath.Dir(string(f)))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
