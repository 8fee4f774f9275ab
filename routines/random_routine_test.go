package routines_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// routineGenerator writes valid random routines: every kind of step, with every key that it may have.
type routineGenerator struct {
	*rand.Rand
	text strings.Builder
}

func (c *routineGenerator) one(of ...string) string { return of[c.IntN(len(of))] }

// some writes a line with a chance of one in n.
func (c *routineGenerator) some(n int, format string, args ...any) {
	if c.IntN(n) == 0 {
		fmt.Fprintf(&c.text, format+"\n", args...)
	}
}

func (c *routineGenerator) always(format string, args ...any) { c.some(1, format, args...) }

func (c *routineGenerator) pattern() string {
	return c.one("4-4-6", "4-6", "4-4-4-4", "5.5-5.5", "2+1-0-6", "0.5-0.5", "1-0.7-1.3-0.001", "0.5+0.3-0-2.5", "7-7")
}

// like is 0 for a pattern with a known one to begin from, else 1: such a pattern begins from itself.
func (c *routineGenerator) like(pattern string) int {
	if strings.Contains("4-4-6 4-6 4-4-4-4", pattern) {
		return 0
	}
	return 1
}

func (c *routineGenerator) tempo() string { return c.one("2-1-2", "0.5-0.5", "3-3", "1-0-2-1") }

func (c *routineGenerator) length() string {
	return c.one("1s", "2s", "3.1s", "10s", "30s", "300ms", "1m", "1ms")
}

func (c *routineGenerator) words(sided bool) string {
	if sided && c.IntN(2) == 0 {
		return c.one("To the {side}.", "{other}", "The {other} hand. Then to the {side}, and stay.")
	}
	return c.one("Here.", "In.", "One. Two. Three.", "A text which is longer than some of the times it is given.", "Breathe in, wide", "Well done. Rest.")
}

func (c *routineGenerator) steps(path string, depth int, sided bool) {
	for range 1 + c.IntN(4-depth) {
		c.step(path, depth, sided)
	}
}

func (c *routineGenerator) step(path string, depth int, sided bool) {
	kind := c.one("say", "say for", "sound", "breathe", "hold", "paced", "rest", "reps", "routine", "group")
	if depth == 2 && kind == "group" {
		kind = "breathe"
	}
	c.always("[[%s]]", path)
	rounds := 1 + c.IntN(3)
	c.some(4, "repeat = %d", rounds)
	if kind == "group" {
		c.some(3, "fit = [1, %d]", 3+c.IntN(3))
	}
	if !sided && !strings.Contains("sound routine", kind) && c.IntN(3) == 0 {
		sided = true
		c.always("sides = %s", c.one("true", `["right", "left"]`))
		c.some(2, "switch = %q", c.length())
	}
	switch kind {
	case "group":
		c.steps(path+".step", depth+1, sided)
		return
	case "routine":
		c.always("routine = %q", c.one("4-4-6", "three-words"))
		return
	case "sound":
		c.always("sound = %q", c.one("bell", "chime"))
		c.some(2, "for = %q", c.length())
		return
	case "say", "say for":
		c.always("say = %q", c.words(sided))
		c.some(4, "short = %q", c.words(sided))
		c.some(3, "without_holds = %q", c.one("", "Here.", "Breathe as you like."))
	default:
		if c.IntN(2) == 0 {
			c.always("say = %q", c.words(sided))
			c.some(2, "short = %q", c.words(sided))
			c.some(4, "without_holds = %q", c.one("", "Here."))
		}
		c.some(4, "name = %q", c.words(sided))
		c.some(4, "sound = %q", c.one("bell", "chime"))
		c.some(6, "caution = %q", c.one("Stop if it hurts.", "Stay where it is easy. Stop if it hurts."))
	}
	c.body(kind, sided)
	if kind != "say" {
		c.cues(sided)
	}
}

// body writes the keys of one kind of step.
func (c *routineGenerator) body(kind string, sided bool) {
	switch kind {
	case "say for":
		c.always("for = %q", c.length())
	case "rest":
		c.always("rest = %q", c.one("5s", "20s"))
		c.some(4, `fit = ["5s", "40s"]`)
		c.some(2, "countdown = %d", 1+c.IntN(4))
	case "hold":
		if hold := c.one("3.001s", "4s", "20s", "8 breaths"); hold == "8 breaths" {
			c.always("hold = %q", hold)
			c.some(2, `fit = ["1 breath", "9 breaths"]`)
		} else {
			c.always("hold = %q", hold)
			c.some(2, `fit = ["3s", "1m"]`)
		}
		c.some(2, "countdown = %d", 1+c.IntN(3))
	case "reps":
		c.always("reps = %d\ntempo = %q", 1+c.IntN(8), c.tempo())
		c.some(2, "words = { hold = %q, back = %q, wait = %q }", c.words(sided), c.words(sided), c.words(sided))
	case "paced", "breathe":
		pattern := c.pattern()
		c.always("breathe = %q", pattern)
		if kind == "breathe" {
			c.some(3, "from = %q", map[string]string{"4-4-6": "3-3-4", "4-6": "2.5-3", "4-4-4-4": "2-6-2-2"}[pattern]+strings.Repeat(pattern, c.like(pattern)))
			c.some(3, `fit = ["1 breath", "20 breaths"]`)
		}
		c.always("%s = %q", map[string]string{"paced": "hold", "breathe": "for"}[kind], c.one("3 breaths", "1 breath", "20s", "1s"))
		c.some(3, "words = { in = %q, out = %q }", c.words(sided), c.words(sided))
		c.some(3, "teach = { in = %q, hold = %q, rounds = %d }", c.words(sided), c.words(sided), 1+c.IntN(4))
	}
	if kind != "rest" && kind != "say for" && kind != "say" {
		c.some(3, "prepare = %q", c.one("0s", "100ms", "3s"))
	}
	if kind == "reps" || kind == "paced" || kind == "breathe" {
		c.some(3, "count = %q", c.one("spoken", "tones", "swells", "words", "silent"))
	}
}

func (c *routineGenerator) cues(sided bool) {
	if c.IntN(2) == 0 {
		return
	}
	c.always("cues = [")
	for range 1 + c.IntN(4) {
		c.always("  { at = %q, say = %q%s },", c.one("halfway", "25%", "99%", "1%", "0s"), c.words(sided), c.one("", `, short = "Now."`, `, sound = "ping"`))
	}
	c.always("]")
}
