package routines

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sort"
	"sync"
	"time"
)

// Index finds and loads the routines of a library, as the methods of Library do, and keeps what it saw of the folders and
// titles: what has not changed is not read again. A routine itself is read each time that it is loaded, so that an edited
// file counts at once. The zero value is not usable; see NewIndex. It is safe for concurrent use.
//
// Who calls Refresh is to call it after every change. From the first one on a routine that is asked for by its title is looked
// for among the titles that the last one saw, and only its own file is looked at again. That another file has taken the same
// title since is seen by the next Refresh; a title that none had, or that its file has no more, is seen at once.
type Index struct {
	library Library

	mu          sync.Mutex
	refreshed   bool     // Refresh was called
	newest      *catalog // nil: nothing was seen yet
	generations uint64
}

// NewIndex is an index of a library, which has read nothing yet.
func NewIndex(l Library) *Index { return &Index{library: l} }

// catalog is what there is now, by the names of the files. Folders that are as they were are not listed again, unless asked.
func (x *Index) catalog(ctx context.Context, again bool) *catalog {
	x.mu.Lock()
	old := x.newest
	x.mu.Unlock()
	folders, listed := make([]listing, len(x.library)), false
	for rank, folder := range x.library {
		if _, embedded := folder.(builtinFolder); old != nil && (embedded || !again && old.folders[rank].stamp.same(folderStamp(ctx, folder))) {
			folders[rank] = old.folders[rank]
			continue
		}
		folders[rank], listed = readListing(ctx, folder), true
	}
	if !listed && old != nil {
		return old
	}
	c := newCatalog(x.library, folders)
	if old != nil && c.sameNames(old) {
		seen := *old
		seen.folders, seen.failed = c.folders, c.failed
		return x.store(ctx, old, &seen)
	}
	c.adopt(old)
	return x.store(ctx, old, c)
}

// withTitles is a catalog with the titles as they are now. It calls rest as RefreshInSteps does.
func (x *Index) withTitles(ctx context.Context, c *catalog, rest func(took time.Duration)) *catalog {
	return x.store(ctx, c, c.withTitles(ctx, rest))
}

// atOnce is the rest of who waits for the result.
func atOnce(time.Duration) {}

// store keeps a catalog that was made of another one, unless its making was interrupted.
func (x *Index) store(ctx context.Context, old, c *catalog) *catalog {
	if c == old || ctx.Err() != nil {
		return c
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if old == nil || c.matcher != old.matcher {
		x.generations++
		c.generation = x.generations
	}
	x.newest = c
	return c
}

// Names is Library.Names.
func (x *Index) Names(ctx context.Context) ([]string, error) {
	c := x.catalog(ctx, false)
	return c.names(), c.failed
}

// Refresh is Names, and looks at every file: what has changed since it was read counts from now on.
func (x *Index) Refresh(ctx context.Context) ([]string, error) {
	return x.RefreshInSteps(ctx, atOnce)
}

// RefreshInSteps is Refresh for who has time: after each of some files it calls rest with the time that they took.
func (x *Index) RefreshInSteps(ctx context.Context, rest func(took time.Duration)) ([]string, error) {
	c := x.withTitles(ctx, x.catalog(ctx, false), rest)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.refreshed = x.refreshed || ctx.Err() == nil
	return c.names(), c.failed
}

func (c *catalog) names() []string {
	names := entryNames(c.matcher.entries)
	sort.Strings(names)
	return names
}

// Load is Library.Load.
func (x *Index) Load(ctx context.Context, name string) (*Routine, error) {
	r, _, err := x.load(ctx, x.catalog(ctx, false), name)
	return r, err
}

// LoadTraced is Load among the names that the last Refresh saw, and tells what the result was made of: the routine, or the
// Problems of its files.
func (x *Index) LoadTraced(ctx context.Context, name string) (*Routine, Trace, error) {
	x.mu.Lock()
	c := x.newest
	x.mu.Unlock()
	if c == nil {
		c = x.catalog(ctx, false)
	}
	return x.load(ctx, c, name)
}

// load loads a routine by a catalog, and by a newer one where that has passed.
func (x *Index) load(ctx context.Context, c *catalog, name string) (*Routine, Trace, error) {
	l := x.loader(ctx, c)
	r, err := l.loadNamed(name)
	if l.outdated(err) && ctx.Err() == nil {
		l = x.loader(ctx, x.withTitles(ctx, x.catalog(ctx, true), atOnce))
		l.looked = true
		r, err = l.loadNamed(name)
	}
	return r, l.trace, err
}

// Check is Library.Check.
func (x *Index) Check(ctx context.Context, name string, data []byte) (*Routine, error) {
	c := x.catalog(ctx, false) // Names reports a folder that cannot be read; here what it lacks is a problem
	if ctx.Err() != nil {
		return nil, fmt.Errorf("checking %s: %w", name, ctx.Err())
	}
	return x.loader(ctx, c).parse(name, data, nil)
}

// Conflicts is Library.Conflicts.
func (x *Index) Conflicts(ctx context.Context) []string {
	return x.withTitles(ctx, x.catalog(ctx, false), atOnce).matcher.conflicts(ctx) // Names reports a folder that cannot be read
}

// Trace is what the loading of a routine depended on.
type Trace struct {
	files      []tracedFile
	sounds     []tracedSound
	generation uint64 // of the names and titles among which it found what it includes; 0: it includes nothing
	unsure     bool   // something could not be read, which may be otherwise the next time
}

type tracedFile struct {
	name  string
	rank  int
	stamp stamp
}

type tracedSound struct {
	name  string
	stamp stamp
}

// Unchanged reports whether loading a routine again would give the same, by what the last Refresh saw of its files.
func (x *Index) Unchanged(ctx context.Context, t Trace) bool {
	x.mu.Lock()
	c := x.newest
	x.mu.Unlock()
	if c == nil || t.unsure || len(t.files) == 0 || t.generation != 0 && t.generation != c.generation {
		return false
	}
	for _, f := range t.files {
		now, has := c.stampOf(f.name, f.rank)
		if !has || !f.stamp.same(now) {
			return false
		}
	}
	for _, sound := range t.sounds {
		if now, err := x.library.soundStamp(ctx, sound.name); err != nil || !sound.stamp.same(now) {
			return false
		}
	}
	return true
}

// stampOf is the stamp of a routine's file when its title was looked at last.
func (c *catalog) stampOf(name string, rank int) (stamp, bool) {
	i, has := c.matcher.position(name)
	if !has || c.titles == nil || c.matcher.entries[i].rank != rank {
		return stamp{}, false
	}
	return c.titles[i].stamp, true
}

// find finds a routine by its name or title, as matcher.find does. It looks at the titles where the name does not do, and
// again before it says that there is none.
func (l *loader) find(name string) (entry, error) {
	if e, has := l.catalog.matcher.byName(name); has {
		return e, nil
	}
	l.byTitle = true
	if !l.looked && (l.catalog.matcher.titles == nil || !l.index.isRefreshed()) {
		l.look()
	}
	e, err := l.catalog.matcher.find(l.ctx, name)
	if err != nil && !l.looked {
		l.look()
		e, err = l.catalog.matcher.find(l.ctx, name)
	}
	return e, err
}

func (x *Index) isRefreshed() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.refreshed
}

// look looks at the titles as they are now.
func (l *loader) look() {
	l.catalog, l.looked = l.index.withTitles(l.ctx, l.catalog, atOnce), true
}

// hint is matcher.hint.
func (l *loader) hint(name string) string {
	if l.catalog.matcher.titles == nil {
		l.look()
	}
	return l.catalog.matcher.hint(name)
}

// loadNamed loads the routine of a name or title.
func (l *loader) loadNamed(name string) (*Routine, error) {
	failed := l.catalog.failed
	if l.ctx.Err() != nil {
		return nil, fmt.Errorf("loading the routine %q: %w", name, errors.Join(l.ctx.Err(), failed))
	}
	e, err := l.find(name)
	if err == ErrNotFound { // the bare one, without a reason yet
		err = fmt.Errorf("%w as %q; %s", ErrNotFound, name, l.hint(name))
	}
	if err != nil {
		return nil, errors.Join(err, failed)
	}
	r := l.load(e, nil)
	return r.routine, r.err
}

// outdated reports whether the catalog by which a routine was found had passed: a file is not there any more, or one that
// was found by its title has changed since that was read.
func (l *loader) outdated(err error) bool {
	if l.looked {
		return false
	}
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	if !l.byTitle {
		return false
	}
	for _, f := range l.trace.files {
		if now, has := l.catalog.stampOf(f.name, f.rank); !has || !now.same(f.stamp) {
			return true
		}
	}
	return false
}

// soundStamp is the stamp of a sound file, as OpenFile finds it.
func (l Library) soundStamp(ctx context.Context, name string) (stamp, error) {
	file, err := l.OpenFile(ctx, name)
	if err != nil {
		return stamp{}, err
	}
	defer closeFile(file)
	s, _, err := fileStamp(nil, file)
	return s, err
}
