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
	maxDiskBytes   = 192 << 20
	maxMemoryBytes = 58 << 20
)

// Cache keeps what speech programs said, one WAV file each, named by what was asked. Where the disk cannot be
// written it keeps them in memory, says so once, and goes on.
type Cache struct {
	dir          string
	log          *slog.Logger
	maxDiskBytes int64 // bytes on disk

	mu          sync.Mutex
	extents     map[string]routines.Extent
	memory      map[string]Recording
	memoryOrder []string // the keys of unsaved, the oldest first
	memoryBytes int      // bytes in unsaved
	warned      bool
}

// NewCache keeps files in dir, which is made when the first one comes.
func NewCache(dir string, log *slog.Logger) *Cache {
	return &Cache{
		dir: dir, log: log, maxDiskBytes: maxDiskBytes,
		extents: map[string]routines.Extent{}, memory: map[string]Recording{},
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
	r, has := c.memory[key]
	c.mu.Unlock()
	if has {
		return r, true
	}
	data, err := os.ReadFile(c.path(key))
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			c.warnOnce(err)
		}
		c.deleteExtent(key)
		return Recording{}, false
	}
	r, err = decodeCacheFile(data)
	if err != nil {
		c.deleteExtent(key)
		return Recording{}, false
	}
	c.setExtent(key, r)
	return r, true
}

// Put keeps a recording.
func (c *Cache) Put(key string, r Recording) {
	c.setExtent(key, r)
	err := os.MkdirAll(c.dir, 0o755)
	if err == nil {
		err = renameio.WriteFile(c.path(key), encodeCacheFile(r), 0o644)
	}
	if err != nil {
		c.warnOnce(err)
		c.putInMemory(key, r)
		return
	}
	if err := c.removeOldest(key); err != nil {
		c.warnOnce(err)
	}
}

// putInMemory keeps a recording in memory, as long as there is room.
func (c *Cache) putInMemory(key string, r Recording) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, has := c.memory[key]; !has {
		c.memoryOrder = append(c.memoryOrder, key)
	}
	c.memoryBytes += 2 * (len(r.PCM) - len(c.memory[key].PCM))
	c.memory[key] = r
	for c.memoryBytes > maxMemoryBytes && len(c.memoryOrder) > 1 {
		oldest := c.memoryOrder[0]
		c.memoryOrder = c.memoryOrder[1:]
		c.memoryBytes -= 2 * len(c.memory[oldest].PCM)
		delete(c.memory, oldest)
	}
}

func (c *Cache) setExtent(key string, r Recording) {
	c.mu.Lock()
	c.extents[key] = r.Extent()
	c.mu.Unlock()
}

func (c *Cache) deleteExtent(key string) {
	c.mu.Lock()
	delete(c.extents, key)
	c.mu.Unlock()
}

func (c *Cache) warnOnce(err error) {
	c.mu.Lock()
	first := !c.warned
	c.warned = true
	c.mu.Unlock()
	if first {
		c.log.Warn("speech cannot be kept on disk; it is kept in memory until the next start", "dir", c.dir, "err", err)
	}
}

// removeOldest removes the oldest files over the limit, never the one just written.
func (c *Cache) removeOldest(newest string) error {
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
		if key := strings.TrimSuffix(f.Name(), ".wav"); total > c.maxDiskBytes && key != newest {
			total -= f.Size()
			c.deleteExtent(key)
			if failed := os.Remove(filepath.Join(c.dir, f.Name())); !errors.Is(failed, fs.ErrNotExist) {
				err = errors.Join(err, failed)
			}
		}
	}
	return err
}

// encodeCacheFile is a plain mono WAV file with one more chunk, the beat.
func encodeCacheFile(r Recording) []byte {
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

const cacheHeaderBytes = 56

func decodeCacheFile(b []byte) (Recording, error) {
	if len(b) <= cacheHeaderBytes || string(b[36:40]) != "beat" || string(b[48:52]) != "data" ||
		uint64(binary.LittleEndian.Uint32(b[52:])) != uint64(len(b)-cacheHeaderBytes) {
		return Recording{}, fmt.Errorf("a kept recording of %d bytes is not whole", len(b))
	}
	r := Recording{PCM: make([]int16, (len(b)-cacheHeaderBytes)/2), Beat: int(binary.LittleEndian.Uint32(b[44:]))}
	for i := range r.PCM {
		r.PCM[i] = int16(binary.LittleEndian.Uint16(b[cacheHeaderBytes+2*i:]))
	}
	if r.Beat < 0 || r.Beat > len(r.PCM) {
		return Recording{}, errors.New("a kept recording's beat lies outside it")
	}
	return r, nil
}
