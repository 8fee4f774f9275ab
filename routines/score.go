package routines

// Rate is the one rate of the program, in samples a second. Every int of a score is samples at this rate.
const Rate = 48_000

// Clip names a sound: a text to be spoken, or a tone or sound file. Exactly one field is set.
type Clip struct {
	Say   string // the words
	Sound string // the name of a synthesised tone, or a file beside the routine
}

// Cue is one clip at one exact sample.
type Cue struct {
	At   int // its first sample
	Len  int // its length
	Clip Clip
}
