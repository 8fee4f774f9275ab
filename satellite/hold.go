package satellite

import "guided/player"

// hold is what was done to the player and is to be undone.
type hold struct {
	action string
	do     func(player.Command) player.Response
	undo   string // the verb that takes it back, "" for nothing
}

// take lowers or pauses what plays. What a person has paused or lowered already is his. A routine that waits for its
// listener is only lowered: its wait is to go on.
func (h *hold) take(waiting bool) {
	if h.undo != "" {
		return
	}
	verb, undo := "duck", "unduck"
	if h.action == Pause && !waiting {
		verb, undo = "pause", "resume"
	}
	if r := h.do(player.Command{Verb: verb}); r.Status == "ok" && !r.Unchanged {
		h.undo = undo
	}
}

// leave undoes it.
func (h *hold) leave() {
	if h.undo != "" {
		h.do(player.Command{Verb: h.undo})
		h.undo = ""
	}
}

// overruled forgets a pause when a person says himself whether the routine is to go on.
func (h *hold) overruled(verb string) {
	switch verb {
	case "pause", "resume", "toggle", "start", "stop":
		if h.undo == "resume" {
			h.undo = ""
		}
	}
}
