package player

import "guided/routines"

// track remembers which part of the score each frame of an output's stream came from, so that what is heard can be
// told from how many frames were heard. Frames count from the start of one Play.
type track struct {
	parts []part // in order of their frames; the last one goes on
}

// part is a run of frames. A still one is silence that belongs before a sample of the score.
type part struct {
	frame int
	pos   int
	still bool
}

// to notes that from a frame on, after so many still frames, the score goes on at pos. Later parts that were planned
// are forgotten.
func (t *track) to(frame, still, pos int) {
	for len(t.parts) > 0 && t.parts[len(t.parts)-1].frame >= frame {
		t.parts = t.parts[:len(t.parts)-1]
	}
	if still > 0 {
		t.parts = append(t.parts, part{frame, pos, true})
	}
	t.parts = append(t.parts, part{frame + still, pos, false})
}

// at is the sample of the score that a frame stands for.
func (t *track) at(frame int) int {
	for i := len(t.parts) - 1; i >= 0; i-- {
		if p := t.parts[i]; p.frame <= frame {
			if p.still {
				return p.pos
			}
			return p.pos + frame - p.frame
		}
	}
	return 0
}

// ahead is where the last part begins when a frame lies before it, else what the frame stands for.
func (t *track) ahead(frame int) int {
	if last := t.parts[len(t.parts)-1]; last.frame > frame {
		return last.pos
	}
	return t.at(frame)
}

// silence is how many still frames are to come at a frame.
func (t *track) silence(frame int) int {
	for i, p := range t.parts {
		if p.still && p.frame <= frame && frame < t.parts[i+1].frame {
			return t.parts[i+1].frame - frame
		}
	}
	return 0
}

// marks calls f for every mark whose frame lies in [from, to), in order.
func (t *track) marks(score *routines.Score, from, to int, f func(m routines.Mark, frame int)) {
	for i, p := range t.parts {
		if p.still {
			continue
		}
		end := to
		if i+1 < len(t.parts) {
			end = min(end, t.parts[i+1].frame)
		}
		for _, m := range score.MarksFrom(p.pos + max(0, from-p.frame)) {
			frame := p.frame + m.At - p.pos
			if frame >= end {
				break
			}
			f(m, frame)
		}
	}
}

// forget drops the parts that ended before a frame, and tells whether there were any.
func (t *track) forget(frame int) bool {
	n := len(t.parts)
	for len(t.parts) > 1 && t.parts[1].frame <= frame {
		t.parts = t.parts[1:]
	}
	return len(t.parts) < n
}
