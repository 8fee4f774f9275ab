package prove

import (
	"math"

	"guided/audio"
)

// estimateDrift is the slope of the offsets, samples a sample: the median of the slopes between cues a few apart, which neither
// a late cue nor a jump moves (after Theil and Sen).
func estimateDrift(cues []*CueTiming) float64 {
	apart := max(1, min(5, len(cues)/3))
	var slopes []float64
	for i, h := range cues[:max(0, len(cues)-apart)] {
		if later := cues[i+apart]; later.at > h.at {
			slopes = append(slopes, (later.offset-h.offset)/float64(later.at-h.at))
		}
	}
	if len(slopes) < 3 {
		return 0
	}
	return median(slopes)
}

// steadyRun is cues between which nothing was lost.
type steadyRun struct {
	cues   []*CueTiming
	offset float64 // the median of their offsets, less the drift
}

// minJump is the least that counts as one: half a millisecond, twice in a row. A cue that is alone with it is late itself.
const minJump = audio.Rate / 2000

// splitAtJumps finds where the offset jumps and stays.
func splitAtJumps(cues []*CueTiming, slope float64) []steadyRun {
	offsets := make([]float64, len(cues))
	for i, h := range cues {
		offsets[i] = h.offset - slope*float64(h.at)
	}
	var runs []steadyRun
	first := 0
	level := median(offsets[:min(3, len(offsets))])
	var recent []float64
	end := func(next int) {
		runs = append(runs, steadyRun{cues[first:next], median(offsets[first:next])})
		first = next
	}
	for i := 1; i+1 < len(offsets); i++ {
		next := offsets[i:min(i+3, len(offsets))]
		stays := true
		for _, o := range next {
			stays = stays && math.Abs(o-level) > minJump && math.Abs(o-next[0]) < minJump
		}
		if stays {
			end(i)
			level, recent = median(next), nil
		} else if math.Abs(offsets[i]-level) < minJump {
			recent = append(recent, offsets[i])
			level = median(recent[max(0, len(recent)-5):])
		}
	}
	end(len(offsets))
	return runs
}

// findGaps are the jumps and the silences. A silence beside a jump is the place of it, and no gap of its own.
func findGaps(runs []steadyRun, silences []span) []Gap {
	var list []Gap
	took := make([]bool, len(silences))
	for i, r := range runs[1:] {
		before := runs[i].cues[len(runs[i].cues)-1]
		by := (r.offset - runs[i].offset) * 1000 / audio.Rate
		g := Gap{At: before.Planned, Length: math.Abs(by), Kind: Inserted}
		if by < 0 {
			g.Kind = Lost
		}
		placed := false
		for k, s := range silences {
			if s.from >= before.at && s.from < r.cues[0].at+narrowWindow {
				took[k] = true
				if !placed {
					g.At, placed = float64(s.from)/audio.Rate, true
				}
			}
		}
		list = append(list, g)
	}
	for k, s := range silences {
		if length := s.to - s.from; !took[k] && length >= 2*silenceBlock {
			list = append(list, Gap{float64(s.from) / audio.Rate, float64(length) * 1000 / audio.Rate, Silenced})
		}
	}
	return list
}
