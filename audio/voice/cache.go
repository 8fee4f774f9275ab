package voice

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/renameio/v2"

	"guided/audio"
	"guided/routines"
)

// The limits of a cache; the oldest recordings are removed first.
const (
	maxDiskBytes   = 192 << 20 // half an hour of speech
	maxMemoryBytes = 58 << 20  // ten minutes, where the disk cannot be written

	maxCacheFileBytes = cacheHeaderBytes + 2*maxSpeechSeconds*audio.Rate // no recording is longer
)

// Cache stores recordings by key, each in a WAV file. A recording that cannot be written is kept in memory; the first
// time that happens is logged as a warning. A Cache is for concurrent use.
type Cache struct {
	dir          string
	files        *audio.Files
	log          *slog.Logger
	maxDiskBytes int64
	warned       atomic.Bool

	mu          sync.Mutex
	extents     map[string]routines.Extent // of what was read or put, so that Measure reads no file twice
	memory      map[string]Recording       // what could not be written
	memoryOrder []string                   // the keys of memory, the oldest first
	memoryBytes int                        // of PCM in memory
}

// leftoverAge is how old a temporary file is that no process writes any more.
const leftoverAge = 5 * time.Second

// NewCache returns a cache in the folder dir, which Put creates. Temporary files that a killed process left there are
// removed.
func NewCache(dir string, log *slog.Logger) *Cache {
	if err := audio.RemoveTemporary(dir, ".*.wav[0-9]*", leftoverAge); err != nil {
		log.Debug("temporary files of speech cannot be removed", "dir", dir, "err", err)
	}
	return &Cache{
		dir: dir, files: audio.NewFiles(audio.InFolders(os.DirFS(dir))), log: log, maxDiskBytes: maxDiskBytes,
		extents: map[string]routines.Extent{}, memory: map[string]Recording{},
	}
}

// cacheKey returns a key, and file name, made of everything that the sound of a recording depends on.
func cacheKey(parts ...string) string {
	sum := sha256.Sum256([]byte("v1\x00" + strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

func (c *Cache) path(key string) string { return filepath.Join(c.dir, key+".wav") }

// Measure returns the extent of a stored recording; false where the key is not stored.
func (c *Cache) Measure(key string) (routines.Extent, bool) {
	c.mu.Lock()
	e, ok := c.extents[key]
	c.mu.Unlock()
	if ok {
		return e, true
	}
	r, ok := c.Get(key)
	return r.Extent(), ok
}

// Get returns a stored recording. A file that is damaged counts as missing: Put replaces it.
func (c *Cache) Get(key string) (Recording, bool) {
	c.mu.Lock()
	r, ok := c.memory[key]
	c.mu.Unlock()
	if ok {
		return r, true
	}
	data, err := c.files.ReadFile(context.Background(), key+".wav", maxCacheFileBytes)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.warnOnce(err)
	}
	if err == nil {
		r, err = decodeCacheFile(data)
	}
	if err != nil {
		c.deleteExtent(key)
		return Recording{}, false
	}
	c.setExtent(key, r)
	return r, true
}

// Put stores a recording.
func (c *Cache) Put(key string, r Recording) {
	c.setExtent(key, r)
	err := os.MkdirAll(c.dir, 0o755)
	if err == nil {
		err = renameio.WriteFile(c.path(key), encodeCacheFile(r), 0o644, renameio.WithTempDir(c.dir))
	}
	if err != nil {
		c.putInMemory(key, r)
	} else {
		err = c.removeOldest(key)
	}
	if err != nil {
		c.warnOnce(err)
	}
}

// putInMemory stores a recording in memory, and removes the oldest ones there while they exceed maxMemoryBytes.
func (c *Cache) putInMemory(key string, r Recording) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.memory[key]; !ok {
		c.memoryOrder = append(c.memoryOrder, key)
	}
	c.memoryBytes += 2 * (len(r.PCM) - len(c.memory[key].PCM))
	c.memory[key] = r
	for c.memoryBytes > maxMemoryBytes && len(c.memoryOrder) > 1 {
		oldest := c.memoryOrder[0]
		c.memoryOrder = c.memoryOrder[1:]
		c.memoryBytes -= 2 * len(c.memory[oldest].PCM)
		delete(c.memory, oldest)
		delete(c.extents, oldest)
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

// warnOnce tells why the cache keeps nothing on disk, the first time.
func (c *Cache) warnOnce(err error) {
	if !c.warned.Swap(true) {
		c.log.Warn("speech cannot be kept on disk; it is kept in memory until the next start", "dir", c.dir, "err", err)
	}
}

// removeOldest removes the oldest files while all exceed the limit, but never that of the key newest.
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

// cacheHeaderBytes is the header of a cache file: a WAV header of 44 bytes and a chunk "beat" of 12.
const cacheHeaderBytes = 56

// encodeCacheFile returns a recording as a mono 16-bit WAV file at audio.Rate with one more chunk before its data:
// "beat", 4 bytes, the beat in samples. Other programs skip an unknown chunk.
func encodeCacheFile(r Recording) []byte {
	beat := audio.WAVChunk{ID: "beat", Data: binary.LittleEndian.AppendUint32(nil, uint32(r.Beat))}
	b := audio.WAVFormat{Channels: 1, Rate: audio.Rate, Bits: 16}.Header(len(r.PCM), beat)
	b = slices.Grow(b, 2*len(r.PCM))
	for _, s := range r.PCM {
		b = binary.LittleEndian.AppendUint16(b, uint16(s))
	}
	return b
}

// decodeCacheFile reads what encodeCacheFile wrote, and no other WAV file. A file that was cut or filled up is an error.
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
