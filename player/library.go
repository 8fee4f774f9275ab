package player

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"time"

	"guided/routines"
)

// Rescan has the library read again: what observers see of it, and which phrases must be synthesized ahead.
func (p *Player) Rescan() {
	select {
	case p.rescan <- struct{}{}:
	default:
	}
}

// watchLibrary checks every routine of the library and has its phrases synthesized, so that a start waits for nothing:
// once, and again after each Rescan, until ctx ends.
func (p *Player) watchLibrary(ctx context.Context) {
	s := &libraryScan{p: p, known: map[string]*scanned{}, began: time.Now()}
	for {
		s.run(ctx)
		select {
		case <-ctx.Done():
			return
		case <-p.rescan:
		}
	}
}

// libraryScan is what the scans have found so far. A routine is read and compiled again only when one of its files changed.
type libraryScan struct {
	p         *Player
	known     map[string]*scanned // by name
	published []*scanned          // in the order of the names
	began     time.Time           // when the program did
	steps     int                 // since then
}

// scanned is what was found of one routine.
type scanned struct {
	trace   routines.Trace
	info    RoutineInfo
	unsure  bool            // it has a sound that could not be measured, which may succeed the next time
	lacking []routines.Clip // phrases that it may need, which are to be synthesized
	bed     routines.Bed    // to be measured; the zero Bed once it is
}

// run publishes the library as it is, and then again with the lengths that synthesizing the phrases has changed. Another
// Rescan ends the synthesis, which the next run takes up again.
func (s *libraryScan) run(ctx context.Context) {
	names, err := s.p.index.RefreshInSteps(ctx, func(took time.Duration) { s.rest(ctx, took) })
	if err != nil && ctx.Err() == nil {
		s.p.cfg.Log.Error("some routines cannot be read", "err", err)
	}
	never := func() bool { return false }
	rescanned := func() bool { return len(s.p.rescan) > 0 }
	if s.each(ctx, names, s.inspect, never) {
		s.publish(names)
	}
	if s.each(ctx, names, s.synthesize, rescanned) {
		s.publish(names)
	}
}

// each takes a step with every routine, which reports whether there was anything to do. After each it gives way to what
// somebody waits for. It is false when ctx has ended, or it was overtaken.
func (s *libraryScan) each(ctx context.Context, names []string, step func(ctx context.Context, name string) bool, overtaken func() bool) bool {
	for _, name := range names {
		if ctx.Err() != nil || overtaken() {
			return false
		}
		began := time.Now()
		if step(ctx, name) {
			s.rest(ctx, time.Since(began))
		}
	}
	return ctx.Err() == nil
}

// rest gives way after a step that took some time: to commands and to what plays, and in the first seconds, after many
// steps, to all else that begins with the program.
func (s *libraryScan) rest(ctx context.Context, took time.Duration) {
	s.steps++
	many := s.steps > 2*fewRoutines // the title of each is read first
	share := scanShare
	if !many {
		share = firstShare
	}
	s.p.giveWay(ctx, time.Duration(share-1)*took, many && time.Since(s.began) < startUp)
}

// How a scan gives way.
const (
	scanShare  = 10              // while a routine plays a scan takes one part of so many of the time,
	firstShare = 3               // and of so many for the first of them: pages and Home Assistant wait for the list
	startUp    = 5 * time.Second // for so long too: the program is to be online first

	fewRoutines = 50 // are scanned without a rest where nothing is to be played: the built-in ones and some of one's own

	lookAgain = 20 * time.Millisecond // whether a command is still in hand
)

// giveWay returns when no command is in hand and no routine is being prepared. While one plays, or gently is asked for, it
// also rests.
func (p *Player) giveWay(ctx context.Context, rest time.Duration, gently bool) {
	for first := true; ctx.Err() == nil; first = false {
		p.mu.Lock()
		s := p.session
		busy := len(p.slow.queue) > 0 || p.pending != nil || p.preparing != nil
		playing := s != nil && s.playing
		p.mu.Unlock()
		wait := lookAgain
		switch {
		case busy:
		case (playing || gently) && first && rest > 0:
			wait = rest
		default:
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// inspect reads and compiles a routine, unless it is as it was.
func (s *libraryScan) inspect(ctx context.Context, name string) bool {
	if k := s.known[name]; k != nil && !k.unsure && s.p.index.Unchanged(ctx, k.trace) {
		return false
	}
	r, trace, err := s.p.index.LoadTraced(ctx, name)
	k := &scanned{trace: trace, info: RoutineInfo{Name: name, Title: name, Steps: []string{}}}
	if err != nil {
		k.info.Error = err.Error()
	} else {
		s.compile(ctx, r, k)
		k.lacking = s.p.lacking(ctx, r)
	}
	s.keep(ctx, k)
	return true
}

// synthesize has the bed of a routine measured, and the phrases spoken ahead that no voice has; then it compiles the routine again.
func (s *libraryScan) synthesize(ctx context.Context, name string) bool {
	k := s.known[name]
	if k == nil {
		return false
	}
	bed := k.bed
	if bed != (routines.Bed{}) {
		s.p.cfg.Bank.PrepareBed(ctx, bed)
	}
	if len(k.lacking) == 0 {
		k.bed = routines.Bed{}
		return bed != (routines.Bed{})
	}
	after := *k
	if s.p.synthesizeAhead(ctx, name, k.lacking) {
		after.lacking = nil // as far as anything can speak them
	}
	r, trace, err := s.p.index.LoadTraced(ctx, name)
	if err != nil { // it has changed since: a Rescan follows
		return true
	}
	after.trace = trace
	s.compile(ctx, r, &after)
	after.bed = routines.Bed{}
	s.keep(ctx, &after)
	return true
}

// keep keeps what was found of a routine, unless it was interrupted.
func (s *libraryScan) keep(ctx context.Context, k *scanned) {
	if ctx.Err() == nil {
		s.known[k.info.Name] = k
	}
}

// compile finds what observers see of a routine. It copies the texts: those of a routine keep its whole file in memory.
func (s *libraryScan) compile(ctx context.Context, r *routines.Routine, k *scanned) {
	i := RoutineInfo{Name: k.info.Name, Title: strings.Clone(r.Title), About: strings.Clone(r.About), Metadata: cloneMetadata(r.Metadata), Steps: []string{}}
	k.unsure = false
	score, err := routines.Compile(ctx, r, func(c routines.Clip) (routines.Extent, bool) {
		e, has := s.p.cfg.Bank.Measure(c)
		k.unsure = k.unsure || !has && c.Sound != ""
		return e, has
	}, s.p.Options(Parameters{}))
	if err != nil {
		i.Error = err.Error()
		k.info = i
		return
	}
	k.bed = routines.Bed{Sound: strings.Clone(score.Bed.Sound), Swell: score.Bed.Swell}
	i.Length = seconds(score.Len)
	for _, m := range score.Marks {
		if m.Kind == routines.StepMark && len(i.Steps) < m.Step {
			i.Steps = append(i.Steps, strings.Clone(m.Name))
		}
	}
	if s.p.cfg.URLs != nil {
		i.URLs = s.p.cfg.URLs(i.Name)
	}
	k.info = i
}

func cloneMetadata(m routines.Metadata) routines.Metadata {
	list := func(texts []string) []string {
		texts = slices.Clone(texts)
		for i := range texts {
			texts[i] = strings.Clone(texts[i])
		}
		return texts
	}
	return routines.Metadata{
		Tags: list(m.Tags), Equipment: list(m.Equipment), Position: list(m.Position), Level: strings.Clone(m.Level), Cautions: list(m.Cautions),
	}
}

// lacking lists the phrases that any score of a routine may have, and no voice without synthesis.
func (p *Player) lacking(ctx context.Context, r *routines.Routine) (list []routines.Clip) {
	clips, _ := routines.Clips(ctx, r) // a Compile returns the error
	for _, c := range clips {
		if c.Say == "" {
			continue
		}
		if _, has := p.cfg.Bank.Measure(c); !has {
			list = append(list, routines.Clip{Say: strings.Clone(c.Say)})
		}
	}
	return list
}

// synthesizeAhead reports whether every phrase was spoken that anything can speak.
func (p *Player) synthesizeAhead(ctx context.Context, name string, clips []routines.Clip) bool {
	err := p.cfg.Bank.Prepare(ctx, clips)
	if err != nil && ctx.Err() == nil {
		p.cfg.Log.Warn("some phrases cannot be spoken ahead", "routine", name, "err", err)
	}
	return err == nil
}

// publish publishes the library if it has changed, and logs each routine's problem once.
func (s *libraryScan) publish(names []string) {
	list := make([]*scanned, len(names))
	for i, name := range names {
		list[i] = s.known[name]
	}
	if slices.EqualFunc(list, s.published, func(a, b *scanned) bool { return a == b || reflect.DeepEqual(a.info, b.info) }) {
		s.published = list
		return
	}
	before := map[string]string{}
	for _, k := range s.published {
		before[k.info.Name] = k.info.Error
	}
	s.published = list
	infos, asked := make([]RoutineInfo, len(list)), make(map[string]bool, 2*len(list))
	for i, k := range list {
		infos[i] = k.info
		asked[foldName(k.info.Name)], asked[foldName(k.info.Title)] = true, true
	}
	s.p.setLibrary(infos, asked)
	for _, i := range infos {
		if i.Error != "" && i.Error != before[i.Name] {
			s.p.cfg.Log.Warn("a routine has problems", "routine", i.Name, "err", i.Error)
		}
	}
	listed := make(map[string]*scanned, len(list)) // without those that are not there any more
	for _, k := range list {
		listed[k.info.Name] = k
	}
	s.known = listed
}

// setLibrary publishes the library. asked is the names and titles by which its routines are asked for, as foldName has them.
func (p *Player) setLibrary(list []RoutineInfo, asked map[string]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.info.Routines, p.asked = list, asked
	p.publishInfo()
}
