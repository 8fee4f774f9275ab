package mix

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"slices"
	"sync/atomic"

	"guided/audio"
	"guided/routines"
)

// loopFade is the longest crossfade from the end of a looped file into its beginning, in samples.
const loopFade = 8 * audio.Rate

// lateFade is how long a bed takes to come in that was not ready at the start of its score, in samples.
const lateFade = bedFadeIn

// loopedSound is a bedSound that repeats mono samples, which are loaded block by block.
type loopedSound struct {
	loop atomic.Pointer[blocks] // nil: it is not ready, and silent
	from atomic.Int64           // the sample of the score from which it comes in; 0: it was ready at the start
}

// loopOf returns a loop that is in memory, nil for no samples.
func loopOf(pcm []int16) *loopedSound {
	if len(pcm) == 0 {
		return nil
	}
	l := &loopedSound{}
	l.loop.Store(wholeClip(pcm))
	return l
}

func (l *loopedSound) fill(frames [][2]float64, at int) {
	loop := l.loop.Load()
	if loop == nil {
		clear(frames)
		return
	}
	for done := 0; done < len(frames); {
		pcm, n := loop.from((at + done) % loop.length)
		n = min(n, len(frames)-done)
		part := frames[done : done+n]
		pcm = pcm[:min(n, len(pcm))]
		for i, y := range pcm {
			x := float64(y) / (math.MaxInt16 + 1)
			part[i] = [2]float64{x, x}
		}
		clear(part[len(pcm):])
		done += n
	}
	if from := int(l.from.Load()); from > 0 && at < from+lateFade {
		for i := range frames {
			gain := smoothStep(max(0, min(1, float64(at+i-from)/lateFade)))
			frames[i] = [2]float64{gain * frames[i][0], gain * frames[i][1]}
		}
	}
}

// loopLevel is what makes a loop of a sound file: its length in samples at audio.Rate, and the gain that brings the loop to
// bedLUFS.
type loopLevel struct {
	total int
	gain  float64
}

// fade is the samples at either end of the file that the crossfade mixes.
func (l loopLevel) fade() int { return min(loopFade, l.total/3) }

// length is the samples of the loop.
func (l loopLevel) length() int { return l.total - l.fade() }

// quantize makes samples of the loop.
func (l loopLevel) quantize(pcm []int16, samples []float64) {
	audio.Quantize(pcm, samples, l.gain)
}

// measureLoop decodes a file for its level, and for the beginning of the loop, where its end is mixed in. That takes 12 MiB of
// memory, and 6 MiB for a long WAV file.
func measureLoop(d *audio.Decoder) (level loopLevel, head []int16, err error) {
	shape := loopShape{long: d.WAV != nil && audio.ResampledLen(d.WAV.Frames, d.Rate) > shortLoop}
	if err := d.Resampled(shape.add); err != nil {
		return loopLevel{}, nil, err
	}
	loudness := shape.loudness()
	if loudness < audio.AbsoluteGate || math.IsNaN(loudness) {
		return loopLevel{}, nil, errors.New("the sound is silent")
	}
	level = loopLevel{shape.at, audio.GainFromDB(bedLUFS - loudness)}
	head = make([]int16, level.fade())
	level.quantize(head, shape.head[:len(head)]) // loudness has mixed in the end
	return level, head, nil
}

// The parts of a long sound that loopShape keeps. Its loudness is measured in two parts, because the beginning of the loop
// is only known at the end of the file: the meter of the rest begins at the end of the crossfade, and its blocks count
// from settle on, when its filters have forgotten that they began in silence.
const (
	shortLoop = 3 * loopFade // what is no longer is kept whole
	settle    = audio.Rate
	loopHead  = loopFade + settle + audio.LoudnessBlock - audio.LoudnessStep // up to the end of the last block that begins before settle
)

// loopShape takes the samples of a sound, and finds the loop they make.
type loopShape struct {
	long bool      // the sound is known to be longer than shortLoop
	head []float64 // the first shortLoop samples, loopHead of a long sound
	tail []float64 // a ring buffer of the last loopFade, from at modulo loopFade
	at   int       // samples so far
	rest *audio.LoudnessMeter
}

func (s *loopShape) add(samples []float64) error {
	if s.rest == nil {
		room := shortLoop
		if s.long {
			room = loopHead
		}
		s.rest, s.head, s.tail = audio.NewLoudnessMeter(), make([]float64, 0, room), make([]float64, loopFade)
	}
	if room := cap(s.head) - len(s.head); room > 0 {
		s.head = append(s.head, samples[:min(room, len(samples))]...)
	}
	for len(samples) > 0 {
		i := s.at % loopFade
		ring := s.tail[i:min(loopFade, i+len(samples))]
		if s.at >= 2*loopFade { // what leaves the tail is in the loop, behind the crossfade
			s.rest.Add(ring)
		}
		n := copy(ring, samples)
		samples = samples[n:]
		s.at += n
	}
	return nil
}

// loudness returns the loudness of the loop in LUFS.
func (s *loopShape) loudness() float64 {
	if s.at <= shortLoop {
		fade := len(s.head) / 3
		loop := s.head[:len(s.head)-fade]
		fadeInto(loop[:fade], s.head[len(loop):])
		return audio.Loudness(loop)
	}
	head := s.head[:loopHead]
	i := s.at % loopFade
	fadePart(head[:loopFade-i], s.tail[i:], 0, loopFade)
	fadePart(head[loopFade-i:loopFade], s.tail[:i], loopFade-i, loopFade)
	meter := audio.NewLoudnessMeter()
	meter.Add(head)
	blocks := append(meter.Blocks(), s.rest.Blocks()[settle/audio.LoudnessStep:]...)
	return audio.GatedLoudness(blocks)
}

// fadeInto fades from the samples of end to those of begin, at equal power, in place.
func fadeInto(begin, end []float64) { fadePart(begin, end, 0, len(begin)) }

// fadePart is fadeInto for the part that begins at a sample of a fade of length samples.
func fadePart(begin, end []float64, at, length int) {
	for i := range begin {
		sin, cos := math.Sincos(math.Pi / 2 * (float64(at+i) + 0.5) / float64(length))
		begin[i] = float64(sin*begin[i]) + float64(cos*end[i])
	}
}

// bedClipKey is the key of a bed among Clips. Its length differs from that of the same file as a cue, which is played
// at its own level and not looped.
func bedClipKey(sound string) routines.Clip { return routines.Clip{Sound: sound, Len: -1} }

// openBed returns the loop of a sound file that is a bed. A file that cannot be used is logged, and nil is returned, as when
// ctx ends. keeping is that of soundFiles.open.
func (b *bankCache) openBed(ctx context.Context, name string, keeping bool) *soundReader {
	reader, err := b.sounds.open(ctx, name, loopKind, keeping)
	switch {
	case err == nil:
		b.sounds.problems.forget(msgSilentBed + "\x00" + name)
	case ctx.Err() == nil:
		b.sounds.problems.tell(slog.LevelError, msgSilentBed, name, err)
	}
	return reader
}

// PrepareBed measures the bed of a score, so that a start need not.
func (b *Bank) PrepareBed(ctx context.Context, bed routines.Bed) {
	if bed.Sound == "" || slices.Contains(routines.BedNames(), bed.Sound) {
		return
	}
	if reader := b.openBed(ctx, bed.Sound, false); reader != nil {
		reader.close()
	}
}
