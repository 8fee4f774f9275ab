package routines

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Pattern is one breath, or one rep, in samples. In a rep the phases are move, hold, back and wait.
type Pattern struct {
	In    int // the breath in
	Again int // a second, short breath in on top of it
	Hold  int // full
	Out   int // the breath out
	Wait  int // empty
}

// Len is the length of the whole breath.
func (p Pattern) Len() int { return p.In + p.Again + p.Hold + p.Out + p.Wait }

// Phase is one part of a breath or rep.
type Phase struct {
	Name string
	At   int // from the start of the breath
	Len  int
}

// The names of the phases, as they stand in files, topics and language data.
var (
	breathPhases = []string{"in", "again", "hold", "out", "wait"}
	repPhases    = []string{"move", "again", "hold", "back", "wait"}
)

// phases lists the phases that last, under the given five names.
func (p Pattern) phases(names []string) []Phase {
	var list []Phase
	at := 0
	for i, n := range []int{p.In, p.Again, p.Hold, p.Out, p.Wait} {
		if n > 0 {
			list = append(list, Phase{Name: names[i], At: at, Len: n})
		}
		at += n
	}
	return list
}

// parsePattern reads IN-OUT, IN-HOLD-OUT or IN-HOLD-OUT-HOLD in seconds; IN may be a+b, a double inhale.
func parsePattern(s string) (Pattern, error) {
	want := fmt.Errorf(`%q is not a pattern; write seconds as "4-6" (in, out), "4-4-6" (in, hold, out) or "4-4-4-4" (in, hold, out, hold)`, s)
	parts := strings.Split(strings.ReplaceAll(s, " ", ""), "-")
	if len(parts) < 2 || len(parts) > 4 {
		return Pattern{}, want
	}
	first, again, double := strings.Cut(parts[0], "+")
	parts[0] = first
	if !double {
		again = "0"
	}
	seconds := make([]int, 0, 5)
	for _, part := range append(parts, again) {
		f, err := strconv.ParseFloat(part, 64)
		if err != nil || strings.ContainsAny(part, "eExXpP_") {
			return Pattern{}, want
		}
		if !(f >= 0 && f <= 60) {
			return Pattern{}, fmt.Errorf("%q: a phase lasts from 0 to 60 seconds", s)
		}
		seconds = append(seconds, int(math.Round(f*Rate)))
	}
	p := Pattern{In: seconds[0], Again: seconds[len(seconds)-1]}
	switch len(parts) {
	case 2:
		p.Out = seconds[1]
	case 3:
		p.Hold, p.Out = seconds[1], seconds[2]
	case 4:
		p.Hold, p.Out, p.Wait = seconds[1], seconds[2], seconds[3]
	}
	if p.In < Rate/2 || p.Out < Rate/2 || double && p.Again == 0 {
		return Pattern{}, fmt.Errorf("%q: a breath needs at least half a second in and half a second out", s)
	}
	return p, nil
}
