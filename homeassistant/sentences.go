package homeassistant

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"guided/routines"
)

// Sentences is what a person may say to Assist, for the routines of a library.
func Sentences(l routines.Library) (string, error) {
	called, err := nicknames(l)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(sentencesHead)
	for _, r := range called {
		fmt.Fprintf(&b, "      - in: %s\n        out: %s\n", quoted("("+strings.Join(r.ways, "|")+")"), quoted(r.name))
	}
	return b.String(), nil
}

// nickname is a routine and how it may be called, in lower case and without anything that means something in a
// sentence of Assist.
type nickname struct {
	name string
	ways []string
}

// nicknames lists the routines that can be played. No two are called the same: a title comes before the name of a file.
func nicknames(l routines.Library) ([]nickname, error) {
	names, err := l.Names()
	if err != nil {
		return nil, err
	}
	var all []nickname
	var titles []string
	for _, name := range names {
		if r, err := l.Load(name); err == nil { // `guided check` tells what is wrong with the others
			all, titles = append(all, nickname{name: name}), append(titles, r.Title)
		}
	}
	taken := map[string]bool{"": true}
	call := func(i int, ways []string) {
		for _, way := range ways {
			if !taken[way] {
				taken[way] = true
				all[i].ways = append(all[i].ways, way)
			}
		}
	}
	for i := range all {
		call(i, spoken(titles[i]))
	}
	for i := range all {
		for _, way := range spoken(titles[i]) {
			call(i, shorter(way))
		}
		call(i, spoken(all[i].name))
	}
	all = slices.DeleteFunc(all, func(n nickname) bool { return len(n.ways) == 0 })
	if len(all) == 0 {
		return nil, routines.ErrNone
	}
	return all, nil
}

// shorter is what people leave away: an ending that the sentence around it has, and the several of stretches.
func shorter(way string) []string {
	for _, ending := range []string{" routine", " exercise", " session"} {
		if rest, is := strings.CutSuffix(way, ending); is {
			return []string{rest}
		}
	}
	if rest, is := strings.CutSuffix(way, " stretches"); is {
		return []string{rest + " stretch"}
	}
	return nil
}

// quoted is a string of YAML: every string of JSON is one.
func quoted(s string) string {
	b, _ := json.Marshal(s) // a string cannot fail
	return string(b)
}

// sentencesHead ends where the routines begin. The names of lists and rules are everybody's in Home Assistant, and so
// ours begin with guided. What is said to a media player ("pause", "next", "stop") stays its own.
// https://www.home-assistant.io/voice_control/custom_sentences_yaml/
const sentencesHead = `# What you can say to Assist, made by: guided ha sentences
# Make it again when your routines change. Put it into custom_sentences/en/ of Home Assistant's configuration, beside
# the package that answers (guided ha package); then restart Home Assistant.
language: "en"
intents:
  GuidedStart:
    data:
      - sentences:
          - "<guided_start> [my|the] {guided_routine} [routine|exercise|session]"
          - "<guided_start> [my|the] {guided_routine} [routine|exercise|session] for {guided_minutes:minutes} minute[s]"
          - "<guided_start> [a] {guided_minutes:minutes}( |-)minute[s] [of] [my|the] {guided_routine} [routine|exercise|session]"
  GuidedControl:
    data:
      - slots: {guided_verb: "start"}
        sentences:
          - "(start|begin) (my|the) (routine|session)"
      - slots: {guided_verb: "pause"}
        sentences:
          - "pause <guided_thing>"
      - slots: {guided_verb: "resume"}
        sentences:
          - "(resume|continue|unpause|go on with|carry on with) <guided_thing>"
      - slots: {guided_verb: "next"}
        sentences:
          - "(skip|next) <guided_thing>"
          - "skip [the|this] <guided_step>"
          - "[go to] [the] next <guided_step>"
      - slots: {guided_verb: "back"}
        sentences:
          - "[go] back (a|one) <guided_step>"
          - "[go [back] to] [the] previous <guided_step>"
      - slots: {guided_verb: "repeat"}
        sentences:
          - "repeat [the|this|that] <guided_step>"
          - "do (the|this|that) <guided_step> again"
      - slots: {guided_verb: "stop"}
        sentences:
          - "(stop|end|quit|cancel) <guided_thing>"
      - slots: {guided_verb: "slower"}
        sentences:
          - "slow [down] <guided_thing>"
          - "slow <guided_thing> down"
          - "[make] <guided_thing> slower"
          - "breathe (slower|more slowly)"
      - slots: {guided_verb: "faster"}
        sentences:
          - "speed up <guided_thing>"
          - "speed <guided_thing> up"
          - "[make] <guided_thing> faster"
          - "breathe faster"
      - slots: {guided_verb: "ready"}
        sentences:
          - "[I am|I'm|Im|we are|we're] ready [for the next <guided_step>]"
  GuidedVolume:
    data:
      - sentences:
          - "[(set|turn|change|put)] <guided_thing> volume [to] {guided_volume:volume}[[ ]%| percent]"
          - "(set|turn|change|put) [the] volume of <guided_thing> to {guided_volume:volume}[[ ]%| percent]"
      - slots: {change: 10}
        sentences:
          - "[make] <guided_thing> louder"
          - "turn up <guided_thing> [volume]"
          - "turn <guided_thing> [volume] up"
      - slots: {change: -10}
        sentences:
          - "[make] <guided_thing> (quieter|softer)"
          - "turn down <guided_thing> [volume]"
          - "turn <guided_thing> [volume] down"
expansion_rules:
  guided_start: "(start|begin|play|do|guide me through)"
  guided_thing: "[the|my|this] (routine|exercise|session|yoga|breathing|stretching|guided)"
  guided_step: "(step|exercise|pose|stretch)"
lists:
  guided_minutes:
    range: {from: 1, to: 240}
  guided_volume:
    range: {from: 0, to: 100}
  guided_routine:
    values:
`
