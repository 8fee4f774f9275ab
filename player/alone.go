package player

import "context"

// speech is a message that is said while no routine sounds: a streamer that an output pulls. The player's lock guards
// its fields.
type speech struct {
	p       *Player
	pcm     []int16
	at      int
	volume  ramp
	leaving int // frames of fade-out to come, 0: none
	over    bool
}

// speakAlone says a message without a routine. The device is open for as long as that takes.
func (p *Player) speakAlone(hard context.Context, t talk) {
	s := &speech{p: p, pcm: t.pcm}
	p.mu.Lock()
	s.volume.at(gainOf(p.loudness()))
	p.speech = s
	p.mu.Unlock()
	err := p.cfg.Output.Play(hard, s, func(int) {})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.speech = nil
	if err != nil && hard.Err() == nil {
		p.cfg.Log.Error("a message was not heard", "err", err)
		p.happened(Event{Type: "problem", Error: err.Error(), At: now()})
	}
}

// hush lets it leave. The caller holds the lock.
func (s *speech) hush() {
	if s.leaving == 0 && !s.over {
		s.leaving = fade
	}
}

// Stream fills a block under the player's lock, which is never held across I/O.
func (s *speech) Stream(samples [][2]float64) (int, bool) {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if gain := gainOf(s.p.loudness()); gain != s.volume.target {
		s.volume.to(gain, glide)
	}
	n := 0
	for n < len(samples) && !s.over {
		x := s.volume.next() * float64(s.pcm[s.at]) / 32768
		samples[n] = [2]float64{x, x}
		s.at++
		if s.leaving > 0 {
			shape(&samples[n], s.leaving)
			s.leaving--
			s.over = s.leaving == 0
		}
		s.over = s.over || s.at == len(s.pcm)
		n++
	}
	return n, n > 0
}

// Err is nil: a message cannot fail.
func (s *speech) Err() error { return nil }
