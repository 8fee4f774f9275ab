package routines_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"guided/routines"
)

// nested is groups inside each other, each with the same keys, around one step.
func nested(depth int, keys, step string) string {
	var b strings.Builder
	path := "step"
	for range depth {
		fmt.Fprintf(&b, "[[%s]]\n%s\n", path, keys)
		path += ".step"
	}
	return b.String() + "[[" + path + "]]\n" + step + "\n"
}

// crowded is a step of an hour with n cues, each with the given keys.
func crowded(n int, keys string) string {
	var b strings.Builder
	b.WriteString("[[step]]\nrest = '1h'\ncues = [\n")
	for i := range n {
		fmt.Fprintf(&b, "{at='%ds',%s},\n", i%3500, keys)
	}
	return b.String() + "]\n"
}

// diamond is routines of which each includes the next one several times.
func diamond(levels, each int, keys, last string) map[string]string {
	files := map[string]string{fmt.Sprintf("level%d.toml", levels): "title = 'Level'\n" + last}
	for level := range levels {
		files[fmt.Sprintf("level%d.toml", level)] = "title = 'Level'\n" + strings.Repeat(fmt.Sprintf("[[step]]\nroutine = 'level%d'\n%s\n", level+1, keys), each)
	}
	return files
}

// hugeRoutine is a routine that asks for far too much, or for as much as there may be.
type hugeRoutine struct {
	files   map[string]string // level0 is the one that is compiled
	options routines.Options
	says    string // in the error of Compile; empty: it compiles
}

func hugeRoutines() map[string]hugeRoutine {
	one := func(text, says string) hugeRoutine {
		return hugeRoutine{files: map[string]string{"level0.toml": "title = 'Huge'\n" + text}, says: says}
	}
	fitted := func(h hugeRoutine, length time.Duration) hugeRoutine {
		h.options.For = length
		return h
	}
	minimal := func(h hugeRoutine) hugeRoutine {
		h.options.Verbosity = routines.Minimal
		return h
	}
	many := func(n int, step string) string { return strings.Repeat("[[step]]\n"+step+"\n", n) }
	long := strings.Repeat("word ", 190)
	return map[string]hugeRoutine{
		"six repeats of a text that is not said":          minimal(one(nested(6, "repeat = 100", "say = 'Rest.'"), "multiply")),
		"eight repeats on two sides":                      minimal(one(nested(7, "repeat = 100", "say = 'Rest.'\nrepeat = 100\nsides = true"), "too long")),
		"eight repeats of a text":                         one(nested(8, "repeat = 100", "say = 'Rest.'"), "too long"),
		"eight repeats of a millisecond":                  one(nested(8, "repeat = 100", "rest = '1ms'"), "too long"),
		"repeats with a name of sides":                    one(nested(4, "repeat = 100", "rest = '1ms'\nsides = true\nswitch = '1ms'\nname = 'To the {side}'"), "too long"),
		"eight includes of a text that is not said":       minimal(hugeRoutine{files: diamond(8, 100, "", "[[step]]\nsay = 'Rest.'\n"), says: "multiply"}),
		"eight includes, two of each":                     minimal(hugeRoutine{files: diamond(8, 2, "repeat = 100", "[[step]]\nsay = 'Rest.'\n"), says: "multiply"}),
		"eight includes on two sides with cautions":       {files: diamond(8, 40, "", "[[step]]\nrest = '1ms'\ncaution = 'Stop.'\n"), says: "too long"},
		"a group on two sides around includes":            {files: merge(diamond(8, 40, "", "[[step]]\nrest = '1ms'\ncaution = 'Stop.'\n"), "level0.toml", "title = 'S'\n[[step]]\nsides = true\n[[step.step]]\nroutine = 'level1'\n"), says: "too long"},
		"a group on two sides that says nothing":          minimal(hugeRoutine{files: merge(diamond(8, 40, "", "[[step]]\nsay = 'Rest.'\n"), "level0.toml", "title = 'S'\n[[step]]\nsides = true\n[[step.step]]\nroutine = 'level1'\n"), says: "multiply"}),
		"fitted includes":                                 fitted(hugeRoutine{files: diamond(8, 100, "", nested(1, "fit = [1, 100]", "rest = '1ms'")), says: "too long"}, time.Hour),
		"the quickest breaths for four hours":             one("[[step]]\nbreathe = '0.5-0.5'\nfor = '3h58m'\n", "too long"),
		"the quickest breaths in silence":                 one("[[step]]\nbreathe = '0.5-0.5'\nfor = '3h58m'\ncount = 'silent'\n", ""),
		"the quickest breaths with the most marks":        one("[[step]]\nbreathe = '0.5+0.01-0.01-0.5-0.01'\nfor = '3h58m'\ncount = 'silent'\n", ""),
		"a thousand steps of the quickest breaths":        one(many(1000, "breathe = '0.5-0.5'\nfor = '10s'\ncount = 'silent'"), ""),
		"a thousand steps of a thousand breaths":          one(many(1000, "breathe = '0.5-0.5'\nfor = '1000 breaths'"), "too long"),
		"a thousand changing breaths in a thousand steps": one(many(1000, "breathe = '0.5-0.6'\nfrom = '0.6-0.5'\nover = '1000 breaths'\nfor = '12s'\ncount = 'silent'"), ""),
		"sixty reps in every step":                        one(many(1000, "reps = 60\ntempo = '0.5-0.5'\nrepeat = 100"), "too long"),
		"forty thousand cues at once":                     one(strings.ReplaceAll(crowded(12_000, "say='a'"), "0s'", "1s'"), ""),
		"cues of a text that does not fit":                one(crowded(9000, "say='"+strings.Repeat("A. ", 30)+"'"), "too long"),
		"cues again and again":                            one("[[step]]\nrepeat = 100\n"+strings.ReplaceAll(crowded(9000, "say='a'"), "[[step]]", "[[step.step]]"), "too long"),
		"cues outside their step":                         one("[[step]]\nrepeat = 100\n[[step.step]]\nrepeat = 100\nhold = '1 breath'\ncues = ["+strings.Repeat("{at='1h',say='a'},", 9000)+"]\n", "lies outside"),
		"a thousand long texts on a thousand rounds":      one(nested(2, "repeat = 100", "rest = '10ms'\nsay = '"+long+"'\nshort = '"+long+"b'\nname='"+long+"'"), ""),
		"texts of many sentences":                         one(many(900, "say = '"+strings.Repeat("e.g. ", 190)+"'\nfor = '1s'"), ""),
		"a thousand flexible steps for an hour":           fitted(one(many(990, "rest = '2s'\nfit = ['1s', '1m']"), ""), time.Hour),
		"a thousand flexible breaths for three hours":     fitted(one(many(990, "breathe = '1-1'\nfrom = '1.1-1.2'\nover = '900 breaths'\nfor = '2 breaths'\ncount = 'silent'"), ""), 3*time.Hour),
		"a hundred flexible groups":                       fitted(one(strings.Repeat("[[step]]\nfit = [1, 100]\n[[step.step]]\nrest = '1s'\nsay = 'Rest here.'\n", 300), ""), 3*time.Hour),
		"one flexible group in the other":                 fitted(one(nested(6, "fit = [1, 100]", "rest = '1s'"), "a length between"), 3*time.Hour),
		"four hours of counted breathing":                 one("[[step]]\nbreathe = '4-4-6'\nfor = '1h58m'\n[[step]]\nbreathe = '4-4-6'\nfor = '1h58m'\n", ""),
		"four hours of a thousand steps, each twice":      one(many(1000, "repeat = 2\nsay = 'Turn to the side.'\nhold = '3s'\ncountdown = 2"), ""),
		"a thousand steps, most of them twenty times":     one(many(1000, "repeat = 18\nrest = '500ms'"), ""),
	}
}

func merge(files map[string]string, name, text string) map[string]string {
	files[name] = text
	return files
}

// maxCompileTime is a hundred times what the slowest routine needs here, for a loaded machine and the race detector; without
// limits most of these would take years. BenchmarkCompileAtItsLimits measures.
const maxCompileTime = 20 * time.Second

// Whatever a file asks for, it is compiled or refused before it costs much time or memory.
func TestCompileEndsWhateverIsAsked(t *testing.T) {
	for name, huge := range hugeRoutines() {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			r, err := routines.Library{folder(huge.files)}.Load(t.Context(), "level0")
			loaded := time.Since(start)
			if err == nil {
				start = time.Now()
				_, err = routines.Compile(t.Context(), r, measureLetters, huge.options)
			}
			compiled := time.Since(start)
			if (err == nil) != (huge.says == "") || err != nil && !strings.Contains(err.Error(), huge.says) {
				t.Errorf("got %.200v, want %q", err, huge.says)
			}
			if r == nil {
				return
			}
			start = time.Now()
			_, _ = routines.Clips(t.Context(), r) // too long, or not
			t.Logf("loaded in %v, compiled in %v, clips in %v", loaded, compiled, time.Since(start))
			for what, took := range map[string]time.Duration{"loading": loaded, "compiling": compiled, "listing clips": time.Since(start)} {
				if took > maxCompileTime {
					t.Errorf("%s took %v", what, took)
				}
			}
		})
	}
}

// A cancelled compile ends at once, whatever it is doing.
func TestCompileEndsWithItsContext(t *testing.T) {
	for name, huge := range hugeRoutines() {
		t.Run(name, func(t *testing.T) {
			r, err := routines.Library{folder(huge.files)}.Load(t.Context(), "level0")
			if err != nil {
				t.Skip("refused before it is compiled")
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err = routines.Compile(ctx, r, measureLetters, huge.options)
			if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "compiling level0") {
				t.Errorf("Compile: %.200v", err)
			}
			if _, err := routines.Clips(ctx, r); !errors.Is(err, context.Canceled) {
				t.Errorf("Clips: %.200v", err)
			}
			for _, delay := range []time.Duration{time.Millisecond, 10 * time.Millisecond, 30 * time.Millisecond} {
				ctx, cancel := context.WithCancel(t.Context())
				var cancelled time.Time
				timer := time.AfterFunc(delay, func() { cancelled = time.Now(); cancel() })
				_, err := routines.Compile(ctx, r, measureLetters, huge.options)
				ended := time.Now()
				if timer.Stop() || !errors.Is(err, context.Canceled) {
					cancel()
					break // it ended by itself
				}
				if took := ended.Sub(cancelled); took > 5*time.Second { // 10 ms, on a machine that has nothing else to do
					t.Errorf("cancelled after %v, it went on for %v", delay, took)
				} else {
					t.Logf("cancelled after %v, it went on for %v", delay, took)
				}
			}
		})
	}
}

func BenchmarkCompileAtItsLimits(b *testing.B) {
	for name, huge := range hugeRoutines() {
		r, err := routines.Library{folder(huge.files)}.Load(b.Context(), "level0")
		if err != nil {
			continue
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, _ = routines.Compile(b.Context(), r, measureLetters, huge.options)
			}
		})
	}
}
