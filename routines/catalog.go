package routines

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// catalog is what was seen of a library at a time: the names of its routines, and their titles where these were asked for.
// It never changes; what is seen later makes another one.
type catalog struct {
	folders    []listing // by rank
	failed     error     // the folders that could not be read, or not whole
	matcher    *matcher  // of the entries; without titles until those are looked at
	titles     []titleOf // by index of the entry; nil: not looked at
	generation uint64    // another one for other names or titles
}

// listing is the names of the routines in one folder, sorted, without .toml.
type listing struct {
	stamp stamp
	names []string
	more  bool // there are too many files
	err   error
}

// titleOf is the title of one routine, and the state of its file in which it has that.
type titleOf struct {
	title string
	stamp stamp
}

// readListing lists a folder.
func readListing(ctx context.Context, folder fs.FS) (l listing) {
	l.stamp = folderStamp(ctx, folder) // before it is listed: what changes meanwhile is seen at the next look
	files, more, err := listFolder(ctx, folder)
	if l.more, l.err = more, err; err != nil {
		l.stamp = stamp{}
	}
	for _, file := range files {
		name, is := strings.CutSuffix(file.Name(), ".toml")
		if is && name != "" && !file.IsDir() && !strings.HasPrefix(name, ".") {
			l.names = append(l.names, name)
		}
	}
	return l
}

// folderStamp is the stamp of a folder, which changes with each file that comes, goes or gets another name.
func folderStamp(ctx context.Context, folder fs.FS) stamp {
	if _, embedded := folder.(builtinFolder); embedded {
		return embeddedStamp
	}
	// By another name than the listing: one of the two that does not answer must not keep back the other.
	s, err := callFolder(ctx, folder, "the state of the folder of routines", func() (stamp, error) {
		at := time.Now()
		info, err := fs.Stat(folder, ".")
		if err != nil {
			return stamp{}, err
		}
		return stampOf(info, at), nil
	}, nil)
	if err != nil {
		return stamp{}
	}
	return s
}

// newCatalog is the catalog of a library whose folders were listed.
func newCatalog(l Library, folders []listing) *catalog {
	c := &catalog{folders: folders}
	var entries []entry
	seen := map[string]bool{}
	for rank, folder := range folders {
		if err := folder.err; err != nil && !errors.Is(err, fs.ErrNotExist) {
			c.failed = errors.Join(c.failed, fmt.Errorf("reading routines: %w", err))
		}
		if folder.more {
			c.failed = errors.Join(c.failed, fmt.Errorf("the folder of routines holds more than %d files: %w; move what is no routine elsewhere", maxFolderEntries, ErrLeftOut))
		}
		first := len(entries)
		for _, name := range folder.names {
			if !seen[foldName(name)] {
				entries = append(entries, entry{name, l[rank], rank})
			}
		}
		if here := entries[first:]; len(here) > maxFolderRoutines {
			c.failed = errors.Join(c.failed, fmt.Errorf("the folder of routines holds %d routines, of which %d are used: %w, from %q on; move some elsewhere",
				len(here), maxFolderRoutines, ErrLeftOut, here[maxFolderRoutines].name))
			entries = entries[:first+maxFolderRoutines]
		}
		if rank+1 < len(folders) {
			for _, e := range entries[first:] {
				seen[foldName(e.name)] = true
			}
		}
	}
	c.matcher = newMatcher(entries, nil)
	return c
}

// sameNames reports whether two catalogs list the same files.
func (c *catalog) sameNames(o *catalog) bool {
	return slices.EqualFunc(c.folders, o.folders, func(a, b listing) bool { return slices.Equal(a.names, b.names) })
}

// adopt takes the titles that an earlier catalog has of the same files; they are to be looked at again.
func (c *catalog) adopt(old *catalog) {
	if old == nil || old.titles == nil {
		return
	}
	c.titles = make([]titleOf, len(c.matcher.entries))
	for i, e := range c.matcher.entries {
		if k, has := old.matcher.position(e.name); has && old.matcher.entries[k].rank == e.rank {
			c.titles[i] = old.titles[k]
		}
	}
}

// titlesAtOnce is how many files are looked at in one call into their folder.
const titlesAtOnce = 64

// readTitles are the titles of all routines: those that are known, of files that are as they were, and the others read.
func (c *catalog) readTitles(ctx context.Context, rest func(took time.Duration)) []titleOf {
	entries := c.matcher.entries
	titles := make([]titleOf, len(entries))
	if c.titles != nil {
		copy(titles, c.titles)
	}
	for from := 0; from < len(entries) && ctx.Err() == nil; {
		began, to := time.Now(), from+1
		for to < len(entries) && to-from < titlesAtOnce && entries[to].rank == entries[from].rank {
			to++
		}
		if !lookAtTitles(ctx, entries[from:to], titles[from:to]) { // one of them does not answer
			for i := from; i < to; i++ {
				if !lookAtTitles(ctx, entries[i:i+1], titles[i:i+1]) {
					titles[i] = titleOf{}
				}
			}
		}
		if from = to; from < len(entries) {
			rest(time.Since(began))
		}
	}
	return titles
}

// lookAtTitles brings the titles of files in one folder up to date, in one call into it. It is false, and they are as they
// were, where the folder does not answer.
func lookAtTitles(ctx context.Context, entries []entry, titles []titleOf) bool {
	own := slices.Clone(titles) // a call that is abandoned goes on
	list, err := callFolder(ctx, entries[0].folder, entries[0].file(), func() ([]titleOf, error) { return changedTitles(entries, own), nil }, nil)
	copy(titles, list)
	return err == nil
}

// changedTitles reads the titles of files that are not as they were when the given ones were read, into their places.
func changedTitles(entries []entry, list []titleOf) []titleOf {
	for i, e := range entries {
		if _, embedded := e.folder.(builtinFolder); embedded && list[i].stamp == embeddedStamp {
			continue
		}
		at := time.Now()
		info, err := fs.Stat(e.folder, e.file())
		if err == nil && list[i].stamp.same(stampOf(info, at)) {
			continue
		}
		list[i] = e.readTitle()
	}
	return list
}

// withTitles is the catalog with the titles as they are now; it is the same one where none has changed.
func (c *catalog) withTitles(ctx context.Context, rest func(took time.Duration)) *catalog {
	titles := c.readTitles(ctx, rest)
	if slices.Equal(titles, c.titles) && c.matcher.titles != nil {
		return c
	}
	seen := *c
	seen.titles = titles
	texts := make([]string, len(titles))
	for i := range titles {
		texts[i] = titles[i].title
	}
	if c.matcher.titles == nil || !slices.Equal(texts, c.matcher.titles) {
		seen.matcher = newMatcher(c.matcher.entries, texts)
	}
	return &seen
}
