package history

import (
	"slices"
	"time"

	"guided/player"
)

// Between are the sessions that began on the days from first to last, the newest first, at most n, and how many more there
// are. It reads the file.
func (k *Keeper) Between(first, last time.Time, n int) (records []player.Record, more int, err error) {
	from, to := dayAt(first, time.UTC), dayAt(last, time.UTC)
	cut := func() {
		slices.SortStableFunc(records, func(a, b player.Record) int { return b.Started.Compare(a.Started) })
		more += max(0, len(records)-n)
		records = records[:min(n, len(records))]
	}
	add := func(r player.Record) {
		if at := dayAt(r.Started, k.zone); at >= from && at <= to {
			records = append(records, r)
		}
		if len(records) >= 2*n {
			cut()
		}
	}
	unwritten := slices.Clone(k.View().Records) // a disk that is full or read-only lacks the last ones
	_, err = ReadFile(k.file, func(r player.Record) {
		unwritten = slices.DeleteFunc(unwritten, func(o player.Record) bool { return o.Started.Equal(r.Started) && o.Routine == r.Routine })
		add(r)
	})
	for _, r := range unwritten {
		add(r)
	}
	cut()
	return k.local(records), more, err
}

// local gives records the times of the zone, in place.
func (k *Keeper) local(records []player.Record) []player.Record {
	for i, r := range records {
		records[i].Started, records[i].Ended = r.Started.In(k.zone), r.Ended.In(k.zone)
	}
	return records
}
