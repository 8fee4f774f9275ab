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

// renditionQuery is what the query of a URL may ask for: the parameters of a start, and where to begin.
type renditionQuery struct {
	player.Parameters
	volume *int // 0-100; nil: unscaled
	start  time.Duration
}

// queryKeys returns the keys of a query; those of a start have the names that they have in a command.
func queryKeys() []string {
	return []string{"from", "for", "volume", "voice", "verbosity", "holds", "bed"}
}

// parseQuery reads the query of a URL. The error is a sentence for the client.
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
	c, err := player.ParseValues(start)
	if err != nil {
		return renditionQuery{}, err
	}
	parsed := renditionQuery{Parameters: c.Parameters, volume: c.Volume}
	parsed.start, err = parseStart(q.Get("from"))
	return parsed, err
}

func queryKeyHint(key string) string {
	if near := routines.Nearest(key, queryKeys()); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "use " + strings.Join(queryKeys(), ", ")
}

// truncate cuts a client's text to 40 characters, for a message that repeats it.
func truncate(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// parseStart reads a position in a routine: seconds, or a duration with its unit. Nothing is its beginning.
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

// rendition is a routine compiled as a query asks: the contents of an audio file.
type rendition struct {
	score *routines.Score
	bank  *mix.Bank // of its voice
	gain  float64
	start int    // the first sample of the score that is in the file
	id    string // the same id, the same samples
}

// frames is the length of the file.
func (p *rendition) frames() int { return p.score.Len - p.start }

// newRendition compiles a routine. The error is a sentence for the client.
func (h *handlers) newRendition(ctx context.Context, r *routines.Routine, q renditionQuery) (*rendition, error) {
	if q.Voice != "" && !slices.Contains(voice.EmbeddedVoices(), q.Voice) { // only the settings may name a folder of recordings
		return nil, fmt.Errorf("voice: %q is not known; use one of %s", q.Voice, strings.Join(voice.EmbeddedVoices(), ", "))
	}
	bank, err := h.Bank.ForVoice(q.Voice)
	if err != nil {
		return nil, fmt.Errorf("voice: %w", err)
	}
	score, err := h.compile(ctx, r, bank, h.Options(q.Parameters))
	if err != nil {
		return nil, err
	}
	p := &rendition{score: score, bank: bank, gain: 1}
	if q.volume != nil {
		p.gain = volumeGain(*q.volume)
	}
	if q.start > 0 {
		if q.start >= routines.Duration(score.Len) {
			return nil, fmt.Errorf("from: %v lies after the end of %q, which lasts %v", q.start, score.Title, routines.Duration(score.Len).Round(time.Second))
		}
		p.start = score.ResumePoint(routines.Samples(q.start))
	}
	p.id = h.renditionID(ctx, p, cmp.Or(q.Voice, h.Voice))
	return p, nil
}

// compile compiles a routine. Phrases that the voice lacks are synthesized first.
func (h *handlers) compile(ctx context.Context, r *routines.Routine, b *mix.Bank, o routines.Options) (*routines.Score, error) {
	missing := false
	score, err := routines.Compile(ctx, r, func(c routines.Clip) (routines.Extent, bool) {
		e, has := b.Measure(c)
		missing = missing || !has
		return e, has
	}, o)
	if err != nil || !missing {
		return score, err
	}
	clips, err := routines.Clips(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := b.PrepareForStart(ctx, clips); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		h.Log.Debug("some phrases cannot be spoken; tones sound in their place", "routine", r.Name, "err", err)
	}
	return routines.Compile(ctx, r, b.Measure, o)
}

// renditionID is a hash of everything that a sample may depend on.
func (h *handlers) renditionID(ctx context.Context, p *rendition, voice string) string {
	sum := sha256.New()
	fmt.Fprintln(sum, h.Player.Info().Version, voice, p.gain, p.start)
	if err := json.NewEncoder(sum).Encode(p.score); err != nil {
		panic(err) // a score is plain data
	}
	files := map[string]bool{p.score.Bed.Sound: true}
	for _, c := range p.score.Cues {
		files[c.Clip.Sound] = true
	}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		if content, has := p.bank.HashSound(ctx, file); has { // built-in tones and beds have no file
			fmt.Fprintf(sum, "%s %x\n", file, content)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// volumeGain is the gain of a volume from 0 to 100, as the player applies it: (v/100)³.
func volumeGain(volume int) float64 {
	v := float64(volume) / 100
	return v * v * v
}
