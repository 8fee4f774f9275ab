package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// assist understands sentences as Home Assistant's matcher (hassil) does, as far as ours need it. Blanks count for
// nothing here, which is more than it allows.
type assist struct {
	rules map[string]any
	lists map[string]any
	told  []told
}

// told is one sentence, and what it means.
type told struct {
	intent  string
	slots   map[string]any
	pattern *regexp.Regexp
	values  map[string]map[string]string // of each list in it, what is meant by what is said
}

func newAssist(t *testing.T, file string) *assist {
	t.Helper()
	doc := parseYAML(t, file)
	a := &assist{rules: at(doc, "expansion_rules").(map[string]any), lists: at(doc, "lists").(map[string]any)}
	for intent, v := range at(doc, "intents").(map[string]any) {
		for _, data := range at(v, "data").([]any) {
			slots, _ := at(data, "slots").(map[string]any)
			for _, s := range at(data, "sentences").([]any) {
				one := told{intent: intent, slots: slots, values: map[string]map[string]string{}}
				one.pattern = regexp.MustCompile(`(?i)^(?:` + a.translate(t, s.(string), one.values) + `)$`)
				a.told = append(a.told, one)
			}
		}
	}
	return a
}

// translate makes a regular expression of a template: [what may be missing], (this|that), <rule>, {list:slot}.
func (a *assist) translate(t *testing.T, template string, values map[string]map[string]string) string {
	t.Helper()
	template = regexp.MustCompile(`<(\w+)>`).ReplaceAllStringFunc(template, func(rule string) string {
		text, known := a.rules[strings.Trim(rule, "<>")].(string)
		if !known {
			t.Fatalf("%q names the rule %s, which is not there", template, rule)
		}
		return "(" + text + ")"
	})
	template = regexp.MustCompile(`\s+`).ReplaceAllString(strings.NewReplacer("[", "(", "]", "|)", ".", `\.`).Replace(template), "")
	return regexp.MustCompile(`\{(\w+)(?::(\w+))?\}`).ReplaceAllStringFunc(template, func(list string) string {
		name, slot, renamed := strings.Cut(strings.Trim(list, "{}"), ":")
		if !renamed {
			slot = name
		}
		values[slot] = map[string]string{}
		if a.lists[name] == nil {
			t.Fatalf("%q names the list %s, which is not there", template, list)
		}
		if at(a.lists[name], "range") != nil {
			return `(?P<` + slot + `>\d+)`
		}
		var ways []string
		for _, v := range at(a.lists[name], "values").([]any) {
			for _, way := range strings.Split(strings.Trim(at(v, "in").(string), "()"), "|") {
				way = strings.ReplaceAll(way, " ", "")
				values[slot][way] = at(v, "out").(string)
				ways = append(ways, regexp.QuoteMeta(way))
			}
		}
		return `(?P<` + slot + `>` + strings.Join(ways, "|") + `)`
	})
}

// hear is the one thing that words mean; "" when it is nothing.
func (a *assist) hear(t *testing.T, words string) string {
	t.Helper()
	words = strings.ReplaceAll(regexp.MustCompile(`[,.?!]`).ReplaceAllString(words, ""), " ", "")
	meant := map[string]bool{}
	last := ""
	for _, one := range a.told {
		m := one.pattern.FindStringSubmatch(words)
		if m == nil {
			continue
		}
		last = one.intent
		for _, key := range []string{"guided_verb", "change"} {
			if v := one.slots[key]; v != nil {
				last += fmt.Sprint(" ", v)
			}
		}
		for i, name := range one.pattern.SubexpNames() {
			if i == 0 || name == "" {
				continue
			}
			said := strings.ToLower(m[i])
			if out, known := one.values[name][said]; known {
				said = out
			}
			last += " " + name + "=" + said
		}
		meant[last] = true
	}
	if len(meant) > 1 {
		t.Errorf("%q means several things: %v", words, meant)
	}
	return last
}
