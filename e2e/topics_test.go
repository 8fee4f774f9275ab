package e2e

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"guided/history"
	"guided/player"
)

var update = flag.Bool("update", false, "write docs/topics.md anew")

// TestTopics checks that docs/topics.md is what the code generates. To write it: go test ./e2e -run TestTopics -update
func TestTopics(t *testing.T) {
	page := topicsPage(t)
	if *update {
		if err := os.WriteFile("../docs/topics.md", []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile("../docs/topics.md")
	if err != nil || string(kept) != page {
		t.Errorf("docs/topics.md is stale (%v); run: go test ./e2e -run TestTopics -update", err)
	}
}

// keyMeanings describes the keys of each type of message. The keys, their types and their order come from the code.
var keyMeanings = map[string]map[string]string{
	"State": {
		"state":        "`idle`, `preparing`, `playing`, `paused`, `waiting` (for `next`) or `problem`",
		"routine":      "the name of what plays",
		"title":        "its title, as it is spoken",
		"selected":     "the name of what `start` without a name begins",
		"step":         "the step that is heard",
		"step_number":  "from 1",
		"steps":        "how many there are",
		"next_step":    "the step after it",
		"side":         "`left` or `right`, in steps with sides",
		"position_s":   "s since the beginning, without what was waited for you",
		"length_s":     "s of the whole",
		"remaining_s":  "s to come",
		"progress":     "%, 0 to 100",
		"started_at":   "when its first sound was heard",
		"step_ends_at": "when the step ends; null while nobody knows",
		"ends_at":      "when the routine ends; null while paused or waiting",
		"next_run":     "when something starts by itself; null: nothing is planned, or the clock is not trusted",
		"schedule":     "`on`, or `off`: nothing starts by itself",
		"schedule_off": "the entries of the schedule that are switched off",
		"updated_at":   "the moment for which all of this is true",
		"volume":       "%, 0 to 100, of our own stream",
		"error":        "why there is no sound, or why the last start failed",
		"resume_offer": "the lost session that `resume` takes up; null where there is none",
	},
	"ResumeOffer": {
		"routine":    "the name of what a power cut, a crash or a restart ended",
		"title":      "its title",
		"step":       "the step that was heard",
		"position_s": "s since the beginning",
		"until":      "how long it is offered",
	},
	"Event": {
		"event_type":  "one of those below",
		"routine":     "the routine's name",
		"title":       "its title",
		"step":        "the step",
		"step_number": "from 1",
		"steps":       "how many there are",
		"side":        "`left` or `right`",
		"schedule":    "of the schedule's events: the entry's name",
		"error":       "of a problem: what it is; of a run that is missed: why",
		"at":          "when it was heard",
	},
	"Phase": {
		"phase":   "one of those below",
		"at":      "when it is heard, to the ms",
		"seconds": "s that it lasts",
		"side":    "`left` or `right`",
	},
	"Response": {
		"status":      "`ok` or `error`",
		"command":     "the verb that it answers",
		"error":       "what is wrong, and what to do",
		"unchanged":   "true: nothing had to change",
		"note":        "what was passed over, such as the time of a clock that is not set, where a lost session goes on, or what a command of the schedule has done",
		"transaction": "the command's own",
		"report":      "to `status`: the `state`, and the last twenty `commands` with `at`, `verb`, `routine`, `from` (who gave it) and `error`",
	},
	"Info": {
		"version":  "of the program",
		"routines": "what can be played; the keys are below",
		"outputs":  "where the sound goes",
		"verbs":    "what can be asked",
		"schedule": "what starts by itself; the keys are below",

		"routines_left_out": "how many routines are missing, because a message can have 192 KiB",
	},
	"ScheduleEntry": {
		"name": "for `schedule on NAME`", "routine": "what starts", "times": "when", "when": "its condition", "place": "where it is written",
	},
	"Summary": {
		"date":                "today's, in the time zone of the settings",
		"today_min":           "minutes heard of the sessions that began today; 0 from midnight on",
		"today_sessions":      "how many those are",
		"total_min":           "minutes heard of all sessions; never less, but when the history is deleted",
		"sessions":            "how many there were",
		"breaths":             "that were heard whole, in all",
		"reps":                "that were heard whole, in all",
		"streak_days":         "days without a gap; today breaks none before it is over",
		"longest_streak_days": "the longest that there was",
		"last":                "Record of the session that ended last",
	},
	"Record": {
		"id":          "names the session, also after it went on in another process",
		"routine":     "the routine's name",
		"title":       "its title",
		"started":     "when its first sound was heard",
		"ended":       "when it ended",
		"heard_s":     "s that were heard, without pauses, waits for you and the silence after a jump",
		"breaths":     "that were heard whole; what is heard again counts again",
		"reps":        "that were heard whole",
		"finished":    "its end was heard",
		"step":        "where it stopped",
		"step_number": "from 1",
		"steps":       "how many there are",
		"side":        "`left` or `right`",
		"reason":      "why it ended: `finished`, `stopped by …`, `a power cut`",
		"from":        "where its start came from",
	},
	"RoutineInfo": {
		"name": "for `start` and `select`", "title": "as it is spoken", "about": "a sentence", "length_s": "s", "steps": "their names",
		"tags": "words to find it by", "equipment": "what is needed", "position": "`chair`, `floor`, `standing`, `wall`",
		"level": "`easy`, `medium`, `hard`", "cautions": "who should leave it, or ask a doctor first",
		"urls": "of its files for speakers, by their kind", "error": "why it cannot be played",
	},
}

// verbMeanings describes what the verbs do.
var verbMeanings = map[string]string{
	"start":  "plays a routine by name or title, or what is selected",
	"select": "chooses what `start` begins",
	"pause":  "lets the sound leave", "resume": "lets it come back, at the start of a breath or a phrase; while `resume_offer` stands, goes on with the lost session",
	"toggle": "pauses, goes on, or starts what is selected",
	"stop":   "ends it", "next": "goes to the next step or side, and on where one waits", "back": "goes to the one before, or to the start of this one",
	"repeat": "goes to the start of this one", "extend": "the step that is heard gets so much more",
	"slower": "breaths from the next one on are 5 % longer", "faster": "and shorter",
	"volume": "0 to 100", "duck": "goes on softly, under a voice", "unduck": "comes back",
	"say":      "says a text over the routine; `when` is `now` or `gap`",
	"skip_run": "lets the next run of the schedule pass; the `note` names it",
	"snooze":   "the scheduled routine that sounds stops and comes again, or the next one within an hour comes later: 10 minutes, or as long as asked for",
	"schedule": "switches the schedule, or one entry, on or off; kept over restarts",
	"status":   "tells the state again, and the last commands; so does an empty message",
}

// eventMeanings and phaseMeanings describe the types of events and the phases, in the order of the page.
var eventMeanings = [][2]string{
	{"routine_started", "its first sound"}, {"step_started", "a step or a side begins"}, {"waiting", "it waits for `next`"},
	{"paused", "the sound has left"}, {"resumed", "it is back"}, {"routine_finished", "its end was heard"},
	{"routine_stopped", "it was ended before"}, {"problem", "there is no sound, or a start failed: `error` tells"},
	{"resume_offered", "a session was lost, and `resume` goes on with it"},
	{"schedule_due", "a run of the schedule begins"}, {"schedule_missed", "one does not take place: `error` tells why"},
}

var phaseMeanings = [][2]string{
	{"in", "breathe in"}, {"again", "the second part of a double breath in"}, {"hold", "hold, in breaths and in reps"},
	{"out", "breathe out"}, {"wait", "the pause after it"}, {"move", "of a rep: there"}, {"back", "of a rep: and back"},
}

func topicsPage(t *testing.T) string {
	var b strings.Builder
	b.WriteString("# Topics\n\nMade from the code by `go test ./e2e -run TestTopics -update`; a test fails when it is stale. Topics lie under\n`PREFIX/NODE/`, in the examples `guided/mat/`. Times are ISO 8601 with a zone, or null.\n\n")
	b.WriteString("| topic | retained | QoS | payload |\n|---|---|---|---|\n")
	for _, row := range [][4]string{
		{"status", "yes, and last will", "1", "`online` or `offline`"},
		{"command", "**never; a retained one is refused**", "1", "words, or JSON: the commands below"},
		{"response", "no", "1", "Response, for every command"},
		{"state", "yes", "1", "State, on change only"},
		{"event", "no", "1", "Event, when it is heard"},
		{"phase", "no", "0", "Phase, ahead of its sound by `mqtt.phase_lead`"},
		{"info", "yes", "1", "Info"},
		{"history", "yes", "1", "Summary, on change only, where `history.keep` is true"},
	} {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", row[0], row[1], row[2], row[3])
	}
	b.WriteString("\nA command on `PREFIX/all/command` is for every node.\n")
	for _, message := range []any{player.State{}, player.ResumeOffer{}, player.Event{}, player.Phase{}, player.Response{}, player.Info{}, player.RoutineInfo{}, player.ScheduleEntry{}, history.Summary{}, player.Record{}} {
		of := reflect.TypeOf(message)
		fmt.Fprintf(&b, "\n## %s\n\n| key | type | meaning |\n|---|---|---|\n", of.Name())
		known := keyMeanings[of.Name()]
		rows := 0
		eachKey(of, func(key, kind string) {
			if known[key] == "" {
				t.Errorf("%s of %s is not described", key, of.Name())
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", key, kind, known[key])
			rows++
		})
		if rows != len(known) {
			t.Errorf("%s has %d keys, %d are described", of.Name(), rows, len(known))
		}
	}
	writePairs(&b, "Event types", "event_type", eventMeanings)
	writePairs(&b, "Phases", "phase", phaseMeanings)
	b.WriteString("\n## Commands\n\nAs words, or as JSON with the verb as `command` and the keys beside it. Every command may carry `transaction` (it is\ncarried out once, and echoed) and `sent_at`, a time or a number since 1970 (refused when it is more than 30 s old; that of a clock\nwhich is not set, or ahead, is passed over with a `note`). NUL bytes, byte order marks and quotes around a message are passed over.\n\n`until` is the next such time of the day (`08:10`, `8:10 pm`), at most four hours ahead, or a time stamp; it goes without `for`. `for`,\n`fade_in` and `fade_out` are times such as `5m`. What is otherwise than asked for (a clock that nothing keeps right, a fade that is\nlonger than the routine) stands in the `note` of the response.\n\n`stop`, `pause`, `volume` and `duck` never wait: a `start`, a jump or a change of the pace that is still in hand is answered with\nan error, `overtaken by stop`.\n\n| write | keys in JSON | it |\n|---|---|---|\n")
	verbs := player.New(player.Config{}).Info().Verbs
	for _, verb := range verbs {
		usage, takes := verbUsage(t, verb)
		if verbMeanings[verb] == "" {
			t.Errorf("the verb %s is not described", verb)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", usage, cmp.Or(takes, "–"), verbMeanings[verb])
	}
	if len(verbs) != len(verbMeanings) {
		t.Errorf("%d verbs, %d are described", len(verbs), len(verbMeanings))
	}
	return b.String()
}

func writePairs(b *strings.Builder, heading, key string, rows [][2]string) {
	fmt.Fprintf(b, "\n## %s\n\n| `%s` | when |\n|---|---|\n", heading, key)
	for _, row := range rows {
		fmt.Fprintf(b, "| `%s` | %s |\n", row[0], row[1])
	}
}

// eachKey calls each for every JSON key of a message, in order, with the type of its value.
func eachKey(of reflect.Type, each func(key, kind string)) {
	for f := range of.Fields() {
		if f.Anonymous {
			eachKey(f.Type, each)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		kind := map[reflect.Kind]string{
			reflect.String: "text", reflect.Int: "integer", reflect.Float64: "number", reflect.Bool: "true",
			reflect.Slice: "list", reflect.Map: "object",
		}[f.Type.Kind()]
		switch {
		case f.Type == reflect.TypeFor[time.Time]():
			kind = "time"
		case f.Type == reflect.TypeFor[*time.Time]():
			kind = "time or null"
		case f.Type.Kind() == reflect.Pointer:
			kind = f.Type.Elem().Name() + " or null"
		}
		if strings.Contains(options, "omitempty") {
			kind += ", where there is one"
		}
		each(name, kind)
	}
}

// verbUsage finds how a verb is written and which JSON keys it takes from the parser's errors: a key that the verb does not
// take is refused with the usage.
func verbUsage(t *testing.T, verb string) (usage, takes string) {
	t.Helper()
	var own []string
	for _, key := range []string{"routine", "for", "until", "volume", "voice", "verbosity", "holds", "bed", "fade_in", "fade_out", "text", "when", "switch", "entry"} {
		_, err := player.Parse(fmt.Appendf(nil, `{"command":%q,%q:"?"}`, verb, key))
		if err == nil || !strings.Contains(err.Error(), "takes no") {
			own = append(own, "`"+key+"`")
			continue
		}
		_, usage, _ = strings.Cut(err.Error(), "write: ")
	}
	if usage == "" {
		t.Errorf("how %s is written is not to be found", verb)
	}
	return usage, strings.Join(own, ", ")
}
