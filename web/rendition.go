package web

import (
	"bufio"
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

	"guided/audio"
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
	return []string{"from", "for", "volume", "voice", "verbosity", "holds", "bed", "fade_in", "fade_out"}
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
		p.gain = audio.VolumeGain(*q.volume)
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

// speakPatience is how long a file waits for phrases that a speech program must synthesize first: a speaker gives up after
// about ten seconds.
const speakPatience = 6 * time.Second

var (
	errBusy     = errors.New("too many routines are being laid out; try again in a moment")
	errSpeaking = errors.New("the phrases of this routine are still being made into speech; try again in a moment")
)

// compile compiles a routine. Phrases that the voice lacks are synthesized first.
func (h *handlers) compile(ctx context.Context, r *routines.Routine, b *mix.Bank, o routines.Options) (*routines.Score, error) {
	missing := false
	score, err := h.compileOnce(ctx, r, func(c routines.Clip) (routines.Extent, bool) {
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
	speaking, cancel := context.WithTimeout(ctx, speakPatience)
	defer cancel()
	if err := b.Prepare(speaking, clips); err != nil {
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case speaking.Err() != nil:
			return nil, errSpeaking
		}
		h.Log.Debug("some phrases cannot be spoken; tones sound in their place", "routine", r.Name, "err", err)
	}
	return h.compileOnce(ctx, r, b.Measure, o)
}

// compileOnce compiles in one of the slots for it.
func (h *handlers) compileOnce(ctx context.Context, r *routines.Routine, m routines.Measure, o routines.Options) (*routines.Score, error) {
	if !h.compiles.enter(ctx) {
		return nil, cmp.Or(ctx.Err(), errBusy)
	}
	defer h.compiles.leave()
	return routines.Compile(ctx, r, m, o)
}

// renditionID is a hash of everything that a sample may depend on. The score is hashed piece by piece: as one text it
// would take twice its memory.
func (h *handlers) renditionID(ctx context.Context, p *rendition, voice string) string {
	sum := sha256.New()
	out := bufio.NewWriter(sum)
	fmt.Fprintln(out, h.Player.Info().Version, voice, p.gain, p.start)
	encoder := json.NewEncoder(out)
	encode := func(v any) {
		if err := encoder.Encode(v); err != nil {
			panic(err) // a score is plain data
		}
	}
	whole := *p.score
	whole.Cues, whole.Marks = nil, nil
	encode(whole)
	files := map[string]bool{p.score.Bed.Sound: true}
	for i := range p.score.Cues {
		encode(&p.score.Cues[i])
		files[p.score.Cues[i].Clip.Sound] = true
	}
	for i := range p.score.Marks {
		encode(&p.score.Marks[i])
	}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		if content, has := p.bank.HashSound(ctx, file); has { // built-in tones and beds have no file
			fmt.Fprintf(out, "%s %x\n", file, content)
		}
	}
	_ = out.Flush() // a hash takes every write
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// acquireScore takes the memory of a score out of maxScoreBytes; it returns false where there is not enough. releaseScore
// gives it back.
func (h *handlers) acquireScore(p *rendition) bool { return h.scores.TryAcquire(scoreBytes(p.score)) }

func (h *handlers) releaseScore(p *rendition) { h.scores.Release(scoreBytes(p.score)) }
