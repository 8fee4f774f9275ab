package player

import "time"

// Command is one order to the player, from any remote.
type Command struct {
	Verb        string
	Routine     string        // start, select
	Text        string        // say
	For         time.Duration // start: the length asked for, 0 for its own; extend: how much longer
	Volume      *int          // volume, start
	Voice       string        // start
	Count       string        // start
	Transaction string        // echoed in the response; the same one is carried out once
	SentAt      time.Time     // zero when not told
}

// Response answers a Command; every command is answered.
type Response struct {
	Status      string `json:"status"` // ok, error
	Command     string `json:"command"`
	Error       string `json:"error,omitempty"`
	Unchanged   bool   `json:"unchanged,omitempty"` // ok, and nothing had to change
	Transaction string `json:"transaction,omitempty"`
}
