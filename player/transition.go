package player

// reason is what becomes of a session when its sound has left.
type reason int

const (
	carryOn reason = iota // it has not left
	jump                  // it comes back at another place
	pause                 // it waits
	finish                // it has ended
)
