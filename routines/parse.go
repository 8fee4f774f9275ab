package routines

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// Defaults of the format. The reference page states them.
const (
	defaultPrepare   = Rate     // before a breath, a rep or a hold
	defaultSwitch    = 6 * Rate // between the sides
	defaultTeachFor  = 2        // rounds
	defaultBreath    = "4-0-6"
	defaultTempo     = "2-1-2"
	defaultLang      = "en"
	defaultCountMode = Spoken
)

// Limits of the format. They are far beyond what a routine needs, and bound the cost of a mistake or a malicious file.
const (
	maxSteps    = 1000
	maxDepth    = 8 // of groups in groups, and of includes in includes
	maxFile     = 1 << 20
	maxNesting  = 4 * maxDepth // of TOML tables and lists
	maxKeys     = 50_000       // keys and list elements of a file: 50 for each step
	maxProblems = 100
	maxFound    = 5 * maxProblems // problems that are looked for, to report the first ones
	maxLetters  = 1000            // letters of one text
	maxRepeat   = 100
	maxName     = 40 // letters of a name that is made from the words
)

// Parse reads one routine. name is its file, as problems should name it. Included routines are named, not loaded: see
// Library.Load. The error is of type Problems and holds everything that is wrong.
func Parse(name string, data []byte) (*Routine, error) {
	r, problems := parse(name, data)
	if len(problems) > 0 {
		return nil, problems
	}
	return r, nil
}

// parse reads as much of a routine as it can, so that a library can add problems of its own. The routine is nil when
// data is no TOML.
func parse(name string, data []byte) (*Routine, Problems) {
	f := &sourceFile{name: name}
	var m map[string]any
	if len(data) > maxFile {
		return nil, Problems{{File: name, What: "is larger than 1 MiB; this cannot be a routine"}}
	}
	text := string(data)
	if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") || len(text) > 1 && (text[0] == 0 || text[1] == 0) {
		return nil, Problems{{File: name, Line: 1, What: "is written in UTF-16; save the file as UTF-8"}}
	}
	lines, tooDeep, tooMany := indexLines(text)
	if tooDeep > 0 {
		return nil, Problems{{name, tooDeep, "", fmt.Sprintf("is nested deeper than %d; this cannot be a routine", maxNesting)}}
	}
	if tooMany > 0 {
		return nil, Problems{{name, tooMany, "", fmt.Sprintf("has more than %d keys and values; split it into several routines", maxKeys)}}
	}
	if _, err := toml.Decode(text, &m); err != nil {
		return nil, Problems{syntaxProblem(name, err)}
	}
	f.lines = lines
	t := &tableReader{location: location{file: f}, keys: RoutineKeys, values: m}
	r := parseRoutine(t)
	r.Name = strings.TrimSuffix(path.Base(strings.ReplaceAll(name, `\`, "/")), ".toml")
	return r, f.problems.limited(name)
}

// syntaxProblem explains an error of the TOML library, with what was probably meant.
func syntaxProblem(name string, err error) Problem {
	var at toml.ParseError
	if !errors.As(err, &at) {
		return Problem{File: name, What: "not TOML: " + err.Error()}
	}
	what, line := truncate(at.Message, 200), at.Position.Line
	hint := ""
	switch {
	case strings.HasPrefix(what, "expected value but found"), strings.HasPrefix(what, "expected a top-level item to end"):
		hint = `; a text, a duration and a pattern stand in "quotes"`
	case strings.HasPrefix(what, "Key 'step' has already been defined"):
		hint = "; begin each step with [[step]], in two brackets"
	case strings.HasSuffix(what, "has already been defined."):
		hint = "; a key may stand only once"
	case strings.HasPrefix(what, "expected '.' or '='"):
		hint = `; write key = "value"`
	case strings.HasPrefix(what, "strings cannot contain newlines"):
		hint = `; close the text with a quote, or write it between """ and """`
	case strings.HasPrefix(what, "expected end of table array name"), strings.Contains(what, "to end table name"):
		hint = "; close the brackets, as in [[step]]"
		if strings.Contains(what, `'\n'`) {
			line-- // the library counts the line break before it reports
		}
	case strings.HasPrefix(what, "invalid UTF-8"):
		hint = "; save the file as UTF-8"
	}
	if at.LastKey != "" && !strings.HasPrefix(what, "Key ") && !strings.HasPrefix(what, "expected a top-level") {
		what = fmt.Sprintf("after %s: %s", excerpt(at.LastKey), what)
	}
	return Problem{name, line, "", "not TOML: " + strings.TrimSuffix(what, ".") + hint}
}

func parseRoutine(t *tableReader) *Routine {
	t.refuseUnknownKeys()
	r := &Routine{Title: t.spokenText("title", false), About: t.text("about"), Count: defaultCountMode}
	if !t.has("title") {
		t.problemf("", `has no title; begin with title = "…", as it is spoken`)
	}
	r.Lang = t.language("lang")
	r.Breath, _ = parsePattern(defaultBreath)
	if p := t.pattern("breath", "4-0-6"); p != nil {
		r.Breath = *p
	}
	if count := t.countMode("count"); count != "" {
		r.Count = count
	}
	r.Bed, r.Metadata = t.bed(), t.metadata()
	number := 0
	r.Steps = parseSteps(t, scope{lang: r.Lang, breath: r.Breath, number: &number})
	if !t.has("step") {
		t.problemf("", "has no step; add a [[step]]")
	}
	return r
}

// language loads the language that a key names. It returns the default one where the key is absent or wrong, so that
// other problems are found too.
func (t *tableReader) language(key string) *Lang {
	if code := t.text(key); code != "" {
		lang, err := loadLang(code)
		if err == nil {
			return lang
		}
		t.problemf(key, "%v", err)
	}
	lang, _ := loadLang(defaultLang)
	return lang
}

// scope is what a step inherits from its surroundings.
type scope struct {
	lang   *Lang
	breath Pattern // the routine's
	sided  bool    // a group around it has sides, so {side} can be filled
	depth  int     // how many groups are around it
	number *int    // of the last step read, counted through the whole file
}

// parseSteps reads the [[step]] tables of a routine or a group.
func parseSteps(t *tableReader, in scope) []Step {
	if in.depth > maxDepth {
		t.problemf("step", "groups are nested deeper than %d; make the inner ones a routine and include it", maxDepth)
		return nil
	}
	var steps []Step
	tables, ok := t.subtables("step", StepKeys)
	if ok && len(tables) == 0 && t.has("step") {
		t.problemf("step", "has no step in it; add a [[step]], or leave the key out")
	}
	for _, st := range tables {
		if t.file.full() {
			return steps
		}
		if *in.number++; *in.number > maxSteps {
			st.problemf("", "more than %d steps; split the routine", maxSteps)
			return steps
		}
		st.step = fmt.Sprintf("step %d", *in.number)
		name := st.spokenText("name", in.sided || st.has("sides"))
		if name != "" {
			st.step += fmt.Sprintf(" %q", name)
		}
		steps = append(steps, parseStep(st, name, in))
	}
	return steps
}

func (t *tableReader) countMode(key string) CountMode {
	return CountMode(t.oneOf(key, string(Spoken), string(Tones), string(Swells), string(Words), string(Silent)))
}

// metadata reads what people choose a routine by.
func (t *tableReader) metadata() Metadata {
	f := Metadata{Tags: t.textList("tags"), Equipment: t.textList("equipment"), Position: t.textList("position"), Level: t.oneOf("level", Levels()...), Cautions: t.textList("cautions")}
	for _, p := range f.Position {
		if !t.file.full() && !slices.Contains(Positions(), p) {
			t.problemf("position", "%q is not known; %s", excerpt(p), DidYouMean(p, Positions()))
		}
	}
	return f
}

// bed reads the sound under the whole routine.
func (t *tableReader) bed() Bed {
	b := Bed{Sound: t.text("bed"), Swell: t.boolean("swell")}
	switch {
	case b.Sound == "" && t.has("swell") && !t.has("bed"):
		t.problemf("swell", `has no meaning without a bed; add bed = "waves"`)
	case b.Sound == "" || slices.Contains(BedNames(), b.Sound):
	case !isSoundFile(b.Sound):
		t.problemf("bed", "%q is neither a bed nor a .wav, .flac or .opus file; %s", excerpt(b.Sound), soundHint(b.Sound, BedNames()))
	case leavesFolder(b.Sound):
		t.problemf("bed", "%q lies outside the folder of routines; put the file beside the routine", excerpt(b.Sound))
	}
	return b
}
