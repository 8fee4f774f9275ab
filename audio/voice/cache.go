package voice

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"

	"github.com/google/renameio/v2"

	"guided/audio"
	"guided/routines"
)

// How much the cache keeps on disk, about half an hour of speech, and in memory where there is no disk, ten minutes.
// The oldest goes first.
const (
	cacheBytes   = 192 << 20
	unsavedBytes = 58 << 20
)

// Cache keeps what speech programs said, one WAV file each, named by what was asked. Where the disk cannot be
// written it keeps them in memory, says so once, and goes on.
type Cache struct {
	dir   string
	log   *slog.Logger
	limit int64 // bytes on disk

	mu      sync.Mutex
	extents map[string]routines.Extent
	unsaved map[string]Recording
	order   []string // the keys of unsaved, the oldest first
	held    int      // bytes in unsaved
	warned  bool
}

// NewCache keeps files in dir, which is made when the first one comes.
func NewCache(dir string, log *slog.Logger) *Cache {
	return &Cache{
		dir: dir, log: log, limit: cacheBytes,
		extents: map[string]routines.Extent{}, unsaved: map[string]Recording{},
	}
}

// cacheKey names a recording by everything that decided how it sounds.
func cacheKey(parts ...string) string {
	sum := sha256.Sum256([]byte("v1\x00" + strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

func (c *Cache) path(key string) string { return filepath.Join(c.dir, key+".wav") }

// Extent tells how long a kept recording is.
func (c *Cache) Extent(key string) (routines.Extent, bool) {
	c.mu.Lock()
	e, has := c.extents[key]
	c.mu.Unlock()
	if has {
		return e, true
	}
	r, has := c.Get(key)
	return r.Extent(), has
}

// Get reads a kept recording. A file that is not whole is as if it were not there.
func (c *Cache) Get(key string) (Recording, bool) {
	c.mu.Lock()
	r, has := c.unsaved[key]
	c.mu.Unlock()
	if has {
		return r, true
	}
	data, err := os.ReadFile(c.path(key))
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			c.complain(err)
		}
		c.forget(key)
		return Recording{}, false
	}
	r, err = parseCached(data)
	if err != nil {
		c.forget(key)
		return Recording{}, false
	}
	c.remember(key, r)
	return r, true
}

// Put keeps a recording.
func (c *Cache) Put(key string, r Recording) {
	c.remember(key, r)
	err := os.MkdirAll(c.dir, 0o755)
	if err == nil {
		err = renameio.WriteFile(c.path(key), formatCached(r), 0o644)
	}
	if err != nil {
		c.complain(err)
		c.hold(key, r)
		return
	}
	if err := c.prune(key); err != nil {
		c.complain(err)
	}
}

// hold keeps a recording in memory, as long as there is room.
func (c *Cache) hold(key string, r Recording) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, has := c.unsaved[key]; !has {
		c.order = append(c.order, key)
	}
	c.held += 2 * (len(r.PCM) - len(c.unsaved[key].PCM))
	c.unsaved[key] = r
	for c.held > unsavedBytes && len(c.order) > 1 {
		oldest := c.order[0]
		c.order = c.order[1:]
		c.held -= 2 * len(c.unsaved[oldest].PCM)
		delete(c.unsaved, oldest)
	}
}

func (c *Cache) remember(key string, r Recording) {
	c.mu.Lock()
	c.extents[key] = r.Extent()
	c.mu.Unlock()
}

func (c *Cache) forget(key string) {
	c.mu.Lock()
	delete(c.extents, key)
	c.mu.Unlock()
}

func (c *Cache) complain(err error) {
	c.mu.Lock()
	first := !c.warned
	c.warned = true
	c.mu.Unlock()
	if first {
		c.log.Warn("speech cannot be kept on disk; it is kept in memory until the next start", "dir", c.dir, "err", err)
	}
}

// prune removes the oldest files over the limit, never the one just written.
func (c *Cache) prune(newest string) error {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return err
	}
	var files []fs.FileInfo
	total := int64(0)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && strings.HasSuffix(e.Name(), ".wav") {
			files = append(files, info)
			total += info.Size()
		}
	}
	sort.Slice(files, func(i, j int) bool { return files[i].ModTime().Before(files[j].ModTime()) })
	for _, f := range files {
		if key := strings.TrimSuffix(f.Name(), ".wav"); total > c.limit && key != newest {
			total -= f.Size()
			c.forget(key)
			if failed := os.Remove(filepath.Join(c.dir, f.Name())); !errors.Is(failed, fs.ErrNotExist) {
				err = errors.Join(err, failed)
			}
		}
	}
	return err
}

// formatCached is a plain mono WAV file with one more chunk, the beat.
func formatCached(r Recording) []byte {
	b := make([]byte, 0, 56+2*len(r.PCM))
	u32 := func(v uint32) { b = binary.LittleEndian.AppendUint32(b, v) }
	b = append(b, "RIFF"...)
	u32(uint32(48 + 2*len(r.PCM)))
	b = append(b, "WAVEfmt "...)
	u32(16)
	b = append(b, 1, 0, 1, 0)
	u32(audio.Rate)
	u32(2 * audio.Rate)
	b = append(b, 2, 0, 16, 0)
	b = append(b, "beat"...)
	u32(4)
	u32(uint32(r.Beat))
	b = append(b, "data"...)
	u32(uint32(2 * len(r.PCM)))
	for _, s := range r.PCM {
		b = binary.LittleEndian.AppendUint16(b, uint16(s))
	}
	return b
}

const cachedHeader = 56

func parseCached(b []byte) (Recording, error) {
	if len(b) <= cachedHeader || string(b[36:40]) != "beat" || string(b[48:52]) != "data" ||
		uint64(binary.LittleEndian.Uint32(b[52:])) != uint64(len(b)-cachedHeader) {
		return Recording{}, fmt.Errorf("a kept recording of %d bytes is not whole", len(b))
	}
	r := Recording{PCM: make([]int16, (len(b)-cachedHeader)/2), Beat: int(binary.LittleEndian.Uint32(b[44:]))}
	for i := range r.PCM {
		r.PCM[i] = int16(binary.LittleEndian.Uint16(b[cachedHeader+2*i:]))
	}
	if r.Beat < 0 || r.Beat > len(r.PCM) {
		return Recording{}, errors.New("a kept recording's beat lies outside it")
	}
	return r, nil
}
