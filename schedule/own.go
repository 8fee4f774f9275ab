package schedule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"guided/routines"
)

// refusal is why an entry is not taken over, in a sentence for people. kind is fs.ErrInvalid, fs.ErrExist where it stands in
// the settings, or fs.ErrNotExist.
type refusal struct {
	error
	kind error
}

func (r refusal) Unwrap() error { return r.kind }

// SaveEntry puts an entry of the daemon's own file in the place of the one with a name, or adds it where the name is "". The
// table has the keys and kinds of values of a [[schedule]], numbers also as json.Number. It is checked as the settings are, counts at once, and is on the
// disk when SaveEntry returns its name. With an error nothing has changed; a refusal wraps fs.ErrInvalid, fs.ErrNotExist, or
// fs.ErrExist where the name is one of the settings, and any other error means that the file cannot be written.
func (r *Runner) SaveEntry(ctx context.Context, name string, table map[string]any) (saved string, err error) {
	failed := r.inRun(ctx, func() { saved, err = r.save(name, table) })
	return saved, errors.Join(failed, err)
}

// RemoveEntry removes an entry of the daemon's own file, and what is remembered of it. Its errors are those of SaveEntry.
func (r *Runner) RemoveEntry(ctx context.Context, name string) (err error) {
	failed := r.inRun(ctx, func() { err = r.remove(name) })
	return errors.Join(failed, err)
}

func (r *Runner) save(name string, table map[string]any) (saved string, err error) {
	var old *Entry
	at := len(r.store.Schedule)
	if name != "" {
		if old, err = r.ownEntry(name); err != nil {
			return "", err
		}
		at = old.index
	}
	table = plainTable(table)
	e, problems := decodeEntry(table)
	if i := slices.IndexFunc(r.entries, func(o *Entry) bool { return o != old && strings.EqualFold(o.Name, e.Name) }); i >= 0 && len(problems) == 0 {
		problems = append(problems, sameName(e, r.entries[i]))
	}
	if at == maxEntries {
		problems = append(problems, fmt.Errorf("%d schedules are too many; %d are allowed", at+1, maxEntries))
	}
	if len(problems) > 0 {
		return "", refusal{errors.Join(problems...), fs.ErrInvalid}
	}
	all := append(slices.Clone(r.store.Schedule[:at:at]), table)
	if old != nil {
		all = append(all, r.store.Schedule[at+1:]...)
	}
	return r.take(all, old, at)
}

func (r *Runner) remove(name string) error {
	old, err := r.ownEntry(name)
	if err != nil {
		return err
	}
	_, err = r.take(slices.Delete(slices.Clone(r.store.Schedule), old.index, old.index+1), old, -1)
	return err
}

// ownEntry is the entry of the daemon's own file with a name.
func (r *Runner) ownEntry(name string) (*Entry, error) {
	e := r.entry(name)
	switch {
	case e == nil:
		return nil, refusal{r.unknownEntry(name), fs.ErrNotExist}
	case !e.Own:
		return nil, refusal{fmt.Errorf("%s stands in the settings, at %s; change it there", e.Name, e.Place), fs.ErrExist}
	}
	return e, nil
}

func (r *Runner) unknownEntry(name string) error {
	var names []string
	for _, e := range r.entries {
		names = append(names, e.Name)
	}
	return fmt.Errorf("no entry of the schedule is named %q; %s", cut(name, maxName), routines.DidYouMean(name, names))
}

// take writes other entries of the file, and lets them count. What is remembered of old goes to the entry at an index, and is
// forgotten where that is negative.
func (r *Runner) take(all Tables, old *Entry, at int) (name string, err error) {
	if r.store.file == "" {
		return "", errors.New("there is no state folder to keep it in; the log of guided tells why")
	}
	before := r.store.choices
	r.store.choices.Schedule = all
	entries := r.store.entries(r.cfg.Entries)
	if i := slices.IndexFunc(entries, func(e *Entry) bool { return e.Own && e.index == at }); i >= 0 {
		name = entries[i].Name
	}
	if old != nil && old.Name != name {
		r.store.EntriesOff = renamed(r.store.EntriesOff, old.Name, name)
	}
	if err := r.store.writeChoices(); err != nil {
		r.store.choices = before
		r.cfg.Log.Error("an entry of the schedule cannot be written", "file", r.store.file, "err", err)
		return "", fmt.Errorf("the schedule cannot be written, and nothing was changed: %v", err)
	}
	if old != nil && old.Name != name {
		r.store.renameMemory(old.Name, name)
		r.store.saveMemory()
	}
	r.swap()
	r.cfg.Log.Info("the schedule was changed", "entry", name, "entries", len(r.entries))
	return name, nil
}

// renamed is a list in which a name has another one; "" takes it out.
func renamed(names []string, from, to string) []string {
	list := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return strings.EqualFold(n, from) })
	if len(list) < len(names) && to != "" {
		list = append(list, to)
		slices.Sort(list)
	}
	return list
}

// renameMemory gives what is remembered of an entry another name; with "" it is forgotten.
func (s *store) renameMemory(from, to string) {
	for _, m := range []map[string][]string{s.Done, s.Skipped} {
		if list := m[from]; to != "" && len(list) > 0 {
			m[to] = append(m[to], list...)
		}
		delete(m, from)
	}
	s.Snoozed = slices.DeleteFunc(slices.Clone(s.Snoozed), func(z snoozedRun) bool { return z.Entry == from && to == "" })
	for i := range s.Snoozed {
		if s.Snoozed[i].Entry == from {
			s.Snoozed[i].Entry = to
		}
	}
}

// plainTable is a table as TOML would give it: keys in small letters, and numbers that are whole or not.
func plainTable(table map[string]any) map[string]any {
	plain := map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(table)) {
		plain[strings.ToLower(key)] = plainValue(table[key])
	}
	return plain
}

func plainValue(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		if f, err := v.Float64(); err == nil {
			return f
		}
		return v.String()
	case map[string]any:
		return plainTable(v)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = plainValue(v[i])
		}
		return list
	}
	return v
}
