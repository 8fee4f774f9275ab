package routines

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/BurntSushi/toml"
)

// Defaults of the format, told on the reference page.
const (
	defaultPrepare   = Rate     // before a breath, a rep or a hold
	defaultSwitch    = 6 * Rate // between the sides
	defaultTeachFor  = 2        // rounds
	defaultBreath    = "4-0-6"
	defaultTempo     = "2-1-2"
	maxSteps         = 1000
	maxDepth         = 8
	maxFile          = 1 << 20
	maxName          = 40 // letters of a name made from the words
	defaultCountMode = Spoken
)

// Parse reads one routine; name is its file, as problems should name it. Included routines are named, not loaded:
// see Library.Load. The error is Problems, everything that is wrong.
func Parse(name string, data []byte) (*Routine, error) {
	f := &file{name: name}
	var m map[string]any
	if len(data) > maxFile {
		return nil, Problems{{File: name, What: "is larger than 1 MiB; this cannot be a routine"}}
	}
	if _, err := toml.Decode(string(data), &m); err != nil {
		var syntax toml.ParseError
		if errors.As(err, &syntax) {
			return nil, Problems{{name, syntax.Position.Line, "", "not TOML: " + syntax.Message}}
		}
		return nil, Problems{{File: name, What: "not TOML: " + err.Error()}}
	}
	f.lines = indexLines(string(data))
	t := &table{file: f, keys: RoutineKeys, m: m}
	r := parseRoutine(t)
	r.Name = strings.TrimSuffix(path.Base(strings.ReplaceAll(name, `\`, "/")), ".toml")
	if len(f.problems) > 0 {
		return nil, f.problems.sorted()
	}
	return r, nil
}

func parseRoutine(t *table) *Routine {
	t.unknown()
	r := &Routine{Title: t.text("title"), About: t.text("about"), Count: defaultCountMode}
	if !t.has("title") {
		t.problem("", `has no title; begin with title = "…", as it is spoken`)
	}
	code := "en"
	if t.has("lang") {
		code = t.text("lang")
	}
	lang, err := loadLang(code)
	if err != nil {
		t.problem("lang", "%v", err)
		lang, _ = loadLang("en") // so that the other problems are found too
	}
	r.Lang = lang
	r.Breath, _ = parsePattern(defaultBreath)
	if p := t.pattern("breath"); p != nil {
		r.Breath = *p
	}
	if count := t.count("count"); count != "" {
		r.Count = count
	}
	steps := 0
	r.Steps = parseSteps(t, lang, "", 0, &steps)
	if len(r.Steps) == 0 && !t.has("step") {
		t.problem("", "has no step; add a [[step]]")
	}
	return r
}

// parseSteps reads the [[step]] tables of a routine or a group. number counts them through the whole file.
func parseSteps(t *table, lang *Lang, sided string, depth int, number *int) []Step {
	if depth > maxDepth {
		t.problem("step", "groups are nested deeper than %d", maxDepth)
		return nil
	}
	var steps []Step
	for _, st := range t.list("step", StepKeys) {
		if *number++; *number > maxSteps {
			st.problem("", "more than %d steps; split the routine", maxSteps)
			return steps
		}
		st.where = fmt.Sprintf("step %d", *number)
		name := st.text("name")
		if name != "" {
			st.where += fmt.Sprintf(" %q", name)
		}
		steps = append(steps, parseStep(st, lang, sided, depth, number))
	}
	return steps
}

func (t *table) count(key string) CountMode {
	return CountMode(t.oneOf(key, string(Spoken), string(Tones), string(Words), string(Silent)))
}
