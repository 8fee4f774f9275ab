// Package history keeps what was done: one record a session, in a file of its own in the state folder, and the sums over
// it (minutes, sessions, days without a gap).
//
// The file (line.go, file.go) is only ever appended to, one line with a checksum a session, and is on the disk before the
// next one. Whatever happens to it, what can be read of it counts: no state of it is an error that stops anything.
//
// Begin at [Keeper], which belongs to the daemon. The command line reads the file by itself ([ReadFile], [Sums]).
package history

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"guided/player"
)

// What a View holds at most.
const (
	viewDays    = 371 // a year in whole weeks
	viewRecords = maxRecent
)

// maxPending is how many records wait for a file that cannot be written.
const maxPending = 1000

// View is the history as a page shows it.
type View struct {
	Summary Summary         `json:"summary"`
	Days    []DaySum        `json:"days"`    // the last year, those with a session only
	Records []player.Record `json:"records"` // the last ones, the newest first, with the times of the zone
}

// Keeper keeps the history of a daemon. Make it with NewKeeper, and call Run. Its lock is held for arithmetic only.
type Keeper struct {
	file      string
	zone      *time.Location
	log       *slog.Logger
	wake      chan struct{} // signals Run that there is something to do
	summaries chan *Summary // the newest one

	// Of Run alone.
	sums      *Sums
	read      stamp  // of the file, when sums were right
	failing   bool   // that it cannot be written was logged,
	unread    bool   // and that it cannot be read,
	damage    Damage // and this
	told      bool   // published is what was published
	published *Summary

	mu       sync.Mutex
	keeping  bool
	incoming []player.Record
	pending  []player.Record // that are being written or could not be yet; changed by Run alone
	view     View
}

// NewKeeper makes a keeper of a file. Days are those of the zone. It keeps nothing before Keep says so.
func NewKeeper(file string, zone *time.Location, log *slog.Logger) *Keeper {
	return &Keeper{file: file, zone: zone, log: log, wake: make(chan struct{}, 1), summaries: make(chan *Summary, 1), sums: NewSums(zone), view: emptyView()}
}

func emptyView() View { return View{Days: []DaySum{}, Records: []player.Record{}} }

// File is where it is kept.
func (k *Keeper) File() string { return k.file }

// Keep says whether what is done is kept from now on. What was kept before stays in the file.
func (k *Keeper) Keep(on bool) {
	k.mu.Lock()
	k.keeping = on
	k.mu.Unlock()
	k.Refresh()
}

// Keeps reports whether what is done is kept.
func (k *Keeper) Keeps() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.keeping
}

// Add takes a record, where any are kept. It never waits: Run writes it.
func (k *Keeper) Add(r player.Record) {
	k.mu.Lock()
	if k.keeping {
		k.incoming = append(k.incoming, r)
	}
	k.mu.Unlock()
	k.Refresh()
}

// Unwritten are the records that were taken and are not on the disk yet, in their order.
func (k *Keeper) Unwritten() []player.Record {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Concat(k.pending, k.incoming)
}

// Has reports whether there is a record with an ID, written or not. It reads the file.
func (k *Keeper) Has(id string) (bool, error) {
	has := func(r player.Record) bool { return r.ID == id }
	if slices.ContainsFunc(k.Unwritten(), has) {
		return true, nil
	}
	written := false
	_, err := ReadFile(k.file, func(r player.Record) { written = written || has(r) })
	return written, err
}

// Refresh makes Run look at the file, which another process may have changed, and at the clock, which may have been set.
func (k *Keeper) Refresh() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// View is the history as Run saw it last. Its slices must not be changed.
func (k *Keeper) View() View {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.view
}

// Summaries is the newest summary, after each change of it; nil while nothing is kept. It has one reader.
func (k *Keeper) Summaries() <-chan *Summary { return k.summaries }

// Run reads the file, and then writes what comes, until ctx ends and all that has come is written. It wakes at the
// beginning of each day.
func (k *Keeper) Run(ctx context.Context) {
	if k.Keeps() {
		k.load()
	}
	for {
		k.work()
		tomorrow := time.NewTimer(time.Until(nextDay(time.Now(), k.zone)))
		select {
		case <-ctx.Done():
			tomorrow.Stop()
			k.work()
			return
		case <-k.wake:
		case <-tomorrow.C:
		}
		tomorrow.Stop()
	}
}

// work writes what has come, reads the file again where another process has changed it, and publishes what differs then.
func (k *Keeper) work() {
	k.mu.Lock()
	records, keeping := k.incoming, k.keeping
	k.incoming = nil
	k.pending = append(k.pending, records...)
	k.mu.Unlock()
	before, after := k.flush()
	switch {
	case !keeping:
		k.sums, k.read = NewSums(k.zone), stamp{} // the file is read when something is kept again
	case before != k.read:
		k.load()
	default:
		for _, r := range records {
			k.sums.Add(r)
		}
		k.read = after
	}
	k.publish(keeping)
}

// flush writes what is pending, and tells the stamps of the file around that.
func (k *Keeper) flush() (before, after stamp) {
	if len(k.pending) == 0 {
		now := statFile(k.file)
		return now, now
	}
	var lines []byte
	for _, r := range k.pending {
		line, err := encode(r)
		if err != nil {
			k.log.Error("a session is missing in the history", "routine", r.Routine, "err", err)
			continue
		}
		lines = append(lines, line...)
	}
	before, after, err := appendFile(k.file, lines)
	switch {
	case err != nil:
		k.setPending(k.pending[max(0, len(k.pending)-maxPending):])
		if !k.failing {
			k.log.Error("the history cannot be written; it is tried again with the next session", "file", k.file, "err", err,
				"hint", "make room on the disk, or let the user who runs guided write to this folder")
		}
		k.failing = true
		now := statFile(k.file)
		return now, now
	case k.failing:
		k.failing = false
		k.log.Info("the history is written again", "file", k.file, "sessions", len(k.pending))
	}
	k.setPending(nil)
	return before, after
}

func (k *Keeper) setPending(records []player.Record) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pending = records
}

// load sums up the file, and what could not be written to it.
func (k *Keeper) load() {
	k.sums = NewSums(k.zone)
	damage, read, err := readFile(k.file, k.sums.Add)
	k.read = read
	if err != nil {
		k.read = statFile(k.file)
	}
	switch {
	case err != nil && !k.unread:
		k.log.Error("the history cannot be read", "file", k.file, "err", err)
	case err != nil:
	case damage.Lines > 0 && damage != k.damage:
		k.log.Warn("some of the history cannot be read, and is passed over", "file", k.file, "lines", damage.Lines, "first", damage.First)
	}
	k.damage, k.unread = damage, err != nil
	for _, r := range k.pending {
		k.sums.Add(r)
	}
}

// publish makes the view of now, and sends its summary where it differs from the last.
func (k *Keeper) publish(keeping bool) {
	now, v := time.Now(), emptyView()
	var summary *Summary
	if keeping {
		days := slices.DeleteFunc(k.sums.Days(now, viewDays), func(d DaySum) bool { return d.Sessions == 0 })
		v = View{k.sums.Summary(now), days, k.local(k.sums.Recent(viewRecords))}
		summary = &v.Summary
	}
	k.mu.Lock()
	k.view = v
	k.mu.Unlock()
	last := k.published
	if k.told && (summary == nil && last == nil || summary != nil && last != nil && summary.equal(*last)) {
		return
	}
	k.told, k.published = true, summary
	select {
	case <-k.summaries:
	default:
	}
	k.summaries <- summary
}

// equal tells whether two summaries say the same.
func (s Summary) equal(o Summary) bool {
	a, b := s.Last, o.Last
	s.Last, o.Last = nil, nil
	return s == o && (a == b || a != nil && b != nil && *a == *b)
}
