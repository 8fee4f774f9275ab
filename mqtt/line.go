package mqtt

import (
	"bytes"
	"time"
)

// newest is a value of which only the last counts.
type newest struct {
	message
	mark  []byte    // what it says
	sent  []byte    // the mark that the broker last took
	since time.Time // when it began to differ
}

func (n *newest) set(m message, mark []byte, now time.Time) {
	if bytes.Equal(n.mark, n.sent) {
		n.since = now
	}
	n.message, n.mark = m, mark
}

func (n *newest) due(now time.Time, waited time.Duration) (parcel, bool) {
	if bytes.Equal(n.mark, n.sent) || now.Sub(n.since) < waited {
		return parcel{}, false
	}
	return parcel{message: n.message, of: n, mark: n.mark}, true
}

// A line keeps the newest of many, for as long as they are news.
type line struct {
	room    int
	age     time.Duration
	waiting []parcel
}

func (l *line) push(m message, now time.Time) {
	if len(l.waiting) >= l.room {
		l.drop()
	}
	l.waiting = append(l.waiting, parcel{message: m, since: now, line: l})
}

func (l *line) pop(now time.Time, waited time.Duration) (parcel, bool) {
	for len(l.waiting) > 0 {
		p := l.waiting[0]
		old := now.Sub(p.since)
		if old < waited {
			break
		}
		l.drop()
		if old <= l.age {
			return p, true
		}
	}
	return parcel{}, false
}

// drop forgets the oldest.
func (l *line) drop() { l.waiting = append(l.waiting[:0], l.waiting[1:]...) }

// back takes again what could not be sent.
func (l *line) back(p parcel) {
	if len(l.waiting) < l.room {
		l.waiting = append([]parcel{p}, l.waiting...)
	}
}
