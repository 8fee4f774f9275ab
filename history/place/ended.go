package place

import (
	"cmp"

	"guided/player"
)

// What was heard comes into the history once, whenever the process is killed. A session has its ID from its first sound on.
// Until its record is on the disk this file has either where it stands or the record, and the next process looks for the ID
// in the history before it adds one.

// maxUnwritten is how many records the file holds at most: there are more only where the history cannot be written.
const maxUnwritten = 20

// unwritten are the records of ended sessions that the history may not have on the disk. now was told before: a session
// that has ended since is in both.
func (k *Keeper) unwritten(now player.Standing) []player.Record {
	records := k.history.Unwritten()
	if now.Ending != nil && k.history.Keeps() {
		records = append(records, *now.Ending)
	}
	return records[max(0, len(records)-maxUnwritten):]
}

// recordEnded gives the history what the process before could not write, and finds out whether it has the session that was
// lost: then what is heard of that from now on is another one.
func (k *Keeper) recordEnded() {
	for _, r := range k.found.Unwritten {
		k.record(r)
	}
	if k.dropped != nil {
		k.recordLost(*k.dropped)
	}
	l := k.found.Session
	if l == nil {
		return
	}
	l.Reason = cmp.Or(l.Reason, string(k.how))
	if k.recorded(l.ID) {
		l.SoFar = player.SoFar{}
	}
}

// recordLost gives the history a session that is not gone on with.
func (k *Keeper) recordLost(l lost) {
	l.Reason = cmp.Or(l.Reason, string(k.how))
	if r, heard := l.Record(); heard {
		k.record(r)
	}
}

// record gives the history a record that it does not have.
func (k *Keeper) record(r player.Record) {
	if !k.recorded(r.ID) {
		k.history.Add(r)
	}
}

// recorded reports whether the history has a session. One that cannot be read has none: its keeper tells that.
func (k *Keeper) recorded(id string) bool {
	has, err := k.history.Has(id)
	return err == nil && has
}
