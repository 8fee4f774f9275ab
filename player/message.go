package player

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"guided/audio"
	"guided/audio/mix"
)

const (
	maxMessageLetters = 500
	maxMessages       = 5               // waiting
	messageTimeout    = 2 * time.Minute // for one to be synthesized: more than its letters take a slow engine
)

// message is a text that a remote wants spoken. It goes from say through the queue to synthesizeMessages, and as sound
// to the session (overlay.go) or, where none is playing, to playAnnouncement.
type message struct {
	text  string
	inGap bool // between the phrases of the routine, where there is a gap soon
	bank  *mix.Bank
}

// say queues a text to be spoken. It is answered before the text is heard, because a speech engine may take its time.
func (p *Player) say(c Command) (bool, error) {
	text, err := cleanMessage(c.Text)
	if err != nil {
		return false, err
	}
	m := message{text, c.InGap, p.cfg.Bank}
	p.mu.Lock()
	if r := p.current(); r != nil {
		m.bank = r.bank
	}
	p.mu.Unlock()
	if !m.bank.CanSay(text) {
		return false, errors.New("the voice has no recording of that, and nothing here speaks other texts; install espeak-ng, or choose what speaks with voice.engine")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	waiting := len(p.messages) + len(p.announcements)
	if p.session != nil {
		waiting += len(p.session.overlays)
	}
	if waiting >= maxMessages {
		return false, fmt.Errorf("%d messages are waiting to be said already; send it again in a moment", maxMessages)
	}
	p.messages = append(p.messages, m)
	select {
	case p.messageQueued <- struct{}{}:
	default: // signalled already
	}
	return true, nil
}

// cleanMessage is a text without control characters and doubled spaces.
func cleanMessage(text string) (string, error) {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || r == utf8.RuneError
	}), " ")
	switch {
	case !strings.ContainsFunc(text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }):
		return "", errors.New("say what? write: say TEXT")
	case utf8.RuneCountInString(text) > maxMessageLetters:
		return "", fmt.Errorf("a message of %d letters is too long; %d are allowed", utf8.RuneCountInString(text), maxMessageLetters)
	}
	return text, nil
}

// synthesizeMessages turns messages into sound, one after another, until ctx ends.
func (p *Player) synthesizeMessages(ctx context.Context) {
	for ctx.Err() == nil {
		m, wanted := p.nextMessage(ctx)
		if wanted == nil {
			select {
			case <-ctx.Done():
			case <-p.messageQueued:
			}
			continue
		}
		pcm, err := p.synthesize(wanted, m)
		switch {
		case wanted.Err() != nil:
		case err != nil:
			p.cfg.Log.Error("a message cannot be said", "err", err)
			p.mu.Lock()
			p.publishEvent(Event{Type: "problem", Error: err.Error(), At: p.now()})
			p.mu.Unlock()
		default:
			p.deliver(wanted, overlay{pcm: pcm, inGap: m.inGap})
		}
	}
}

// synthesize is a message as sound.
func (p *Player) synthesize(ctx context.Context, m message) ([]int16, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, messageTimeout, fmt.Errorf("a message was not synthesized within %v", messageTimeout))
	defer cancel()
	pcm, err := m.bank.Say(ctx, m.text)
	if err == nil && len(pcm) == 0 {
		err = fmt.Errorf("nothing was heard of %q", shorten(m.text))
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return pcm, err
}

// nextMessage takes a message from the queue, and a context that ends when it is not wanted any more; nil for none.
func (p *Player) nextMessage(ctx context.Context) (m message, wanted context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cancelSynthesis != nil {
		p.cancelSynthesis() // of the message before
		p.cancelSynthesis = nil
	}
	if len(p.messages) == 0 {
		return m, nil
	}
	m, p.messages = p.messages[0], p.messages[1:]
	wanted, p.cancelSynthesis = context.WithCancel(ctx)
	return m, wanted
}

// deliver gives a message to the session that is playing, or queues it as an announcement. The sound where the routine
// comes back after the message is loaded first. After ctx has ended the message is dropped.
func (p *Player) deliver(ctx context.Context, o overlay) {
	p.mu.Lock()
	s := p.session
	if ctx.Err() != nil {
		p.mu.Unlock()
		return
	}
	if s == nil || !s.playing {
		p.announce(o)
		p.mu.Unlock()
		return
	}
	sound := s.sound
	back := s.score.ResumePoint(min(s.score.Len, s.target()+duckDown+len(o.pcm)))
	p.mu.Unlock()
	loading, cancel := context.WithTimeout(ctx, loadTimeout)
	_ = sound.Preload(loading, back) // after the timeout the routine comes back without it
	cancel()

	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case ctx.Err() != nil:
	case p.session == s && s.playing && s.transition.reason != finish:
		s.apply(func(s *session) { s.overlays = append(s.overlays, o) })
	default:
		p.announce(o)
	}
}

// announce queues a message to be spoken without a routine. The caller holds the lock.
func (p *Player) announce(o overlay) {
	p.announcements = append(p.announcements, o)
	p.wakeRun()
}

// cancelMessages drops the messages that wait or are being synthesized, and lets the announcement that is being heard
// fade out. It reports whether there was any. The caller holds the lock.
func (p *Player) cancelMessages() bool {
	cancelled := len(p.messages)+len(p.announcements) > 0 || p.cancelSynthesis != nil || p.announcement != nil
	p.messages, p.announcements = nil, nil
	if p.cancelSynthesis != nil {
		p.cancelSynthesis()
		p.cancelSynthesis = nil
	}
	if p.announcement != nil {
		p.announcement.displaced = false
		p.announcement.leave()
	}
	return cancelled
}

// displaceAnnouncement lets the announcement fade out for a routine, which will speak it again from its beginning, in a
// gap. The caller holds the lock.
func (p *Player) displaceAnnouncement() {
	if a := p.announcement; a != nil && a.leaveAt < 0 {
		a.displaced = true
		a.leave()
	}
}

// changeAnnouncementVolume lets the announcement glide to the volume in effect. The caller holds the lock.
func (p *Player) changeAnnouncementVolume() {
	if a := p.announcement; a != nil && a.gain != audio.VolumeGain(p.currentVolume()) {
		a.gainBefore, a.gain, a.glideAt = a.gainAt(a.played), audio.VolumeGain(p.currentVolume()), a.played
		a.signal()
	}
}

// announcement is a message that is spoken while no routine sounds: a streamer that an output pulls, and can take back as
// what is heard depends on the frame only. The player's lock guards its fields.
type announcement struct {
	p          *Player
	ctx        context.Context // of the Play
	cancel     context.CancelFunc
	pcm        []int16
	played     int
	leaveAt    int  // the frame where its fade-out begins, -1: none
	displaced  bool // it is to be spoken again over a routine
	glideAt    int  // the frame where the volume changes, within glideLen
	gainBefore float64
	gain       float64
	changed    chan struct{} // signals a change to the output
}

var _ audio.Rewinder = (*announcement)(nil)

// newAnnouncement is the announcement that is about to be played. The caller holds the lock.
func (p *Player) newAnnouncement(playing context.Context, o overlay) *announcement {
	gain := audio.VolumeGain(p.currentVolume())
	a := &announcement{p: p, pcm: o.pcm, leaveAt: -1, gainBefore: gain, gain: gain, changed: make(chan struct{}, 1)}
	a.ctx, a.cancel = context.WithCancel(playing)
	p.announcement = a
	return a
}

// playAnnouncement plays a message without a routine. The device is open for as long as that takes.
func (p *Player) playAnnouncement(a *announcement) {
	err := p.cfg.Output.Play(a.ctx, a, func(int) int { return audio.FarAhead })
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil && a.ctx.Err() == nil {
		p.cfg.Log.Error("a message was not heard", "err", err)
		p.publishEvent(Event{Type: "problem", Error: err.Error(), At: p.now()})
	}
	a.cancel()
	p.announcement = nil
	if a.displaced {
		p.announcements = slices.Insert(p.announcements, 0, overlay{pcm: a.pcm, inGap: true})
	}
}

// leave makes the sound fade out as soon as the output can. One of which nothing was pulled does not wait for its device.
// The caller holds the lock.
func (a *announcement) leave() {
	if a.leaveAt < 0 {
		a.leaveAt = a.played
		a.signal()
	}
	if a.played == 0 {
		a.cancel()
	}
}

func (a *announcement) signal() {
	select {
	case a.changed <- struct{}{}:
	default: // signalled already
	}
}

// end is the frame after the last one.
func (a *announcement) end() int {
	if a.leaveAt >= 0 {
		return min(len(a.pcm), a.leaveAt+fadeLen)
	}
	return len(a.pcm)
}

// gainAt is the volume at a frame.
func (a *announcement) gainAt(frame int) float64 {
	k := float64(min(max(0, frame-a.glideAt), glideLen)) / glideLen
	return a.gainBefore + k*(a.gain-a.gainBefore)
}

// Stream fills a block under the player's lock, which is never held across I/O.
func (a *announcement) Stream(samples [][2]float64) (int, bool) {
	a.p.mu.Lock()
	defer a.p.mu.Unlock()
	a.p.answerChecks()
	n := max(0, min(len(samples), a.end()-a.played))
	for i := range samples[:n] {
		x := a.gainAt(a.played) * float64(a.pcm[a.played]) / 32768
		samples[i] = [2]float64{x, x}
		if a.leaveAt >= 0 && a.played >= a.leaveAt {
			scaleFade(&samples[i], fadeLen-(a.played-a.leaveAt))
		}
		a.played++
	}
	return n, n > 0
}

// Changed signals that frames already pulled should sound different now.
func (a *announcement) Changed() <-chan struct{} { return a.changed }

// Rewind takes back the last frames pulled; what was asked for after them happens now.
func (a *announcement) Rewind(frames int) {
	a.p.mu.Lock()
	defer a.p.mu.Unlock()
	a.played = max(0, a.played-frames)
	a.glideAt = min(a.glideAt, a.played)
	if a.leaveAt >= 0 {
		a.leaveAt = min(a.leaveAt, a.played)
	}
}

// Err is always nil: an announcement cannot fail.
func (a *announcement) Err() error { return nil }
