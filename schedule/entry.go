// Package schedule starts routines by themselves: at times of day, on days of the week, where a condition is met.
//
// Its law: nothing surprises a sleeper, and nothing is interrupted. A run that is due while something plays, in the night,
// or while its condition is not known to be met does not happen, and that is told. None is carried out twice, whatever the
// clock does, and none starts while the clock is not trusted.
//
// Begin with [Entry], which is one [[schedule]] of the settings, and its runs in calendar.go, which are a function of the
// entry and the time zone alone. [Runner] decides and starts; what it has to remember is in store.go.
package schedule

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"guided/player"
	"guided/routines"
)

// Entry is one [[schedule]]: what starts, when, and under which condition.
type Entry struct {
	Name  string
	Days  Days
	Slots []int         // minutes since midnight at which it is due, in order; from 1440 on they lie on the day after
	When  *Condition    // nil: always
	Chime bool          // a soft tone some seconds ahead
	Night bool          // it may start in the night, softly
	Late  time.Duration // how late it may start; 0: OnTime
	Place string        // where it stands, such as "/etc/guided/guided.toml:31"
	Own   bool          // it was made on the page, and stands in the daemon's own file

	index  int               // in its file, from 0
	times  string            // as people read it: "07:00", "every 1h between 09:00-17:00"
	values map[string]string // the keys of its start
	table  map[string]any    // as it was decoded
}

// Condition is a value on the broker: it is met while the last message on the topic says so, in any case.
type Condition struct{ Topic, Is string }

// Met tells whether a value meets the condition. Unknown means no.
func (c *Condition) Met(value string, known bool) bool {
	return known && strings.EqualFold(strings.TrimSpace(value), c.Is)
}

func (c *Condition) String() string { return fmt.Sprintf("%s is %q", c.Topic, c.Is) }

// The bounds of an entry and of how many there are.
const (
	maxEntries = 100
	maxAt      = 48
	maxName    = 60  // letters
	maxTopic   = 200 // bytes
	minEvery   = 5 * time.Minute
	maxLate    = 12 * time.Hour
)

// Routine is the name or title of what starts.
func (e *Entry) Routine() string { return e.values["routine"] }

// Times are when it is due, in words: "07:00 on mon-fri".
func (e *Entry) Times() string {
	if e.Days == daily {
		return e.times + " daily"
	}
	return e.times + " on " + e.Days.String()
}

// Command is the start of a run. It is parsed for each, because what it means may depend on the time.
func (e *Entry) Command() (player.Command, error) {
	values := maps.Clone(e.values)
	values["command"] = "start"
	c, err := player.ParseValues(values)
	c.From = "schedule: " + e.Name
	return c, err
}

// Tables are the [[schedule]] of a file as TOML gives them.
type Tables []map[string]any

// UnmarshalTOML takes an array of tables.
func (t *Tables) UnmarshalTOML(v any) error {
	*t = nil
	switch v := v.(type) {
	case []map[string]any:
		*t = v
		return nil
	case []any:
		for _, item := range v {
			table, is := item.(map[string]any)
			if !is {
				return errors.New("a schedule is a table; write [[schedule]] and its keys below")
			}
			*t = append(*t, table)
		}
		return nil
	}
	return errors.New("there may be several: write it with two brackets, [[schedule]]")
}

// ownKeys are the keys of an entry beside those of a start.
func ownKeys() []string {
	return []string{"name", "at", "every", "between", "days", "when", "chime", "night", "late"}
}

// Decode checks the entries of a file. text is the file, for the lines, and may be nil. The problems are all there are,
// each with the file, the line and what to do; an entry with a problem is left out.
func Decode(file string, text []byte, tables Tables) (entries []*Entry, problems []error) {
	lines := headerLines(text)
	if len(tables) > maxEntries {
		return nil, []error{fmt.Errorf("%s: %d schedules are too many; %d are allowed", file, len(tables), maxEntries)}
	}
	for i, table := range tables {
		place := fmt.Sprintf("%s: schedule %d", file, i+1)
		if len(lines) == len(tables) {
			place = fmt.Sprintf("%s:%d", file, lines[i])
		}
		e, wrong := decodeEntry(table)
		for _, err := range wrong {
			problems = append(problems, fmt.Errorf("%s: schedule.%w", place, err))
		}
		if len(wrong) == 0 {
			e.Place, e.index = place, i
			entries = append(entries, e)
		}
	}
	return entries, append(problems, uniqueNames(entries)...)
}

// decodeEntry checks one entry. Each problem begins with the key.
func decodeEntry(table map[string]any) (e *Entry, problems []error) {
	e = &Entry{table: table}
	e.decode(func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) })
	return e, problems
}

// sameName is the problem of an entry that has the name of another one.
func sameName(e, other *Entry) error {
	return fmt.Errorf("name: %q is the name of the one at %s too; give it another", e.Name, other.Place)
}

// headerLines are the lines of a file on which [[schedule]] stands.
func headerLines(text []byte) (lines []int) {
	header := regexp.MustCompile(`^\s*\[\[\s*"?schedule"?\s*\]\]`)
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		if header.MatchString(line) {
			lines = append(lines, n)
		}
	}
	return lines
}

// uniqueNames gives names to the entries that have none, and returns an error for each name that two of them ask for.
func uniqueNames(entries []*Entry) (problems []error) {
	taken := map[string]*Entry{}
	for _, e := range entries {
		if e.Name == "" {
			continue
		}
		if other := taken[strings.ToLower(e.Name)]; other != nil {
			problems = append(problems, fmt.Errorf("%s: schedule.%w", e.Place, sameName(e, other)))
			continue
		}
		taken[strings.ToLower(e.Name)] = e
	}
	for _, e := range entries {
		if e.Name != "" {
			continue
		}
		name := cut(e.Routine(), maxName-30) + " " + strings.SplitN(cut(e.times, 20), " between", 2)[0]
		e.Name = name
		for n := 2; taken[strings.ToLower(e.Name)] != nil; n++ {
			e.Name = fmt.Sprintf("%s (%d)", name, n)
		}
		taken[strings.ToLower(e.Name)] = e
	}
	return problems
}

// reporter takes a problem, which begins with the key.
type reporter func(format string, args ...any)

func (e *Entry) decode(report reporter) {
	known := append(ownKeys(), player.StartKeys()...)
	e.values = map[string]string{}
	e.Days = daily
	for _, key := range slices.Sorted(maps.Keys(e.table)) {
		value := e.table[key]
		lower := strings.ToLower(key)
		switch {
		case !slices.Contains(known, lower):
			report("%s is not known; %s", cut(strconv.Quote(key), maxName), routines.DidYouMean(key, known))
		case lower == "when":
			e.decodeWhen(value, report)
		case slices.Contains([]string{"name", "days", "chime", "night", "late"}, lower):
			e.decodeOwn(lower, value, report)
		case slices.Contains(player.StartKeys(), lower):
			text, ok := valueText(value)
			if !ok {
				report("%s: want a text or a number", lower)
			}
			e.values[lower] = text
		}
	}
	e.decodeTimes(report)
	if strings.TrimSpace(e.Routine()) == "" {
		report(`routine is missing; name one of "guided list", such as routine = "yoga"`)
		return
	}
	if _, err := e.Command(); err != nil {
		report("%w", err)
	}
}

func (e *Entry) decodeOwn(key string, value any, report reporter) {
	if key == "chime" || key == "night" {
		on, is := value.(bool)
		if !is {
			report("%s: want true or false, without quotes", key)
		}
		if key == "chime" {
			e.Chime = on
		} else {
			e.Night = on
		}
		return
	}
	text, is := value.(string)
	if !is {
		report("%s: want a text in quotes", key)
		return
	}
	var err error
	switch key {
	case "name":
		e.Name = strings.Join(strings.Fields(text), " ")
		switch {
		case e.Name == "":
			err = errors.New("it is empty; leave it out for one made of the routine and the time")
		case utf8.RuneCountInString(e.Name) > maxName:
			err = fmt.Errorf("%d letters are too many; %d are allowed", utf8.RuneCountInString(e.Name), maxName)
		case strings.ContainsFunc(e.Name, func(r rune) bool { return !unicode.IsPrint(r) || r == '"' || r == utf8.RuneError }):
			err = errors.New("it has quotes or control characters; use letters, digits and blanks")
		}
	case "days":
		e.Days, err = parseDays(text)
	case "late":
		e.Late, err = time.ParseDuration(strings.ToLower(strings.TrimSpace(text)))
		if err != nil || e.Late < 0 || e.Late > maxLate {
			err = fmt.Errorf(`%q is not a time of up to 12 hours; write one such as "15m"`, cut(text, maxName))
		}
	}
	if err != nil {
		report("%s: %w", key, err)
	}
}

func (e *Entry) decodeWhen(value any, report reporter) {
	const want = `write it such as when = { topic = "home/anna", is = "home" }`
	table, is := value.(map[string]any)
	if !is {
		report("when: %s", want)
		return
	}
	e.When = &Condition{}
	for key, v := range table {
		text, ok := valueText(v)
		text = strings.TrimSpace(text)
		switch {
		case strings.EqualFold(key, "topic") && ok:
			e.When.Topic = text
		case strings.EqualFold(key, "is") && ok:
			e.When.Is = text
		default:
			report("when: %s is not known here; %s", cut(strconv.Quote(key), maxName), want)
		}
	}
	switch t := e.When.Topic; {
	case t == "" || e.When.Is == "":
		report("when: topic or is is missing; %s", want)
	case strings.ContainsAny(t, "+#\x00") || len(t) > maxTopic || !utf8.ValidString(t):
		report("when.topic: %q is no topic of one value; name it without + and #", cut(t, maxName))
	}
}

// decodeTimes reads at, or every with between.
func (e *Entry) decodeTimes(report reporter) {
	table := map[string]any{}
	for key, v := range e.table {
		table[strings.ToLower(key)] = v
	}
	at, hasAt := table["at"]
	every, hasEvery := table["every"]
	between, hasBetween := table["between"]
	switch {
	case hasAt && (hasEvery || hasBetween):
		report("at: give either at, or every with between")
	case hasAt:
		e.decodeAt(at, report)
	case !hasEvery:
		report(`at is missing; write at = "07:00", or every = "1h" with between = "09:00-17:00"`)
	case !hasBetween:
		report(`every needs between = "09:00-17:00", or it would come in the night`)
	default:
		e.decodeEvery(every, between, report)
	}
}

func (e *Entry) decodeAt(value any, report reporter) {
	list, is := value.([]any)
	if !is {
		list = []any{value}
	}
	if len(list) == 0 || len(list) > maxAt {
		report("at: %d times; from 1 to %d are allowed", len(list), maxAt)
		return
	}
	for _, v := range list {
		text, is := v.(string)
		minute, ok := parseTime(text)
		if !is || !ok || minute == dayMinutes {
			report(`at: %v is no time of day; write it in quotes, such as "07:00"`, cut(fmt.Sprint(v), maxName))
			return
		}
		e.Slots = append(e.Slots, minute)
	}
	slices.Sort(e.Slots)
	e.Slots = slices.Compact(e.Slots)
	var words []string
	for _, m := range e.Slots {
		words = append(words, timeText(m))
	}
	e.times = strings.Join(words, ", ")
}

func (e *Entry) decodeEvery(value, between any, report reporter) {
	text, is := value.(string)
	every, err := time.ParseDuration(strings.ToLower(strings.TrimSpace(text)))
	if !is || err != nil || every < minEvery || every > 24*time.Hour || every%time.Minute != 0 {
		report(`every: %v is no time from 5 minutes to a day; write it such as "1h"`, cut(fmt.Sprint(value), maxName))
		return
	}
	hours, is := between.(string)
	begin, end, found := strings.Cut(hours, "-")
	from, ok := parseTime(begin)
	to, ok2 := parseTime(end)
	if !is || !found || !ok || !ok2 || from == to || from == dayMinutes {
		report(`between: %v is no part of a day; write it such as "09:00-17:00"`, cut(fmt.Sprint(between), maxName))
		return
	}
	if to < from {
		to += dayMinutes
	}
	for m := from; m < to; m += int(every / time.Minute) {
		e.Slots = append(e.Slots, m)
	}
	e.times = fmt.Sprintf("every %s between %s-%s", durationText(every), timeText(from), strings.TrimSpace(end))
}

// valueText is a value of TOML as text; false for what is no single value.
func valueText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// cut is at most n letters of a text, with a sign where some are missing.
func cut(text string, n int) string {
	if letters := []rune(text); len(letters) > n {
		return string(letters[:n]) + "…"
	}
	return text
}

// durationText is a whole number of minutes without the zeros of time.Duration: "1h", "1h30m", "45m".
func durationText(d time.Duration) string {
	text := strings.TrimSuffix(d.String(), "0s")
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
