package web

import (
	"slices"
	"sync"

	"guided/routines"
)

// mostDrafts is how many routines that are being written can be heard.
const mostDrafts = 8

// drafts are the last routines that were checked, by a name made of their text.
type drafts struct {
	mu    sync.Mutex
	order []string
	known map[string]*routines.Routine
}

func newDrafts() *drafts { return &drafts{known: map[string]*routines.Routine{}} }

func (d *drafts) get(name string) *routines.Routine {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.known[name]
}

func (d *drafts) put(name string, r *routines.Routine) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.order = append(slices.DeleteFunc(d.order, func(n string) bool { return n == name }), name)
	d.known[name] = r
	if len(d.order) > mostDrafts {
		delete(d.known, d.order[0])
		d.order = d.order[1:]
	}
}
