package player

import (
	"time"

	"guided/routines"
)

// Status is what the player does, as one word.
type Status string

// What the player can be doing.
const (
	Idle      Status = "idle"
	Preparing Status = "preparing"
	Playing   Status = "playing"
	Paused    Status = "paused"
	Waiting   Status = "waiting"
	Problem   Status = "problem"
)

// State is everything an observer may know, published whole. It is published at events only: no key ticks. Positions and
// lengths are seconds as of UpdatedAt, without the time spent waiting for next; times that are not known are null.
type State struct {
	State      Status     `json:"state"`
	Routine    string     `json:"routine"`
	Title      string     `json:"title"`
	Selected   string     `json:"selected"`
	Step       string     `json:"step"`
	StepNumber int        `json:"step_number"`
	Steps      int        `json:"steps"`
	NextStep   string     `json:"next_step"`
	Side       string     `json:"side"`
	Position   float64    `json:"position_s"`
	Length     float64    `json:"length_s"`
	Remaining  float64    `json:"remaining_s"`
	Progress   int        `json:"progress"`
	StartedAt  *time.Time `json:"started_at"`
	StepEndsAt *time.Time `json:"step_ends_at"`
	EndsAt     *time.Time `json:"ends_at"`
	NextRun    *time.Time `json:"next_run"`
	Schedule   string     `json:"schedule"`     // on or off
	EntriesOff []string   `json:"schedule_off"` // the entries that are switched off
	UpdatedAt  time.Time  `json:"updated_at"`
	Volume     int        `json:"volume"`
	Error      string     `json:"error"`
	// ResumeOffer is the lost session that resume takes up; null where none is offered.
	ResumeOffer *ResumeOffer `json:"resume_offer"`
}

// Event is one thing that happened, published when it is heard.
type Event struct {
	Type       string    `json:"event_type"` // routine_started, step_started, waiting, paused, resumed, routine_finished, routine_stopped, problem, resume_offered, schedule_due, schedule_missed
	Routine    string    `json:"routine,omitempty"`
	Title      string    `json:"title,omitempty"`
	Step       string    `json:"step,omitempty"`
	StepNumber int       `json:"step_number,omitempty"`
	Steps      int       `json:"steps,omitempty"`
	Side       string    `json:"side,omitempty"`
	Schedule   string    `json:"schedule,omitempty"` // the name of the entry, of schedule_due and schedule_missed
	Error      string    `json:"error,omitempty"`
	At         time.Time `json:"at"`
}

// Phase announces one phase of a breath or rep ahead of its sound.
type Phase struct {
	Phase   string    `json:"phase"` // in, again, hold, out, wait; move, hold, back, wait in reps
	At      time.Time `json:"at"`    // when it is heard
	Seconds float64   `json:"seconds"`
	Side    string    `json:"side,omitempty"`
}

// RoutineInfo is one routine of the library, as observers see it.
type RoutineInfo struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	About string `json:"about,omitempty"`
	routines.Metadata
	Length float64           `json:"length_s"`
	Steps  []string          `json:"steps"`
	URLs   map[string]string `json:"urls,omitempty"`  // of its files for smart speakers, by their kind
	Error  string            `json:"error,omitempty"` // why it cannot be played
}

// Info is what seldom changes: the version, the library, the outputs and the verbs.
type Info struct {
	Version  string          `json:"version"`
	Routines []RoutineInfo   `json:"routines"`
	Outputs  []string        `json:"outputs"`
	Verbs    []string        `json:"verbs"`
	Schedule []ScheduleEntry `json:"schedule,omitempty"`
	// RoutinesLeftOut is how many routines a remote left out of Routines, because they were too many for it.
	RoutinesLeftOut int `json:"routines_left_out,omitempty"`
}

// State is the current state.
func (p *Player) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state()
}

// Info is the current info.
func (p *Player) Info() Info {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.info
}

// state is the state of what is heard: a session that was asked to pause is playing until its sound has left, and one
// that was asked to resume is paused until it is heard. The caller holds the lock.
func (p *Player) state() State {
	st := State{State: Idle, Selected: p.selected, Volume: p.currentVolume(), Error: p.problem, UpdatedAt: p.now(), ResumeOffer: p.offer.published()}
	st.setSchedule(p.schedule)
	s, req := p.session, p.current()
	switch {
	case req == nil && s != nil: // a stop that is not heard yet
		req = &s.request
	case req == nil && p.problem != "":
		st.State = Problem
	}
	if req == nil {
		return st
	}
	st.Routine, st.Title = req.routine.Name, req.routine.Title
	switch {
	case p.pending != nil || p.preparing != nil:
		st.State = Preparing
		return st
	case s.reported == reportedPaused:
		st.State = Paused
	case p.problem != "":
		st.State = Problem
	case s.reported != reportedPlaying: // not heard yet, or not again
		st.State = Preparing
	default:
		st.State = Playing
		if _, waits := s.score.WaitAt(s.position()); waits {
			st.State = Waiting
		}
	}
	p.setPosition(&st, s)
	return st
}

// setSchedule fills in what is planned.
func (st *State) setSchedule(s Schedule) {
	st.NextRun, st.Schedule, st.EntriesOff = s.NextRun, "on", s.EntriesOff
	if s.Off {
		st.Schedule = "off"
	}
	if st.EntriesOff == nil {
		st.EntriesOff = []string{} // a list in JSON
	}
}

// setPosition fills in the position of a session.
func (p *Player) setPosition(st *State, s *session) {
	at := s.position()
	i := stepAt(s.score, at)
	m, end := s.score.Marks[i], s.score.Len
	st.Step, st.StepNumber, st.Steps, st.Side = m.Name, m.Step, s.score.Steps, m.Side
	if next := s.score.NextStep(i); next < len(s.score.Marks) {
		st.NextStep, end = s.score.Marks[next].Name, s.score.Marks[next].At
	}
	position, length := s.score.Elapsed(at), s.score.Elapsed(s.score.Len) // without waits
	st.Position, st.Length, st.Remaining = seconds(position), seconds(length), seconds(length-position)
	if length > 0 {
		st.Progress = int(100 * int64(position) / int64(length))
	}
	if !s.started.IsZero() {
		started := s.started
		st.StartedAt = &started
	}
	if st.State == Playing && s.playing && !p.paused {
		silence := s.timeline.silenceLeft(s.heardNow())
		if at < m.At+m.Len { // else the sides are being switched
			end = m.At + m.Len
		}
		st.StepEndsAt = later(st.UpdatedAt, silence+s.score.Elapsed(end)-position)
		st.EndsAt = later(st.UpdatedAt, silence+length-position)
	}
}

// stepAt is the index in Marks of the step that is heard at a sample: before the first one that step, as what sounds there
// announces its side.
func stepAt(score *routines.Score, at int) int {
	i := score.StepAt(at)
	if next := score.NextStep(i); score.Marks[i].Kind != routines.StepMark && next < len(score.Marks) {
		return next
	}
	return i
}

// later is the time so many samples after t.
func later(t time.Time, samples int) *time.Time {
	t = t.Add(routines.Duration(samples)).Truncate(time.Millisecond)
	return &t
}

// seconds is samples as seconds, cut to milliseconds.
func seconds(samples int) float64 {
	return float64(samples/(routines.Rate/1000)) / 1000
}
