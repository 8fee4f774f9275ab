// Package place remembers over a restart: where a lost session stood, what was selected, and how loud it was.
//
// A [Keeper] reads the file of the process before, decides what becomes of a session that was lost with it, and keeps the
// file while this process runs. Begin at [Keeper.Keep]; how a process ended is in previous.go, the file in file.go, and what of it
// comes into the history in ended.go.
package place

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/google/renameio/v2"

	"guided/history"
	"guided/player"
)

// How soon after a write the next one may be made, by what has changed since. An SD card wears out: two hours of playing a
// day write about a megabyte.
const (
	atOnce       = time.Duration(0) // the end of a session
	soon         = time.Second      // its start, a pause, a change of what is ahead
	atStep       = 10 * time.Second
	atSelection  = 5 * time.Second // or volume
	whilePlaying = 30 * time.Second
	notNow       = time.Duration(math.MaxInt64)
)

// settleTimeout is how long Settle waits for a file system that does not answer.
const settleTimeout = time.Second

// Keeper keeps what outlives the process. Its goroutine is Keep; only that touches the file.
type Keeper struct {
	file    placeFile
	machine Machine
	history *history.Keeper
	log     *slog.Logger
	changed chan settings // the newest ones

	found    kept  // by Open
	dropped  *lost // nothing goes on with it, because of a crash loop; nil: none
	has      bool  // the file was there
	how      ending
	crashes  []int64
	asks     chan chan struct{} // of Settle
	finished chan struct{}      // Keep has returned

	// of Keep
	settings
	offerEnds time.Time        // of the session that is offered, by a clock that nobody sets
	mayGoOn   bool             // it may go on by itself
	unknown   <-chan time.Time // fires when the clock is to be looked at again; nil: it is trusted
	written   kept             // what the file holds, or what failed to be written
	writtenAt time.Time        // zero: never
	owed      bool             // written was not brought to the disk
	busy      bool             // the helper writes or syncs
	stale     bool             // what it writes is not to be used
	helper    sync.WaitGroup
	results   chan result
	failing   bool // and the log says so
}

// settings are those that a keeper follows.
type settings struct {
	resume  Resume
	setting int // audio.volume
}

// result is what the helper has done.
type result struct {
	staged *renameio.PendingFile // nil: the folder was synced
	err    error
}

// Open reads the file that the process before left. setting is audio.volume. A file that cannot be read is as good as none.
// A lost session that nobody takes up comes into the history.
func Open(file string, r Resume, setting int, m Machine, done *history.Keeper, log *slog.Logger) *Keeper {
	k := &Keeper{file: placeFile(file), settings: settings{r, setting}, changed: make(chan settings, 1), machine: m, history: done, log: log, asks: make(chan chan struct{}), finished: make(chan struct{}), results: make(chan result, 1)}
	k.found, k.has = k.file.read(log)
	k.how, k.crashes = previousEnding(k.found, k.has, m)
	if k.safe() {
		k.log.Error(safeStart)
		k.dropped = k.found.Session
		k.found, k.has = kept{Unwritten: k.found.Unwritten}, false
	}
	return k
}

// safeStart is told in the log and as the error of the state.
const safeStart = "guided ended three times within five minutes without being asked to, so this start restores nothing: no lost session, no selection, no volume; its log tells why it ended (journalctl -u guided)"

// safe reports whether what was kept may be the reason of a crash loop.
func (k *Keeper) safe() bool { return len(k.crashes) >= crashLoop }

// Restored is what the player begins with.
func (k *Keeper) Restored() player.Restored {
	r := k.found.restored(k.has, k.setting)
	if k.safe() {
		r.Problem = safeStart
	}
	return r
}

// Change puts other settings into force, as those of Open. An offer that stands keeps its time, and does not go on by itself
// because of them. One goroutine calls it.
func (k *Keeper) Change(r Resume, setting int) {
	select {
	case <-k.changed:
	default:
	}
	k.changed <- settings{r, setting}
}

// Keep goes on with a lost session, or offers it, and keeps the file until ctx ends, which must be after the player has:
// then it writes that the process ended in good order.
func (k *Keeper) Keep(ctx context.Context, play *player.Player) {
	defer close(k.finished)
	news := play.Watch(ctx)
	k.written = k.found
	k.recordEnded()
	first := k.content(play, false)
	if first.Session == nil { // nor may the file before have one, which was not to be restored
		k.tell(k.file.withdraw(first))
	}
	k.writeNow(first) // that this process runs, before anything that may end it
	offered := k.goOn(ctx, play)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if wait := k.look(play); wait == notNow {
			timer.Stop()
		} else {
			timer.Reset(wait)
		}
		select {
		case <-timer.C:
		case r := <-k.results:
			k.handle(r)
		case ask := <-k.asks:
			k.look(play)
			close(ask)
		case s := <-k.changed:
			k.change(s, play)
		case <-k.unknown:
			k.reconsider(play)
		case <-offered:
			offered = nil
			play.EndOffer("its time is over")
		case _, open := <-news.States:
			if !open {
				k.end(play)
				return
			}
		}
	}
}

// Settle returns when a session that has ended cannot be taken for a lost one any more, however the process ends.
func (k *Keeper) Settle() {
	timeout := time.NewTimer(settleTimeout)
	defer timeout.Stop()
	done := make(chan struct{})
	select {
	case k.asks <- done:
	case <-k.finished:
		return
	case <-timeout.C:
		return
	}
	select {
	case <-done:
	case <-timeout.C:
	}
}

// content is what the file is to hold.
func (k *Keeper) content(play *player.Player, ended bool) kept {
	now := play.Standing()
	c := kept{Selected: now.Selected, Volume: now.Volume, Setting: k.setting, Process: process{k.machine.Boot, ended, k.crashes}}
	c.Unwritten = k.unwritten(now)
	switch f := k.found.Session; {
	case k.writtenAt.IsZero(): // before it is offered
		c.Session = f
	case now.Session == nil:
	case k.resume.Mode == Never && (now.Session.ID == "" || !k.history.Keeps()): // nothing of it would come into the history
	case f != nil && f.At == now.Session.At && f.StartedAt.Equal(now.Session.StartedAt): // not heard since
		c.Session = &lost{f.Place, f.SavedAt, f.Offered || k.unknown == nil, f.RecordOnly}
	default:
		c.Session = &lost{Place: *now.Session, RecordOnly: k.resume.Mode == Never}
		if k.machine.ClockTrusted() {
			at := k.machine.Now().UTC().Truncate(time.Second)
			c.Session.SavedAt = &at
		}
	}
	return c
}

// due is how long after the last write the next one may be made.
func due(before, now kept) time.Duration {
	a, b := before.Session, now.Session
	switch {
	case a != nil && (b == nil || !b.StartedAt.Equal(a.StartedAt)):
		return atOnce
	case b != nil && (a == nil || a.Paused != b.Paused || len(a.Options.Changes) != len(b.Options.Changes) || a.Offered != b.Offered || a.RecordOnly != b.RecordOnly):
		return soon
	case before.Selected != now.Selected || before.Volume != now.Volume || before.Setting != now.Setting || len(before.Unwritten) > len(now.Unwritten):
		return atSelection
	case b != nil && (a.StepNumber != b.StepNumber || a.Side != b.Side):
		return atStep
	case b != nil && (a.At != b.At || !b.Offered): // or it soon will be elsewhere, or was there for longer
		return whilePlaying
	}
	return notNow
}

// standing is how often it is written that a session still stands where it stood, paused or waiting: often enough to tell
// how long ago it was lost.
func (k *Keeper) standing() time.Duration { return max(whilePlaying, k.resume.Within/6) }

// isLater tells whether b is a time, and not the same as a.
func isLater(a, b *time.Time) bool { return b != nil && (a == nil || !b.Equal(*a)) }

// look writes what is due, and is how long to wait until more is.
func (k *Keeper) look(play *player.Player) time.Duration {
	now := k.content(play, false)
	wait := due(k.written, now)
	if wait == atOnce {
		k.stale = k.busy
		k.tell(k.file.withdraw(now))
		k.written, k.owed = now, true
	}
	switch left := wait - time.Since(k.writtenAt); {
	case k.busy: // its result wakes Keep
		return notNow
	case k.owed:
	case wait == notNow && len(now.Unwritten) > 0: // until the history has them
		return whilePlaying
	case wait == notNow:
		return notNow
	case left > 0:
		return left
	case wait == whilePlaying && now.Session.At == k.written.Session.At: // it is paused, or waits for next or its device
		stands := k.standing() - time.Since(k.writtenAt)
		switch {
		case stands > 0 && now.Session.Paused: // a change wakes Keep
			return stands
		case stands > 0 || !isLater(k.written.Session.SavedAt, now.Session.SavedAt):
			return whilePlaying
		}
	}
	k.busy, k.owed, k.written, k.writtenAt = true, false, now, time.Now()
	k.helper.Go(func() {
		staged, err := k.file.stage(now)
		k.results <- result{staged, err}
	})
	return notNow
}

// handle goes on with what the helper has done: what was written becomes the file, and then its folder is synced.
func (k *Keeper) handle(r result) {
	stale := k.stale
	k.busy, k.stale = false, false
	switch {
	case r.err != nil || r.staged == nil:
		k.tell(r.err)
	case stale:
		k.tell(r.staged.Cleanup())
	default:
		if err := k.file.replace(r.staged); err != nil {
			k.tell(err)
			return
		}
		k.busy = true
		k.helper.Go(func() { k.results <- result{err: k.file.sync()} })
	}
}

// writeNow writes and waits for the disk.
func (k *Keeper) writeNow(c kept) {
	staged, err := k.file.stage(c)
	if err == nil {
		err = k.file.replace(staged)
	}
	if err == nil {
		err = k.file.sync()
	}
	k.tell(err)
	k.written, k.writtenAt, k.owed = c, time.Now(), false
}

// end writes that the process ends in good order.
func (k *Keeper) end(play *player.Player) {
	k.look(play)
	k.helper.Wait()
	for k.busy {
		k.handle(<-k.results)
		k.helper.Wait()
	}
	k.writeNow(k.content(play, true))
}

// tell logs a failure to write once, until one succeeds.
func (k *Keeper) tell(err error) {
	switch {
	case err != nil && !k.failing:
		k.log.Warn("what is to outlive a restart cannot be written: a lost session, what is selected, the volume", "file", string(k.file), "err", err)
	case err == nil && k.failing:
		k.log.Info("what is to outlive a restart is written again", "file", string(k.file))
	}
	k.failing = err != nil
}
