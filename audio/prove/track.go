package prove

import (
	"math"

	"guided/audio"
	"guided/routines"
)

// tracker goes through a recording cue by cue, and follows the offset of the cues where it jumps.
type tracker struct {
	narrow   *correlator
	wide     *correlator // made when it is first needed
	offsets  []float64   // of the latest cues found, in samples from score to recording
	silences []span
}

// A wide search, for a cue that is out of narrow reach, looks for the four seconds from the cue on, up to two seconds to
// each side: words come again, a piece that long does not.
const (
	wideReach  = 2 * audio.Rate
	wideWindow = 4 * audio.Rate
	wideSpan   = 1 << 19
)

// strongCorrelation is the least at which the beginning of a cue, or a wide search, is believed.
const strongCorrelation = 0.8

// track locates a cue of n samples, and the silences within it. It is not audible where it is silent in the score too.
func (t *tracker) track(c routines.Cue, n int) (timing CueTiming, audible bool, err error) {
	timing = CueTiming{Planned: float64(c.At) / audio.Rate, What: c.Clip.Say, at: c.At}
	if timing.What == "" {
		timing.What = c.Clip.Sound
	}
	if n <= 0 {
		return timing, false, nil
	}
	window := min(n, narrowWindow)
	if energy, err := t.narrow.readScore(c.At, window); err != nil || energy < 1e-9*float64(window) {
		return timing, false, err
	}
	found, frame, err := t.locate(c.At, window)
	if err != nil {
		return timing, false, err
	}
	timing.Correlation = math.Max(0, found.correlation)
	timing.Heard = found.correlation >= minCorrelation
	if !timing.Heard {
		return timing, true, nil
	}
	timing.gain, timing.offset = found.gain, float64(frame-c.At)+found.lag
	if t.offsets = append(t.offsets, timing.offset); len(t.offsets) > 5 {
		t.offsets = t.offsets[1:]
	}
	return timing, true, t.findSilences(c.At, n, int(math.Round(timing.offset)), timing.gain)
}

// locate looks for n samples of a cue at the median offset of the latest cues: for all of it, then for its first half,
// which may be all that is undamaged, then with a wide search. It returns the match and the frame it is relative to.
func (t *tracker) locate(at, n int) (match, int, error) {
	frame := at + int(math.Round(median(t.offsets)))
	found, err := t.narrow.find(at, n, frame, narrowReach)
	if err != nil || found.correlation >= minCorrelation {
		return found, frame, err
	}
	if half, err := t.narrow.find(at, n/2, frame, narrowReach); err != nil || half.correlation >= strongCorrelation {
		return half, frame, err
	}
	if t.wide == nil {
		t.wide = newCorrelator(t.narrow.rendered, t.narrow.recording, wideSpan)
	}
	far, err := t.wide.find(at, min(wideWindow, t.narrow.rendered.Len()-at), frame, wideReach)
	if err != nil || far.correlation < strongCorrelation || math.Abs(far.lag) < narrowReach {
		return found, frame, err
	}
	t.offsets = []float64{float64(frame-at) + far.lag}
	frame += int(math.Round(far.lag))
	found, err = t.narrow.find(at, n, frame, narrowReach)
	return found, frame, err
}

// span is samples of the score, from one to before another.
type span struct{ from, to int }

// silenceBlock is the samples that are judged loud or silent at a time: 2.5 ms.
const silenceBlock = audio.Rate / 400

// findSilences notes the blocks of a cue, found at an offset with a gain, that are silent in the recording and not in the
// score.
func (t *tracker) findSilences(at, n, offset int, gain float64) error {
	c := t.narrow
	for from := at; from+silenceBlock <= at+n; {
		length := min(len(c.want), at+n-from) / silenceBlock * silenceBlock
		if _, err := c.readScore(from, length); err != nil {
			return err
		}
		if err := c.recording.ReadMono(c.got[:length], from+offset); err != nil {
			return err
		}
		for i := 0; i < length; i += silenceBlock {
			if want := gain * rms(c.want[i:i+silenceBlock]); want > 1e-3 && rms(c.got[i:i+silenceBlock]) < want/50 {
				t.addSilence(from+i, from+i+silenceBlock)
			}
		}
		from += length
	}
	return nil
}

// addSilence adds a silence, and joins it to the last one unless more than a block lies between.
func (t *tracker) addSilence(from, to int) {
	if n := len(t.silences); n > 0 && from <= t.silences[n-1].to+silenceBlock {
		t.silences[n-1].to = max(to, t.silences[n-1].to)
		return
	}
	t.silences = append(t.silences, span{from, to})
}

func rms(list []float64) float64 {
	sum := 0.0
	for _, x := range list {
		sum += x * x
	}
	return math.Sqrt(sum / float64(len(list)))
}
