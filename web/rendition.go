package web

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"guided/audio/mix"
	"guided/audio/voice"
	"guided/player"
	"guided/routines"
)

// rendition is a routine as somebody asked for it: what is in a file.
type rendition struct {
	score *routines.Score
	bank  *mix.Bank
	gain  float64
	start int    // the sample it begins at
	id    string // names its sound: the same tag, the same samples
}

// frames is how long its file is.
func (p *rendition) frames() int { return p.score.Len - p.start }

// newRendition lays out a routine. The error is a sentence for who asked.
func (s *handlers) newRendition(ctx context.Context, r *routines.Routine, a renditionQuery) (*rendition, error) {
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
	p := &rendition{score: score, bank: bank, gain: 1}
	if a.volume != nil {
		p.gain = volumeGain(*a.volume)
	}
	if a.start > 0 {
		if a.start >= routines.Duration(score.Len) {
			return nil, fmt.Errorf("from: %v lies after the end of %q, which lasts %v", a.start, score.Title, routines.Duration(score.Len).Round(time.Second))
		}
		p.start = score.Return(routines.Samples(a.start))
	}
	p.id = s.renditionID(p, cmp.Or(a.Voice, s.cfg.Voice))
	return p, nil
}

// compile lays a routine out; what a voice must speak first it speaks before.
func (s *handlers) compile(ctx context.Context, r *routines.Routine, b *mix.Bank, o routines.Options) (*routines.Score, error) {
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

// renditionID is a hash of everything that a sample may depend on.
func (s *handlers) renditionID(p *rendition, voice string) string {
	h := sha256.New()
	fmt.Fprintln(h, s.player.Info().Version, voice, p.gain, p.start)
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

// volumeGain is the factor of a volume from 0 to 100, as a session has it.
func volumeGain(volume int) float64 {
	v := float64(volume) / 100
	return v * v * v
}

// renditionQuery is what an address may ask for: what a start may be given, and where to begin.
type renditionQuery struct {
	player.Parameters
	volume *int
	start  time.Duration
}

// queryKeys are the parameters of an address; those of a start have its names.
func queryKeys() []string {
	return []string{"from", "for", "volume", "voice", "verbosity", "holds", "bed"}
}

// parseQuery reads the parameters of an address, as a start reads them.
func parseQuery(query string) (renditionQuery, error) {
	q, err := url.ParseQuery(query)
	if err != nil {
		return renditionQuery{}, errors.New("what follows the question mark cannot be read; write ?for=10m&voice=heart")
	}
	start := map[string]string{"command": "start"}
	for key, values := range q {
		switch {
		case !slices.Contains(queryKeys(), key):
			return renditionQuery{}, fmt.Errorf("unknown parameter %q; %s", truncate(key), queryKeyHint(key))
		case len(values) > 1:
			return renditionQuery{}, fmt.Errorf("%s stands more than once", key)
		case key != "from":
			start[key] = values[0]
		}
	}
	data, err := json.Marshal(start)
	if err != nil {
		return renditionQuery{}, err
	}
	c, err := player.Parse(data)
	if err != nil {
		return renditionQuery{}, err
	}
	a := renditionQuery{Parameters: c.Parameters, volume: c.Volume}
	a.start, err = parseStart(q.Get("from"))
	return a, err
}

func queryKeyHint(key string) string {
	if near := routines.Nearest(key, queryKeys()); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "use " + strings.Join(queryKeys(), ", ")
}

// truncate is what is worth saying back of a word.
func truncate(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// parseStart reads a place in a routine: seconds, or a duration with its unit.
func parseStart(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(s)
	if seconds, failed := strconv.ParseFloat(s, 64); failed == nil && seconds >= 0 && seconds < 1e6 {
		d, err = time.Duration(seconds*float64(time.Second)), nil
	}
	if err != nil || d < 0 {
		return 0, fmt.Errorf(`from: %q is no place in a routine, such as "312" or "5m12s"`, truncate(s))
	}
	return d, nil
}
