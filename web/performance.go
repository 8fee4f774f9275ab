package web

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"guided/audio/mix"
	"guided/audio/voice"
	"guided/routines"
)

// performance is a routine as somebody asked for it: what is in a file.
type performance struct {
	score *routines.Score
	bank  *mix.Bank
	gain  float64
	from  int    // the sample it begins at
	tag   string // names its sound: the same tag, the same samples
}

// frames is how long its file is.
func (p *performance) frames() int { return p.score.Len - p.from }

// perform lays out a routine. The error is a sentence for who asked.
func (s *server) perform(ctx context.Context, r *routines.Routine, a asked) (*performance, error) {
	if a.Voice != "" && !slices.Contains(voice.EmbeddedVoices(), a.Voice) { // folders of recordings are for the settings
		return nil, fmt.Errorf("voice: %q is not known; use one of %s", a.Voice, strings.Join(voice.EmbeddedVoices(), ", "))
	}
	bank, err := s.bank.In(a.Voice)
	if err != nil {
		return nil, fmt.Errorf("voice: %w", err)
	}
	score, err := s.compile(ctx, r, bank, s.cfg.Options(a.Parameters))
	if err != nil {
		return nil, err
	}
	p := &performance{score: score, bank: bank, gain: 1}
	if a.volume != nil {
		p.gain = gainOf(*a.volume)
	}
	if a.from > 0 {
		if a.from >= routines.Duration(score.Len) {
			return nil, fmt.Errorf("from: %v lies after the end of %q, which lasts %v", a.from, score.Title, routines.Duration(score.Len).Round(time.Second))
		}
		p.from = score.Return(routines.Samples(a.from))
	}
	p.tag = s.name(p, cmp.Or(a.Voice, s.cfg.Voice))
	return p, nil
}

// compile lays a routine out; what a voice must speak first it speaks before.
func (s *server) compile(ctx context.Context, r *routines.Routine, b *mix.Bank, o routines.Options) (*routines.Score, error) {
	lacking := false
	score, err := routines.Compile(r, func(c routines.Clip) (routines.Extent, bool) {
		e, has := b.Measure(c)
		lacking = lacking || !has
		return e, has
	}, o)
	if err != nil || !lacking {
		return score, err
	}
	clips, err := routines.Clips(r)
	if err != nil {
		return nil, err
	}
	if err := b.Prepare(ctx, clips); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		s.log.Debug("some phrases cannot be spoken; tones sound in their place", "routine", r.Name, "err", err)
	}
	return routines.Compile(r, b.Measure, o)
}

// name is a hash of everything that a sample may depend on.
func (s *server) name(p *performance, voice string) string {
	h := sha256.New()
	fmt.Fprintln(h, s.player.Info().Version, voice, p.gain, p.from)
	if err := json.NewEncoder(h).Encode(p.score); err != nil {
		panic(err) // a score is plain data
	}
	files := map[string]bool{p.score.Bed.Sound: true}
	for _, c := range p.score.Cues {
		files[c.Clip.Sound] = true
	}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		if data, err := s.library.Open(file); err == nil { // tones and beds have no file
			fmt.Fprintf(h, "%s %x\n", file, sha256.Sum256(data))
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// gainOf is the factor of a volume from 0 to 100, as a session has it.
func gainOf(volume int) float64 {
	v := float64(volume) / 100
	return v * v * v
}
