package prove

import (
	"math"

	"guided/audio"
)

// estimateDrift returns the slope of the offsets, in samples a sample: the median of the slopes between cues a few apart,
// which neither a late cue nor a jump moves (after Theil and Sen).
func estimateDrift(cues []*CueTiming) float64 {
	apart := max(1, min(5, len(cues)/3))
	var slopes []float64
	for i, c := range cues[:max(0, len(cues)-apart)] {
		if later := cues[i+apart]; later.at > c.at {
			slopes = append(slopes, (later.offset-c.offset)/float64(later.at-c.at))
		}
	}
	if len(slopes) < 3 {
		return 0
	}
	return median(slopes)
}

// steadyRun is consecutive cues between which no sound was lost or inserted.
type steadyRun struct {
	cues   []*CueTiming
	offset float64 // the median of their offsets without the drift
}

// minJump is the least change of the offset that counts as a jump, half a millisecond, when it stays for the next cues. A
// single cue that is off by it is late itself.
const minJump = audio.Rate / 2000

// splitAtJumps splits cues where their offset, without the drift, jumps and stays.
func splitAtJumps(cues []*CueTiming, slope float64) []steadyRun {
	offsets := make([]float64, len(cues))
	for i, c := range cues {
		offsets[i] = c.offset - slope*float64(c.at)
	}
	var runs []steadyRun
	first := 0
	end := func(next int) {
		runs = append(runs, steadyRun{cues[first:next], median(offsets[first:next])})
		first = next
	}
	current := median(offsets[:min(3, len(offsets))])
	var recent []float64 // the offsets of the current run near its own
	for i := 1; i+1 < len(offsets); i++ {
		next := offsets[i:min(i+3, len(offsets))]
		jumps := true
		for _, o := range next {
			jumps = jumps && math.Abs(o-current) > minJump && math.Abs(o-next[0]) < minJump
		}
		if jumps {
			end(i)
			current, recent = median(next), nil
		} else if math.Abs(offsets[i]-current) < minJump {
			recent = append(recent, offsets[i])
			current = median(recent[max(0, len(recent)-5):])
		}
	}
	end(len(offsets))
	return runs
}

// findGaps returns a gap for each jump between runs, and for each silence of at least two blocks. A silence beside a jump
// is the jump's place and no gap of its own.
func findGaps(runs []steadyRun, silences []span) []Gap {
	var list []Gap
	used := make([]bool, len(silences))
	for i, r := range runs[1:] {
		before := runs[i].cues[len(runs[i].cues)-1]
		jump := (r.offset - runs[i].offset) * 1000 / audio.Rate
		g := Gap{At: before.Planned, Length: math.Abs(jump), Kind: Inserted}
		if jump < 0 {
			g.Kind = Lost
		}
		placed := false
		for k, s := range silences {
			if s.from >= before.at && s.from < r.cues[0].at+narrowWindow {
				used[k] = true
				if !placed {
					g.At, placed = float64(s.from)/audio.Rate, true
				}
			}
		}
		list = append(list, g)
	}
	for k, s := range silences {
		if length := s.to - s.from; !used[k] && length >= 2*silenceBlock {
			list = append(list, Gap{float64(s.from) / audio.Rate, float64(length) * 1000 / audio.Rate, Silenced})
		}
	}
	return list
}
