package routines

// Key is one key of the format; the reference page lists the same.
type Key struct {
	Name string
	For  string // the kinds of step it may stand with; empty: every one
}

// The keys of the format, in the order of the reference page.
var (
	RoutineKeys = []Key{
		{"title", ""}, {"about", ""}, {"lang", ""}, {"breath", ""}, {"count", ""},
		{"bed", ""}, {"swell", ""}, {"tags", ""}, {"equipment", ""}, {"position", ""}, {"level", ""}, {"cautions", ""}, {"step", ""},
	}
	StepKeys = []Key{
		{"name", "say sound breathe hold rest reps step"},
		{"say", "say breathe hold rest reps"},
		{"short", "say breathe hold rest reps"},
		{"caution", "say breathe hold rest reps"},
		{"without_holds", "say breathe hold rest reps"},
		{"sound", "say sound breathe hold rest reps"},
		{"breathe", "breathe hold"},
		{"for", "breathe say sound"},
		{"from", "breathe"},
		{"over", "breathe"},
		{"hold", "hold"},
		{"rest", "rest"},
		{"reps", "reps"},
		{"tempo", "reps"},
		{"routine", "routine"},
		{"step", "step"},
		{"words", "breathe hold reps"},
		{"teach", "breathe hold"},
		{"count", "breathe hold reps"},
		{"prepare", "breathe hold reps"},
		{"countdown", "hold rest"},
		{"cues", "say sound breathe hold rest reps"},
		{"fit", "breathe hold rest reps step"},
		{"repeat", ""},
		{"sides", "say breathe hold rest reps step"},
		{"switch", "say breathe hold rest reps step"},
	}
	CueKeys   = []Key{{"at", ""}, {"say", ""}, {"short", ""}, {"sound", ""}}
	WordKeys  = []Key{{"in", "breathe hold"}, {"again", "breathe hold"}, {"hold", "breathe hold reps"}, {"out", "breathe hold"}, {"back", "reps"}, {"wait", "breathe hold reps"}}
	TeachKeys = []Key{{"in", ""}, {"again", ""}, {"hold", ""}, {"out", ""}, {"wait", ""}, {"rounds", ""}}
)

// SoundNames are the tones that can be named in a routine; audio makes them.
func SoundNames() []string {
	return []string{"bell", "bowl", "chime", "ping", "tick", "in", "again", "hold", "out", "wait"}
}

// SwellNames are the sounds of the breath itself; a clip of one says how long it is.
func SwellNames() []string { return []string{"swell-in", "swell-again", "swell-out"} }

// BedNames are the beds that can be named in a routine; audio makes them.
func BedNames() []string { return []string{"rain", "waves", "brown", "drone"} }
