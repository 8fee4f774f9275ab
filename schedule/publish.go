package schedule

import (
	"slices"
	"time"

	"guided/player"
)

// publish gives the player what is planned, where that has changed.
func (r *Runner) publish(next time.Time) {
	s := player.Schedule{Off: r.store.Off, EntriesOff: r.entriesOff(), Entries: r.published.Entries}
	if !next.IsZero() {
		next = next.UTC()
		s.NextRun = &next
	}
	if s.Entries == nil {
		s.Entries = []player.ScheduleEntry{}
		for _, e := range r.entries {
			entry := player.ScheduleEntry{Name: e.Name, Routine: e.Routine(), Times: e.Times(), Place: e.Place}
			if e.When != nil {
				entry.When = e.When.String()
			}
			s.Entries = append(s.Entries, entry)
		}
	}
	p := r.published
	sameNext := (p.NextRun == nil) == (s.NextRun == nil) && (p.NextRun == nil || p.NextRun.Equal(*s.NextRun))
	if r.began && sameNext && p.Off == s.Off && slices.Equal(p.EntriesOff, s.EntriesOff) {
		return
	}
	r.began, r.published = true, s
	r.cfg.Player.SetSchedule(s)
}

// entriesOff are the names of the entries that are switched off.
func (r *Runner) entriesOff() (names []string) {
	for _, e := range r.entries {
		if r.store.isOff(e.Name) {
			names = append(names, e.Name)
		}
	}
	slices.Sort(names)
	return names
}

// Topics has those of the conditions, all of them, and again whenever they change. It has one reader.
func (r *Runner) Topics() <-chan []string { return r.topics }

// tellTopics puts the topics of the conditions where their reader takes them.
func (r *Runner) tellTopics() {
	topics := []string{}
	for _, e := range r.entries {
		if e.When != nil && !slices.Contains(topics, e.When.Topic) {
			topics = append(topics, e.When.Topic)
		}
	}
	select {
	case <-r.topics:
	default:
	}
	r.topics <- topics
}
