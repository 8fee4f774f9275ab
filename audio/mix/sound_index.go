package mix

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/google/renameio/v2"

	"guided/audio"
)

const (
	// maxKnownSounds is how many sound files are remembered: more than a folder of routines has. Above it the memory is
	// begun anew.
	maxKnownSounds = 20_000
	// indexFile is the name of the index in the folder of decoded sounds.
	indexFile = "index"
	// maxSoundIndexBytes is where an index that has grown by changes is written anew with what is still true.
	maxSoundIndexBytes = 16 << 20
	// factsVersion begins every line of an index. It changes when the same file would give other facts, such as after a
	// change of the limits or of a decoder.
	factsVersion = "1"
)

// fileVersion identifies the content of a file without reading it: no program writes to a file and leaves all of it. The
// number of its inode is no part of it: on a stick with FAT and on some network folders that changes by itself.
type fileVersion struct {
	name     string
	size     int64
	modified int64 // nanoseconds since 1970
	changed  int64 // the kernel's time of the latest change of any kind, 0 where it is not known
}

func versionOf(name string, info fs.FileInfo) fileVersion {
	v := fileVersion{name: name, size: info.Size(), modified: info.ModTime().UnixNano()}
	if stat, is := info.Sys().(*syscall.Stat_t); is {
		v.changed = stat.Ctim.Nano()
	}
	return v
}

// soundFacts is what decoding has told of one version of a sound file.
type soundFacts struct {
	length  int       // samples at audio.Rate; 0: not measured
	checked bool      // the sound can be decoded to its end; else length is what the header says
	err     error     // why it cannot be played
	sum     [32]byte  // SHA-256 of the file; zero: not computed
	level   loopLevel // as a bed; zero: not measured
	loopErr error     // why it cannot be a bed
}

// soundIndex keeps the facts of sound files on disk: a file to which each process appends lines. A line has a checksum, so
// what is torn or foreign is passed over; the last line of a file's name is true. Where processes overtake each other, a line
// is lost and its file measured again. Nothing is forced to the disk: after a power cut the latest facts may be missing.
type soundIndex struct {
	dir   string
	files *audio.Files

	mu      sync.Mutex // never held across I/O
	loading chan struct{}
	entries map[string]indexEntry // by name
	bytes   int64                 // of the file
}

type indexEntry struct {
	version fileVersion
	facts   soundFacts
}

func newSoundIndex(dir string, files *audio.Files) *soundIndex {
	return &soundIndex{dir: dir, files: files}
}

// load reads the index at its first use; other callers wait for that.
func (x *soundIndex) load() {
	x.mu.Lock()
	loading := x.loading
	if loading == nil {
		x.loading = make(chan struct{})
	}
	x.mu.Unlock()
	if loading != nil {
		<-loading
		return
	}
	defer close(x.loading)
	entries := map[string]indexEntry{}
	data, err := x.files.ReadFile(context.Background(), indexFile, 2*maxSoundIndexBytes)
	if err != nil { // it is begun anew, where it can be written
		data = nil
	}
	for line := range bytes.Lines(data) {
		if e, is := parseIndexLine(string(line)); is {
			entries[e.version.name] = e
		}
	}
	x.mu.Lock()
	x.entries, x.bytes = entries, int64(len(data))
	x.mu.Unlock()
}

// get returns what is known of a version of a file, no facts where nothing is.
func (x *soundIndex) get(v fileVersion) soundFacts {
	x.load()
	x.mu.Lock()
	defer x.mu.Unlock()
	if e := x.entries[v.name]; e.version == v {
		return e.facts
	}
	return soundFacts{}
}

// put notes the facts of a version, and returns why they could not be written.
func (x *soundIndex) put(v fileVersion, facts soundFacts) error {
	x.load()
	line := formatIndexLine(indexEntry{v, facts})
	x.mu.Lock()
	if len(x.entries) >= maxKnownSounds {
		clear(x.entries)
	}
	x.entries[v.name] = indexEntry{v, facts}
	x.bytes += int64(len(line))
	rewrite := x.bytes > maxSoundIndexBytes
	if rewrite {
		var whole strings.Builder
		for _, e := range x.entries {
			whole.WriteString(formatIndexLine(e))
		}
		line = whole.String()
		x.bytes = int64(len(line))
	}
	x.mu.Unlock()
	return x.files.Do(context.Background(), x.dir, func() error { return x.write(line, rewrite) }, func() {})
}

// write appends lines to the file, or replaces it.
func (x *soundIndex) write(lines string, replace bool) error {
	path := filepath.Join(x.dir, indexFile)
	if err := os.MkdirAll(x.dir, 0o755); err != nil {
		return err
	}
	if replace {
		return renameio.WriteFile(path, []byte(lines), 0o644, renameio.WithTempDir(x.dir))
	}
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() { // opening a pipe would wait
		return fmt.Errorf("%s is no regular file", path)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = file.WriteString(lines)
	return errors.Join(err, file.Close())
}

// formatIndexLine returns an entry as a line of fields between tabs, the first of which is the checksum of the others. An
// empty line goes before it: it ends a line that was torn.
func formatIndexLine(e indexEntry) string {
	text := func(err error) string {
		if err == nil {
			return `""`
		}
		return strconv.Quote(err.Error())
	}
	v, f := e.version, e.facts
	line := strings.Join([]string{
		factsVersion, strconv.Quote(v.name), strconv.FormatInt(v.size, 10), strconv.FormatInt(v.modified, 10),
		strconv.FormatInt(v.changed, 10),
		strconv.Itoa(f.length), strconv.FormatBool(f.checked), text(f.err), hex.EncodeToString(f.sum[:]),
		strconv.Itoa(f.level.total), strconv.FormatUint(math.Float64bits(f.level.gain), 16), text(f.loopErr),
	}, "\t")
	return fmt.Sprintf("\n%08x\t%s\n", crc32.ChecksumIEEE([]byte(line)), line)
}

// parseIndexLine reads what formatIndexLine wrote, and reports whether line is that.
func parseIndexLine(line string) (e indexEntry, is bool) {
	sum, line, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
	if fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(line))) != sum {
		return e, false
	}
	f := strings.Split(line, "\t")
	if len(f) != 12 || f[0] != factsVersion {
		return e, false
	}
	ok := true
	number := func(s string) int64 {
		n, err := strconv.ParseInt(s, 10, 64)
		ok = ok && err == nil
		return n
	}
	text := func(s string) string {
		t, err := strconv.Unquote(s)
		ok = ok && err == nil
		return t
	}
	problem := func(s string) error {
		if t := text(s); t != "" {
			return errors.New(t)
		}
		return nil
	}
	bits, err := strconv.ParseUint(f[10], 16, 64)
	ok = err == nil
	e.version = fileVersion{text(f[1]), number(f[2]), number(f[3]), number(f[4])}
	e.facts = soundFacts{
		length: int(number(f[5])), checked: f[6] == "true", err: problem(f[7]),
		level: loopLevel{int(number(f[9])), math.Float64frombits(bits)}, loopErr: problem(f[11]),
	}
	n, err := hex.Decode(e.facts.sum[:], []byte(f[8][:min(64, len(f[8]))]))
	const most = audio.MaxSoundSeconds * audio.Rate
	ok = ok && err == nil && n == 32 && e.facts.length >= 0 && e.facts.length <= most && e.facts.level.total >= 0 && e.facts.level.total <= most
	return e, ok
}

// isUnreadable reports whether an error says that a file could not be read, and nothing about its content.
func isUnreadable(err error) bool {
	return errors.As(err, new(audio.ReadError)) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, fs.ErrNotExist)
}
