package player

import (
	"context"
	"errors"
	"fmt"
	"guided/audio/mix"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	longestMessage = 500 // letters
	mostMessages   = 5   // that wait
)

// message is a text that somebody in the house wants said.
type message struct {
	text string
	gap  bool // between the words of the routine, where there is a place soon
	bank *mix.Bank
}

// say has a text spoken: over the routine, which goes down under it, or alone. It is answered before it is heard, as
// an engine may take its time.
func (p *Player) say(c Command) (bool, error) {
	text, err := speakable(c.Text)
	if err != nil {
		return false, err
	}
	m := message{text, c.Gap, p.cfg.Bank}
	p.mu.Lock()
	if r := p.running(); r != nil {
		m.bank = r.bank
	}
	p.mu.Unlock()
	if !m.bank.CanSay(text) {
		return false, errors.New("the voice has no recording of that, and nothing here speaks other texts; install espeak-ng, or choose what speaks with voice.engine")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	waiting := len(p.messages) + len(p.alone)
	if p.session != nil {
		waiting += len(p.session.talks)
	}
	if waiting >= mostMessages {
		return false, fmt.Errorf("%d messages are waiting to be said already; send it again in a moment", mostMessages)
	}
	p.messages = append(p.messages, m)
	select {
	case p.mail <- struct{}{}:
	default: // it is awake already
	}
	return true, nil
}

func speakable(text string) (string, error) {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || r == utf8.RuneError
	}), " ")
	switch {
	case !strings.ContainsFunc(text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }):
		return "", errors.New("say what? write: say TEXT")
	case utf8.RuneCountInString(text) > longestMessage:
		return "", fmt.Errorf("a message of %d letters is too long; %d are allowed", utf8.RuneCountInString(text), longestMessage)
	}
	return text, nil
}

// speaker makes messages into sound, one after another, until ctx ends.
func (p *Player) speaker(ctx context.Context) {
	for ctx.Err() == nil {
		m, saying := p.nextMessage(ctx)
		if saying == nil {
			select {
			case <-ctx.Done():
			case <-p.mail:
			}
			continue
		}
		pcm, err := m.bank.Say(saying, m.text)
		switch {
		case saying.Err() != nil:
		case err != nil:
			p.cfg.Log.Error("a message cannot be said", "err", err)
			p.mu.Lock()
			p.happened(Event{Type: "problem", Error: err.Error(), At: now()})
			p.mu.Unlock()
		default:
			p.deliver(saying, talk{pcm: pcm, gap: m.gap})
		}
	}
}

// nextMessage takes a message that waits, and what ends when nobody wants it any more; nil for none.
func (p *Player) nextMessage(ctx context.Context) (m message, saying context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mute != nil {
		p.mute() // what was said before
		p.mute = nil
	}
	if len(p.messages) == 0 {
		return m, nil
	}
	m, p.messages = p.messages[0], p.messages[1:]
	saying, p.mute = context.WithCancel(ctx)
	return m, saying
}

// deliver gives a message to the session that sounds, or has it said alone. Where the routine comes back after it is
// loaded before. A message that ctx has ended for is not said.
func (p *Player) deliver(ctx context.Context, t talk) {
	p.mu.Lock()
	s := p.session
	if ctx.Err() != nil {
		p.mu.Unlock()
		return
	}
	if s == nil || !s.playing {
		p.alone = append(p.alone, t)
		p.look()
		p.mu.Unlock()
		return
	}
	sound := s.sound
	back := s.score.Return(min(s.score.Len, s.place()+duckDown+len(t.pcm)))
	p.mu.Unlock()
	loading, cancel := context.WithTimeout(ctx, patience)
	_ = sound.Load(loading, back) // what takes too long is missed
	cancel()

	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	if p.session == s && s.playing && s.then != finish {
		s.ask(func(s *session) { s.talks = append(s.talks, t) })
		return
	}
	p.alone = append(p.alone, t)
	p.look()
}

// quiet forgets what was to be said, also what is still being made into sound, and lets what is being said alone leave.
// The caller holds the lock.
func (p *Player) quiet() bool {
	any := len(p.messages)+len(p.alone) > 0 || p.mute != nil
	p.messages, p.alone = nil, nil
	if p.mute != nil {
		p.mute()
		p.mute = nil
	}
	if p.speech != nil {
		any = true
		p.speech.hush()
	}
	return any
}
