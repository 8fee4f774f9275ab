package mix

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"guided/audio"
)

const (
	// maxStoreBytes is how much decoded sound is kept: three hours. What was not heard for longest leaves first. It is a
	// sixteenth of a small SD card, and a sound is written once, however often it is heard.
	maxStoreBytes = 1 << 30
	// minFreeBytes is how much of a disk is left to others.
	minFreeBytes = 256 << 20
	// storeTimeout is how long one operation on the folder may take: what is slower is better decoded again. A folder that
	// does not answer costs it twice, and is left alone then.
	storeTimeout = 2 * time.Second
	// usedStep is how old the time of a file's latest use may be before it is written anew.
	usedStep = 12 * time.Hour
)

// soundStore keeps decoded sound on disk. Each file holds the samples of one version of a sound file as a clip or as a loop:
// a header, and then blocks of blockLen samples, little-endian, each after its checksum (CRC-32). A file gets its name when it
// is whole. A store on a disk that is full or cannot be written keeps nothing.
type soundStore struct {
	dir     string
	files   *audio.Files
	index   *soundIndex
	log     *slog.Logger
	warned  atomic.Bool
	limit   int64 // bytes
	minFree int64

	buffers sync.Pool // of *[]byte that have room for a block and its checksum

	mu      sync.Mutex // never held across I/O
	bytes   int64      // of all files; -1: not known yet
	cleaned bool       // what killed processes left was removed
}

// newSoundStore returns the store in a folder, which is created at the first writing.
func newSoundStore(dir string, log *slog.Logger) *soundStore {
	files := audio.NewFiles(audio.InFolders(os.DirFS(dir))).Within(storeTimeout)
	return &soundStore{dir: dir, files: files, index: newSoundIndex(dir, files), log: log, limit: maxStoreBytes, minFree: minFreeBytes, bytes: -1}
}

// The header of a file: a magic of 16 bytes, the samples in 8, and the number of the version and kind in 8.
const (
	storeMagic       = "guided sound 1\r\n"
	storeHeaderBytes = 32
	storedBlockBytes = 4 + 2*blockLen
	storeEnding      = ".pcm"
)

// storedBytes is the size of a file of so many samples.
func storedBytes(length int) int64 {
	return storeHeaderBytes + 2*int64(length) + 4*((int64(length)+blockLen-1)/blockLen)
}

// storeKey names the samples of a version of a file.
func storeKey(v fileVersion, kind soundKind) (name string, number uint64) {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%+v", factsVersion, kind, v))
	return hex.EncodeToString(sum[:16]), binary.LittleEndian.Uint64(sum[16:])
}

func storeHeader(length int, number uint64) []byte {
	b := append(make([]byte, 0, storeHeaderBytes), storeMagic...)
	b = binary.LittleEndian.AppendUint64(b, uint64(length))
	return binary.LittleEndian.AppendUint64(b, number)
}

// errDamaged is the error of a file of the store that is not what was written.
var errDamaged = errors.New("a decoded sound in the cache is damaged")

// buffer returns memory for a block and its checksum. Give it back to putBuffer.
func (s *soundStore) buffer() []byte {
	if b, has := s.buffers.Get().(*[]byte); has {
		return (*b)[:0]
	}
	return make([]byte, 0, storedBlockBytes)
}

func (s *soundStore) putBuffer(b []byte) {
	if cap(b) == storedBlockBytes {
		s.buffers.Put(&b)
	}
}

// storedSource reads blocks from the store.
type storedSource struct {
	store  *soundStore
	file   *audio.File
	length int
	raw    []byte
}

// open opens the samples of a version; false where the store does not have them. What is not whole is removed.
func (s *soundStore) open(ctx context.Context, v fileVersion, kind soundKind, length int) (*storedSource, bool) {
	name, number := storeKey(v, kind)
	file, err := s.files.Open(ctx, name+storeEnding, storedBytes(audio.MaxSoundSeconds*audio.Rate))
	if err != nil {
		return nil, false
	}
	header := make([]byte, storeHeaderBytes)
	if _, err := file.ReadAt(header, 0); err != nil || !slices.Equal(header, storeHeader(length, number)) || file.Size != storedBytes(length) {
		file.Close()
		if err == nil || errors.Is(err, io.EOF) {
			s.remove(v, kind)
		}
		return nil, false
	}
	if time.Since(file.Modified).Abs() > usedStep {
		_ = s.files.Do(ctx, s.dir, func() error { // on a read-only disk nothing leaves either
			now := time.Now()
			return os.Chtimes(filepath.Join(s.dir, name+storeEnding), now, now)
		}, func() {})
	}
	return &storedSource{store: s, file: file, length: length, raw: s.buffer()}, true
}

func (s *storedSource) read(ctx context.Context, k int) ([]int16, error) {
	n := min(blockLen, s.length-k*blockLen)
	s.raw = s.raw[:4+2*n]
	s.file.Continue(ctx)
	if got, err := s.file.ReadAt(s.raw, storeHeaderBytes+int64(k)*storedBlockBytes); got < len(s.raw) {
		return nil, errors.Join(errDamaged, err)
	}
	if crc32.ChecksumIEEE(s.raw[4:]) != binary.LittleEndian.Uint32(s.raw) {
		return nil, errDamaged
	}
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(s.raw[4+2*i:]))
	}
	return pcm, nil
}

func (s *storedSource) close() {
	s.file.Close()
	s.store.putBuffer(s.raw)
	s.raw = nil
}

// remove removes the samples of a version.
func (s *soundStore) remove(v fileVersion, kind soundKind) {
	name, _ := storeKey(v, kind)
	path := filepath.Join(s.dir, name+storeEnding)
	_ = s.files.Do(context.Background(), s.dir, func() error { // what stays is found damaged again
		info, err := os.Stat(path)
		if err == nil {
			err = os.Remove(path)
		}
		if err == nil {
			s.count(-info.Size())
		}
		return err
	}, func() {})
}

// count adds to the bytes of all files, where they are known.
func (s *soundStore) count(bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bytes >= 0 {
		s.bytes += bytes
	}
}

// storeWriter writes the samples of one version. After an error it writes nothing more, and finish removes what was.
type storeWriter struct {
	store *soundStore
	v     fileVersion
	kind  soundKind
	file  *os.File
	raw   []byte // of the block that is not complete, with its checksum
	n     int    // samples so far
	err   error
}

// create begins to write about so many samples. It returns nil where they have no room on the disk.
func (s *soundStore) create(ctx context.Context, v fileVersion, kind soundKind, length int) *storeWriter {
	size := storedBytes(length)
	if size > s.limit {
		return nil
	}
	name, _ := storeKey(v, kind)
	var file *os.File
	err := s.files.Do(ctx, s.dir, func() (err error) {
		file, err = s.begin(name, size)
		return err
	}, func() {
		if file != nil {
			_ = errors.Join(file.Close(), os.Remove(file.Name())) // else a later process removes it
		}
	})
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		s.warnOnce(err)
		return nil
	}
	w := &storeWriter{store: s, v: v, kind: kind, file: file, raw: s.buffer()[:4]}
	_, w.err = file.Write(make([]byte, storeHeaderBytes))
	return w
}

// begin creates a temporary file for so many bytes.
func (s *soundStore) begin(name string, size int64) (*os.File, error) {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return nil, err
	}
	s.mu.Lock()
	cleaned := s.cleaned
	s.cleaned = true
	s.mu.Unlock()
	if !cleaned {
		if err := audio.RemoveTemporary(s.dir, ".*"+storeEnding+"[0-9]*", leftoverAge); err != nil {
			s.log.Debug("temporary files of decoded sound cannot be removed", "dir", s.dir, "err", err)
		}
	}
	var disk syscall.Statfs_t
	if err := syscall.Statfs(s.dir, &disk); err != nil {
		return nil, err
	}
	if int64(disk.Bavail)*int64(disk.Bsize) < size+s.minFree { // what is stored gives way to others too
		s.makeRoom(s.limit / 2)
		return nil, fmt.Errorf("the disk of %s is almost full", s.dir)
	}
	s.makeRoom(s.limit - size)
	return os.CreateTemp(s.dir, "."+name+storeEnding+"*")
}

// leftoverAge is how old a temporary file is that no process writes any more.
const leftoverAge = 5 * time.Second

// add takes the next samples.
func (w *storeWriter) add(pcm []int16) {
	for len(pcm) > 0 && w.err == nil {
		n := min(len(pcm), (storedBlockBytes-len(w.raw))/2)
		for _, x := range pcm[:n] {
			w.raw = binary.LittleEndian.AppendUint16(w.raw, uint16(x))
		}
		w.n += n
		if pcm = pcm[n:]; len(w.raw) == storedBlockBytes {
			w.flush()
		}
	}
}

func (w *storeWriter) flush() {
	binary.LittleEndian.PutUint32(w.raw, crc32.ChecksumIEEE(w.raw[4:]))
	if w.err == nil {
		_, w.err = w.file.Write(w.raw)
	}
	w.raw = w.raw[:4]
}

// finish gives the file its name, where all samples were added without an error; else it removes it.
func (w *storeWriter) finish(whole bool) {
	if whole && len(w.raw) > 4 {
		w.flush()
	}
	w.store.putBuffer(w.raw)
	name, number := storeKey(w.v, w.kind)
	if whole && w.err == nil {
		_, w.err = w.file.WriteAt(storeHeader(w.n, number), 0)
	}
	w.err = errors.Join(w.err, w.file.Close())
	if whole && w.err == nil {
		w.err = os.Rename(w.file.Name(), filepath.Join(w.store.dir, name+storeEnding))
	}
	if whole && w.err == nil {
		w.store.count(storedBytes(w.n))
		return
	}
	_ = os.Remove(w.file.Name()) // else a later process does
	if w.err != nil {
		w.store.warnOnce(w.err)
	}
}

// makeRoom removes the files that were not used for longest while all have more than so many bytes.
func (s *soundStore) makeRoom(most int64) {
	s.mu.Lock()
	known := s.bytes
	s.mu.Unlock()
	if known >= 0 && known <= most {
		return
	}
	list, err := os.ReadDir(s.dir)
	if err != nil {
		return
	}
	var files []fs.FileInfo
	total := int64(0)
	for _, e := range list {
		if info, err := e.Info(); err == nil && strings.HasSuffix(e.Name(), storeEnding) && info.Mode().IsRegular() {
			files = append(files, info)
			total += info.Size()
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, f := range files {
		if total <= most {
			break
		}
		if os.Remove(filepath.Join(s.dir, f.Name())) == nil {
			total -= f.Size()
		}
	}
	s.mu.Lock()
	s.bytes = total
	s.mu.Unlock()
}

// hasRoom reports whether so many samples fit without the removal of others.
func (s *soundStore) hasRoom(ctx context.Context, length int) bool {
	err := s.files.Do(ctx, s.dir, func() error {
		s.makeRoom(s.limit)
		return nil
	}, func() {})
	s.mu.Lock()
	defer s.mu.Unlock()
	return err == nil && s.bytes+storedBytes(length) <= s.limit
}

// warnOnce tells why the store keeps nothing, the first time.
func (s *soundStore) warnOnce(err error) {
	if !s.warned.Swap(true) {
		s.log.Warn("decoded sound cannot be kept on disk; it is decoded each time", "dir", s.dir, "err", err)
	}
}
