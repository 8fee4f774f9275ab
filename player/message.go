package player

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"guided/audio"
	"guided/audio/mix"
)

const (
	maxMessageLetters = 500
	maxMessages       = 5 // waiting
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
		pcm, err := m.bank.Say(wanted, m.text)
		switch {
		case wanted.Err() != nil:
		case err != nil:
			p.cfg.Log.Error("a message cannot be said", "err", err)
			p.mu.Lock()
			p.publishEvent(Event{Type: "problem", Error: err.Error(), At: now()})
			p.mu.Unlock()
		default:
			p.deliver(wanted, overlay{pcm: pcm, inGap: m.inGap})
		}
	}
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
	cancelled := len(p.messages)+len(p.announcements) > 0 || p.cancelSynthesis != nil
	p.messages, p.announcements = nil, nil
	if p.cancelSynthesis != nil {
		p.cancelSynthesis()
		p.cancelSynthesis = nil
	}
	if a := p.announcement; a != nil {
		cancelled = true
		if a.fadeOut == 0 && !a.drained {
			a.fadeOut = fadeLen
		}
	}
	return cancelled
}

// announcement is a message that is spoken while no routine sounds: a streamer that an output pulls. The player's lock
// guards its fields.
type announcement struct {
	p       *Player
	pcm     []int16
	played  int
	volume  ramp
	fadeOut int // frames of fade-out left, 0: it does not leave
	drained bool
}

// playAnnouncement plays a message without a routine. The device is open for as long as that takes.
func (p *Player) playAnnouncement(ctx context.Context, o overlay) {
	a := &announcement{p: p, pcm: o.pcm}
	p.mu.Lock()
	a.volume = rampAt(audio.VolumeGain(p.currentVolume()))
	p.announcement = a
	p.mu.Unlock()
	err := p.cfg.Output.Play(ctx, a, func(int) {})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.announcement = nil
	if err != nil && ctx.Err() == nil {
		p.cfg.Log.Error("a message was not heard", "err", err)
		p.publishEvent(Event{Type: "problem", Error: err.Error(), At: now()})
	}
}

// Stream fills a block under the player's lock, which is never held across I/O.
func (a *announcement) Stream(samples [][2]float64) (int, bool) {
	a.p.mu.Lock()
	defer a.p.mu.Unlock()
	if gain := audio.VolumeGain(a.p.currentVolume()); gain != a.volume.target {
		a.volume.glideTo(gain, glideLen)
	}
	n := 0
	for n < len(samples) && !a.drained {
		x := a.volume.next() * float64(a.pcm[a.played]) / 32768
		samples[n] = [2]float64{x, x}
		a.played++
		if a.fadeOut > 0 {
			scaleFade(&samples[n], a.fadeOut)
			a.fadeOut--
			a.drained = a.fadeOut == 0
		}
		a.drained = a.drained || a.played == len(a.pcm)
		n++
	}
	return n, n > 0
}

// Err is always nil: an announcement cannot fail.
func (a *announcement) Err() error { return nil }
