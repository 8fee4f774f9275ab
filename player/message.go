package player

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"guided/audio/mix"
)

const (
	maxMessageLetters = 500 // letters
	maxMessages       = 5   // that wait
)

// message is a text that somebody in the house wants said.
type message struct {
	text  string
	inGap bool // between the words of the routine, where there is a place soon
	bank  *mix.Bank
}

// say has a text spoken: over the routine, which goes down under it, or alone. It is answered before it is heard, as
// an engine may take its time.
func (p *Player) say(c Command) (bool, error) {
	text, err := cleanMessage(c.Text)
	if err != nil {
		return false, err
	}
	m := message{text, c.Gap, p.cfg.Bank}
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
	default: // it is awake already
	}
	return true, nil
}

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

// synthesizeMessages makes messages into sound, one after another, until ctx ends.
func (p *Player) synthesizeMessages(ctx context.Context) {
	for ctx.Err() == nil {
		m, saying := p.nextMessage(ctx)
		if saying == nil {
			select {
			case <-ctx.Done():
			case <-p.messageQueued:
			}
			continue
		}
		pcm, err := m.bank.Say(saying, m.text)
		switch {
		case saying.Err() != nil:
		case err != nil:
			p.cfg.Log.Error("a message cannot be said", "err", err)
			p.mu.Lock()
			p.publishEvent(Event{Type: "problem", Error: err.Error(), At: now()})
			p.mu.Unlock()
		default:
			p.deliver(saying, overlay{pcm: pcm, inGap: m.inGap})
		}
	}
}

// nextMessage takes a message that waits, and what ends when nobody wants it any more; nil for none.
func (p *Player) nextMessage(ctx context.Context) (m message, saying context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cancelSynthesis != nil {
		p.cancelSynthesis() // what was said before
		p.cancelSynthesis = nil
	}
	if len(p.messages) == 0 {
		return m, nil
	}
	m, p.messages = p.messages[0], p.messages[1:]
	saying, p.cancelSynthesis = context.WithCancel(ctx)
	return m, saying
}

// deliver gives a message to the session that sounds, or has it said alone. Where the routine comes back after it is
// loaded before. A message that ctx has ended for is not said.
func (p *Player) deliver(ctx context.Context, t overlay) {
	p.mu.Lock()
	s := p.session
	if ctx.Err() != nil {
		p.mu.Unlock()
		return
	}
	if s == nil || !s.playing {
		p.announcements = append(p.announcements, t)
		p.wakeRun()
		p.mu.Unlock()
		return
	}
	sound := s.sound
	back := s.score.Return(min(s.score.Len, s.target()+duckDown+len(t.pcm)))
	p.mu.Unlock()
	loading, cancel := context.WithTimeout(ctx, loadTimeout)
	_ = sound.Load(loading, back) // what takes too long is missed
	cancel()

	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	if p.session == s && s.playing && s.reason != finish {
		s.apply(func(s *session) { s.overlays = append(s.overlays, t) })
		return
	}
	p.announcements = append(p.announcements, t)
	p.wakeRun()
}

// cancelMessages forgets what was to be said, also what is still being made into sound, and lets what is being said alone leave.
// The caller holds the lock.
func (p *Player) cancelMessages() bool {
	any := len(p.messages)+len(p.announcements) > 0 || p.cancelSynthesis != nil
	p.messages, p.announcements = nil, nil
	if p.cancelSynthesis != nil {
		p.cancelSynthesis()
		p.cancelSynthesis = nil
	}
	if p.announcement != nil {
		any = true
		p.announcement.leave()
	}
	return any
}

// announcement is a message that is said while no routine sounds: a streamer that an output pulls. The player's lock guards
// its fields.
type announcement struct {
	p       *Player
	pcm     []int16
	played  int
	volume  ramp
	fadeOut int // frames of fade-out to come, 0: none
	drained bool
}

// playAnnouncement says a message without a routine. The device is open for as long as that takes.
func (p *Player) playAnnouncement(hard context.Context, t overlay) {
	s := &announcement{p: p, pcm: t.pcm}
	p.mu.Lock()
	s.volume.jumpTo(gainOf(p.currentVolume()))
	p.announcement = s
	p.mu.Unlock()
	err := p.cfg.Output.Play(hard, s, func(int) {})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.announcement = nil
	if err != nil && hard.Err() == nil {
		p.cfg.Log.Error("a message was not heard", "err", err)
		p.publishEvent(Event{Type: "problem", Error: err.Error(), At: now()})
	}
}

// leave lets it leave. The caller holds the lock.
func (s *announcement) leave() {
	if s.fadeOut == 0 && !s.drained {
		s.fadeOut = fadeLen
	}
}

// Stream fills a block under the player's lock, which is never held across I/O.
func (s *announcement) Stream(samples [][2]float64) (int, bool) {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if gain := gainOf(s.p.currentVolume()); gain != s.volume.target {
		s.volume.glideTo(gain, glideLen)
	}
	n := 0
	for n < len(samples) && !s.drained {
		x := s.volume.next() * float64(s.pcm[s.played]) / 32768
		samples[n] = [2]float64{x, x}
		s.played++
		if s.fadeOut > 0 {
			fadeShape(&samples[n], s.fadeOut)
			s.fadeOut--
			s.drained = s.fadeOut == 0
		}
		s.drained = s.drained || s.played == len(s.pcm)
		n++
	}
	return n, n > 0
}

// Err is nil: a message cannot fail.
func (s *announcement) Err() error { return nil }
