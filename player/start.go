package player

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"guided/audio"
	"guided/audio/mix"
	"guided/routines"
)

// request is a start that was checked: what is to be played, and how.
type request struct {
	routine     *routines.Routine
	bank        *mix.Bank // of the voice asked for
	voice       string    // its name
	options     routines.Options
	deadline    *Deadline        // when it must have ended, nil: no matter
	clock       func() time.Time // the wall clock that the deadline is of
	volume      *int             // for this session only, nil: the player's
	from        string           // who started it, as Command.From
	score       *routines.Score
	base        *routines.Score // score before the changes that were asked for while it played
	fingerprint string          // of score
	complete    bool            // every phrase of the score can be spoken at once
	place       *Place          // where it begins, of a session that was lost; nil: at its beginning
}

// same reports whether two starts ask for the same: in other words perhaps, but with the same effect. Edits of the routine
// since, and the quiet hours, make no difference.
func (r *request) same(o *request) bool {
	return r.sameOptions(o) || r.sameScore(o)
}

// sameOptions reports whether two starts ask for the same by their options.
func (r *request) sameOptions(o *request) bool {
	a, b := r.options, o.options
	return r.routine.Name == o.routine.Name && r.bank == o.bank && r.sameEnd(o) && a.FadeIn == b.FadeIn && a.FadeOut == b.FadeOut && a.NoHolds == b.NoHolds && a.Bed == b.Bed &&
		cmp.Or(a.Verbosity, routines.Full) == cmp.Or(b.Verbosity, routines.Full)
}

// sameEnd reports whether two starts ask for the same end, or the same length.
func (r *request) sameEnd(o *request) bool {
	return r.deadline.same(o.deadline) && (r.deadline != nil || r.options.For == o.options.For)
}

// sameScore reports whether two starts that were compiled sound the same: one may ask for the length, the bed or the
// verbosity that the routine has anyway.
func (r *request) sameScore(o *request) bool {
	if r.base == nil || o.base == nil || r.bank != o.bank {
		return false
	}
	a, b := r.base, o.base // plain comparisons: the lock is held
	return a.Name == b.Name && a.Title == b.Title && a.Len == b.Len && a.Bed == b.Bed && slices.Equal(a.Fade, b.Fade) && slices.Equal(a.Marks, b.Marks) && slices.Equal(a.Cues, b.Cues)
}

// compile makes the score, with tones in place of the phrases that no voice has. With a deadline it is fitted to the time
// that is left now.
func (r *request) compile(ctx context.Context) error {
	if r.deadline == nil {
		return r.compileAs(ctx, r.options)
	}
	options := r.options
	r.deadline.Fit(&options, r.clock())
	if err := r.compileAs(ctx, options); err != nil {
		return r.deadline.Explain(err, r.clock())
	}
	r.options = options
	return nil
}

// compileAs makes the score with some options.
func (r *request) compileAs(ctx context.Context, o routines.Options) error {
	r.complete = true
	score, err := routines.Compile(ctx, r.routine, func(c routines.Clip) (routines.Extent, bool) {
		e, has := r.bank.Measure(c)
		r.complete = r.complete && has
		return e, has
	}, o)
	switch {
	case err != nil:
		return err
	case score.Len == 0 || len(score.Marks) == 0:
		return fmt.Errorf("%q has nothing to play", r.routine.Title)
	}
	r.score, r.base, r.fingerprint = score, score, score.Fingerprint()
	return nil
}

// start checks and compiles a routine, and queues it for Run; the session that is playing fades out first, and so does a
// message that is spoken alone: it and those that wait are spoken in gaps of the routine. Without a name it starts the
// selected routine. Starting what is playing changes nothing; starting what is paused resumes it.
func (p *Player) start(c Command, w *slowCommand) (bool, error) {
	r, err := p.newRequest(w.ctx, c)
	if err != nil {
		return false, err
	}
	for {
		changed, done, err := p.commitStart(&r, w, p.noteOf(&r))
		if done || err != nil {
			return changed, err
		}
		if err := r.compile(w.ctx); err != nil {
			return false, err
		}
	}
}

// commitStart starts a request. It reports that it is not done where the request differs from what is playing and has to
// be compiled first, so that a routine that cannot be compiled, or not in the length asked for, is refused in the answer
// to the command.
func (p *Player) commitStart(r *request, w *slowCommand, note string) (changed, done bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	current := p.current()
	if current != nil && w.command.unattended {
		return false, true, ErrBusy
	}
	same := current != nil && current.same(r)
	if !same && r.score == nil {
		return false, false, nil
	}
	if err := w.commit(); err != nil {
		return false, false, err
	}
	w.note = note
	if w.otherVolume {
		r.volume = nil
	}
	if !w.command.unattended {
		changed = p.setSelected(r.routine.Name)
	}
	if same {
		if r.volume != nil && *r.volume != p.currentVolume() {
			p.setSessionVolume(r.volume)
			changed = true
		}
		if !w.paused {
			changed = p.resumeCurrent() || changed
		}
		return changed, true, nil
	}
	p.queue(r, w)
	return true, true, nil
}

// queue lets Run prepare a request, after the sound of the session that it replaces. The caller holds the lock.
func (p *Player) queue(r *request, w *slowCommand) {
	p.dropPending()
	p.offerEnded = ""
	if r.place == nil {
		p.endOffer(because(r.routine.Title+" was started", r.from))
	}
	p.pending, p.paused, p.problem, p.offer = r, w.paused, "", nil
	if p.session != nil {
		p.session.endsBecause("replaced by "+r.routine.Name, r.from)
	}
	if p.session != nil && p.session.playing {
		p.session.requestLeave(finish)
	}
	if !p.paused {
		p.displaceAnnouncement()
	}
	p.publishState()
	p.wakeRun()
}

// newRequest is what a start asks for, without its score.
func (p *Player) newRequest(ctx context.Context, c Command) (request, error) {
	routine, c, err := p.findRoutine(ctx, c)
	if err != nil {
		return request{}, err
	}
	voice, err := p.voiceName(c.Voice)
	if err != nil {
		return request{}, err
	}
	bank, err := p.cfg.Bank.ForVoice(voice)
	if err != nil {
		return request{}, fmt.Errorf("voice: %w", err)
	}
	r := request{routine: routine, bank: bank, voice: cmp.Or(voice, p.cfg.Voice), options: p.Options(c.Parameters), volume: c.Volume, from: c.From, clock: p.cfg.Now}
	r.options.Interactive = p.cfg.Waits && !c.unattended
	r.options.Quiet = r.options.Quiet || c.softly
	switch {
	case c.Until != "" && c.For != 0:
		return request{}, errors.New("for and until both say when it ends; give one of them")
	case c.Until != "":
		r.deadline, err = NewDeadline(c.Until, p.localTime(), p.startDelay())
	}
	return r, err
}

// localTime is the time where the listener is.
func (p *Player) localTime() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cfg.Now().In(cmp.Or(p.cfg.Zone, time.UTC))
}

// startDelay is how long a start takes to its first sound: as long as the last one, at first the lead-in.
func (p *Player) startDelay() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.delay
}

// noteOf is what whoever asked for a start should know beside that it was carried out.
func (p *Player) noteOf(r *request) string {
	var clock, end, fades string
	if r.deadline != nil && !p.cfg.ClockTrusted() {
		clock = fmt.Sprintf("until counts by the clock here, which nothing is known to keep right; it shows %s", p.localTime().Format("15:04:05"))
	}
	if r.score == nil { // it plays already, or has to be compiled first
		return clock
	}
	if r.deadline != nil {
		if at, early := r.deadline.earlyEnd(r.score, p.cfg.Now()); early {
			end = fmt.Sprintf("it ends at %s; it cannot be longer and end by %s", at, r.deadline.text)
		}
	}
	if r.options.FadesShortened(r.score) {
		fades = fmt.Sprintf("it lasts %v, and its fades were shortened to that", routines.Duration(r.score.Elapsed(r.score.Len)).Round(time.Second))
	}
	return joinNotes(clock, end, fades)
}

// findRoutine loads the routine of a start, and returns the command with the parameters that do not belong to its title.
func (p *Player) findRoutine(ctx context.Context, c Command) (*routines.Routine, Command, error) {
	c = p.nameInWords(ctx, c)
	name := c.Routine
	if name == "" {
		p.mu.Lock()
		name = p.selected
		p.mu.Unlock()
	}
	if name == "" {
		return nil, c, errors.New("start what? name a routine, or select one first")
	}
	routine, err := p.index.Load(ctx, name)
	if !errors.Is(err, routines.ErrNotFound) {
		return routine, c, err
	}
	head, wrong := wrongParameters(name)
	if wrong == nil {
		return nil, c, err
	}
	if head != "" {
		if _, headErr := p.index.Load(ctx, head); errors.Is(headErr, routines.ErrNotFound) {
			return nil, c, err
		}
	}
	return nil, c, fmt.Errorf("%w; write: %s", wrong, verbs()[0].usage)
}

// nameInWords looks for a routine with a longer name than the parser took for one: of "start Volume 3" the whole may be a
// title. It asks what the last scan of the library found, and before the first one the library itself.
func (p *Player) nameInWords(ctx context.Context, c Command) Command {
	if c.words == nil {
		return c
	}
	p.mu.Lock()
	asked := p.asked
	p.mu.Unlock()
	known := func(name string) bool { return asked[name] }
	if asked == nil {
		known = func(name string) bool {
			_, err := p.index.Load(ctx, name)
			return !errors.Is(err, routines.ErrNotFound)
		}
	}
	for n := len(c.words); n > len(strings.Fields(c.Routine)) && n > len(c.words)-2*len(keys); n -= 2 {
		longer := Command{Verb: c.Verb, words: c.words}
		name := strings.Join(c.words[:n], " ")
		if len(longer.setParameters(n)) == n && known(foldName(name)) {
			longer.Routine, longer.Transaction, longer.SentAt, longer.From = name, c.Transaction, c.SentAt, c.From
			return longer
		}
	}
	return c
}

// foldName is a name or title without case and punctuation.
func foldName(name string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), " ")
}

// isPath reports whether the name of a voice is that of a folder.
func isPath(name string) bool {
	return strings.ContainsAny(name, `/\~`) || strings.HasPrefix(name, ".")
}

// voiceName is the name by which the bank knows a voice, empty for the default one. A remote may name those that there
// are only: the bank would look into folders for others.
func (p *Player) voiceName(asked string) (string, error) {
	asked = strings.TrimSpace(asked)
	switch {
	case asked == "" || strings.EqualFold(asked, p.cfg.Voice):
		return "", nil
	case p.cfg.Voices == nil:
		return asked, nil
	}
	for _, name := range p.cfg.Voices {
		if strings.EqualFold(name, asked) {
			return name, nil
		}
	}
	return "", fmt.Errorf("voice: %q is not known; use one of %s", shorten(asked), strings.Join(p.cfg.Voices, ", "))
}

// selectRoutine notes what start and toggle begin without a name.
func (p *Player) selectRoutine(c Command, w *slowCommand) (bool, error) {
	if c.Routine == "" {
		return false, errors.New("select what? name a routine")
	}
	r, err := p.index.Load(w.ctx, c.Routine)
	if err != nil {
		return false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := w.commit(); err != nil {
		return false, err
	}
	return p.setSelected(r.Name), nil
}

// setSelected reports whether another routine was selected before. The caller holds the lock.
func (p *Player) setSelected(name string) bool {
	if p.selected == name {
		return false
	}
	p.selected = name
	p.publishState()
	return true
}

// prepare makes a session of a request. What takes time happens here, before the first sample, or in the loaders, ahead
// of each sample. ctx ends with the session.
func (p *Player) prepare(ctx context.Context, r request) {
	err := p.completeScore(ctx, &r)
	var sound *mix.LiveRenderer
	loading, cancelLoading := context.WithCancel(ctx)
	if err == nil {
		sound, err = r.bank.RenderLive(loading, r.score, p.background.Go)
	}
	if err == nil && r.place != nil {
		var at int
		if at, _, err = r.place.in(r.score); err == nil {
			err = sound.Seek(at)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() != nil { // stopped or replaced meanwhile
		cancelLoading()
		return
	}
	endLifetime := p.cancelPreparing
	r.volume = p.preparing.volume // it may have changed
	p.preparing, p.cancelPreparing = nil, nil
	if err != nil {
		cancelLoading()
		endLifetime()
		p.cfg.Log.Error("a routine cannot be played", "routine", r.routine.Name, "err", err)
		if r.place != nil {
			p.recordLost(*r.place)
		}
		p.paused, p.problem = false, err.Error()
		p.publishEvent(Event{Type: "problem", Routine: r.routine.Name, Title: r.routine.Title, Error: p.problem, At: p.now()})
		p.publishState()
		return
	}
	s := newSession(r, sound)
	if r.place != nil {
		s.goOnFrom(r.place.SoFar)
	}
	s.lifetime, s.endLifetime, s.cancelLoading = ctx, endLifetime, cancelLoading
	p.session = s
	s.volumeGain = rampAt(audio.VolumeGain(p.currentVolume()))
	if p.paused {
		p.notifyPaused()
	}
	p.publishState()
}

// completeScore has the phrases spoken that are missing in the score of a request, which takes mix.StartTimeout at most,
// and compiles it again. Where nothing can speak them, tones sound in their place.
func (p *Player) completeScore(ctx context.Context, r *request) error {
	if r.complete || !r.bank.CanSynthesize() {
		return nil
	}
	clips, err := routines.Clips(ctx, r.routine)
	if err != nil {
		return err
	}
	if err := r.bank.PrepareForStart(ctx, clips); err != nil && ctx.Err() == nil {
		p.cfg.Log.Warn("some phrases cannot be spoken; tones sound in their place", "routine", r.routine.Name, "err", err)
	}
	err = r.compile(ctx)
	if r.deadline != nil && err != nil && ctx.Err() == nil {
		return r.compileAs(ctx, r.options) // too late by the time that it took to speak: it ends later by that
	}
	return err
}

// dropPending cancels the request that has not become a session yet. At the end of Run the next process may go on with it.
// The caller holds the lock.
func (p *Player) dropPending() {
	for _, r := range []*request{p.pending, p.preparing} {
		if r != nil && r.place != nil && !p.ending {
			p.recordLost(*r.place)
		}
	}
	p.pending = nil
	if p.preparing != nil {
		p.cancelPreparing()
		p.preparing, p.cancelPreparing = nil, nil
	}
}
