package schedule

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/google/renameio/v2"
)

// store is what outlives the program, in two files: what people chose, in a form that they can read and edit, and what the
// runner has to remember.
type store struct {
	file    string // schedule.toml: entries and switches; "": nothing is kept
	log     *slog.Logger
	text    []byte   // of that file, for the lines on which entries stand
	lost    string   // what of the entries was in a damaged file, in a sentence; empty: nothing
	leftOut []string // what is wrong with the entries that cannot be used
	failing bool     // a failure to write was told

	choices
	memory
}

// choices are the entries that were made on the page, and the switches.
type choices struct {
	Off        bool     `toml:"off,omitempty"`         // the whole schedule
	EntriesOff []string `toml:"entries_off,omitempty"` // entries that are switched off
	Schedule   Tables   `toml:"schedule,omitempty"`
}

// memory is what the runner has to remember.
type memory struct {
	Done    map[string][]string `json:"done,omitempty"`    // by entry, the last runs that were carried out, by Run.Local
	Skipped map[string][]string `json:"skipped,omitempty"` // and those that are not to be
	Snoozed []snoozedRun        `json:"snoozed,omitempty"`
}

// snoozedRun is a run that was moved.
type snoozedRun struct {
	Entry string    `json:"entry"`
	Local string    `json:"local"` // by which it is known
	At    time.Time `json:"at"`
}

// maxDone is how many runs of an entry are remembered, and so how far the clock may be set back without one being repeated.
const maxDone = 48

// maxStoreFile bounds the files that are read, in bytes.
const maxStoreFile = 1 << 20

// openStore reads the files. A damaged one is moved aside, and what it held is forgotten; the log says so.
func openStore(file string, log *slog.Logger) *store {
	return readStore(file, log, func(damaged, lost string, why error) {
		log.Warn("a file of the schedule cannot be read and is moved aside; "+lost, "file", damaged, "to", aside(damaged), "err", why)
		if err := os.Rename(damaged, aside(damaged)); err != nil {
			log.Warn("it could not be moved aside", "file", damaged, "err", err)
		}
	})
}

// aside is the name of a damaged file.
func aside(file string) string { return file + ".damaged" }

// decodeChoices reads schedule.toml.
func decodeChoices(data []byte) (c choices, err error) {
	meta, err := toml.Decode(string(data), &c)
	if unknown := meta.Undecoded(); err == nil && len(unknown) > 0 {
		err = fmt.Errorf("%q is not known", unknown[0].String())
	}
	if err != nil {
		return choices{}, err
	}
	return c, nil
}

// readStore reads the files. damaged is told of one that cannot be read, and of what is lost by that.
func readStore(file string, log *slog.Logger, damaged func(file, lost string, why error)) *store {
	s := &store{file: file, log: log}
	load := func(file, lost string, decode func([]byte) error) {
		data, err := readWhole(file)
		if err == nil {
			err = decode(data)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			damaged(file, lost, err)
		}
	}
	if file != "" {
		load(file, "its entries and switches are forgotten", func(data []byte) (err error) {
			s.choices, err = decodeChoices(data)
			if err != nil {
				s.lost = fmt.Sprintf("%s could not be read: the entries that were made on the page do not count; what is left of them is kept as %s", file, aside(file))
			}
			s.text = data
			return err
		})
		load(s.memoryFile(), "runs that were skipped or snoozed take place as planned", func(data []byte) error {
			err := json.Unmarshal(data, &s.memory)
			if err != nil {
				s.memory = memory{}
			}
			return err
		})
	}
	for _, m := range []*map[string][]string{&s.Done, &s.Skipped} {
		if *m == nil {
			*m = map[string][]string{}
		}
	}
	return s
}

// memoryFile lies beside the file of the choices: schedule.json.
func (s *store) memoryFile() string { return strings.TrimSuffix(s.file, ".toml") + ".json" }

// readWhole reads a regular file of a sensible size; opening a pipe would wait.
func readWhole(file string) ([]byte, error) {
	about, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, err
	case !about.Mode().IsRegular():
		return nil, errors.New("it is no regular file")
	case about.Size() > maxStoreFile:
		return nil, fmt.Errorf("it has %d bytes; more than %d are not ours", about.Size(), maxStoreFile)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxStoreFile))
}

// saveChoices writes the entries and switches.
func (s *store) saveChoices() { s.told(s.writeChoices()) }

// encode is choices as schedule.toml has them.
func (c choices) encode() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("# Written by guided: entries that were made on its page, and what is switched off.\n")
	err := toml.NewEncoder(&b).Encode(c)
	if err == nil && b.Len() > maxStoreFile {
		err = fmt.Errorf("it would have %d bytes; %d are allowed", b.Len(), maxStoreFile)
	}
	return b.Bytes(), err
}

func (s *store) writeChoices() error {
	data, err := s.choices.encode()
	if err == nil {
		err = s.write(s.file, data)
	}
	if err == nil {
		s.text = data
	}
	return err
}

// saveMemory writes what the runner remembers.
func (s *store) saveMemory() {
	data, err := json.Marshal(s.memory)
	if err == nil {
		err = s.write(s.memoryFile(), append(data, '\n'))
	}
	s.told(err)
}

// write replaces a file, so that it is the old or the new one after a power cut.
func (s *store) write(file string, data []byte) error {
	if s.file == "" {
		return nil
	}
	dir := filepath.Dir(file)
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		err = renameio.WriteFile(file, data, 0o644)
	}
	if err != nil {
		return err
	}
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// told logs a failure to write once, until it has ended.
func (s *store) told(err error) {
	if err != nil && !s.failing {
		s.log.Warn("the schedule's memory cannot be written; it goes on without, and forgets at the next start what was switched off, skipped or carried out",
			"file", s.file, "err", err)
	}
	s.failing = err != nil
}

// done notes a run as carried out.
func (s *store) done(r Run) {
	list := append(s.Done[r.Entry.Name], r.Local)
	s.Done[r.Entry.Name] = list[max(0, len(list)-maxDone):]
}

func (s *store) wasDone(r Run) bool    { return slices.Contains(s.Done[r.Entry.Name], r.Local) }
func (s *store) wasSkipped(r Run) bool { return slices.Contains(s.Skipped[r.Entry.Name], r.Local) }

func (s *store) isOff(name string) bool {
	return slices.ContainsFunc(s.EntriesOff, func(n string) bool { return strings.EqualFold(n, name) })
}

// forget drops what is remembered of entries that are gone, and of skipped runs long ago.
func (s *store) forget(entries []*Entry, now time.Time) {
	known := map[string]bool{}
	for _, e := range entries {
		known[e.Name] = true
	}
	gone := func(name string, _ []string) bool { return !known[name] }
	maps.DeleteFunc(s.Done, gone)
	maps.DeleteFunc(s.Skipped, gone)
	old := now.AddDate(0, 0, -3).Format(localLayout)
	for name, list := range s.Skipped {
		s.Skipped[name] = slices.DeleteFunc(list, func(local string) bool { return local < old })
		if len(s.Skipped[name]) == 0 {
			delete(s.Skipped, name)
		}
	}
	s.Snoozed = slices.DeleteFunc(s.Snoozed, func(z snoozedRun) bool { return !known[z.Entry] })
	s.EntriesOff = slices.DeleteFunc(s.EntriesOff, func(name string) bool { return !known[name] })
	slices.SortStableFunc(s.Snoozed, func(a, b snoozedRun) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Entry, b.Entry)) })
}

// entries are those of the settings and then those of the file, with names of their own. What is wrong with the file's is
// logged once.
func (s *store) entries(settings []*Entry) []*Entry {
	own, problems := Decode(s.file, s.text, s.Schedule)
	before := s.leftOut
	s.leftOut = nil
	for _, err := range problems {
		if s.leftOut = append(s.leftOut, err.Error()); !slices.Contains(before, err.Error()) {
			s.log.Warn("an entry of the schedule is left out", "err", err)
		}
	}
	all := slices.Clone(settings)
	for _, e := range own {
		e.Own = true
		name := e.Name
		for n := 2; slices.ContainsFunc(all, func(o *Entry) bool { return strings.EqualFold(o.Name, e.Name) }); n++ {
			e.Name = fmt.Sprintf("%s (%d)", name, n)
		}
		all = append(all, e)
	}
	return all
}
