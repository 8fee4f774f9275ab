package schedule

import (
	"strings"
	"testing"
	"time"

	"guided/player"
)

// entryText is an entry of a routine with more lines.
func entryText(name, routine string, lines ...string) string {
	return "[[schedule]]\nname = \"" + name + "\"\nroutine = \"" + routine + "\"\n" + strings.Join(lines, "\n") + "\n"
}

const berlin = "Europe/Berlin"

func TestRunner(t *testing.T) {
	for _, x := range []struct {
		situation, at, entries string
		run                    func(w *world)
	}{
		{"it starts when it is due, day after day", "2026-06-01 06:00", entryText("a", "short", `at = "07:00"`), func(w *world) {
			w.wantNext("2026-06-01 07:00")
			w.until("07:30")
			w.want("due a 07:00")
			w.wantNext("2026-06-02 07:00")
			w.pass(48 * time.Hour)
			w.want("due a 07:00, due a 07:00")
		}},
		{"only on its days", "2026-06-05 12:00", entryText("a", "short", `at = "07:00"`, `days = "mon-fri"`), func(w *world) { // a Friday
			w.wantNext("2026-06-08 07:00")
			w.pass(60 * time.Hour)
			w.want("")
			w.pass(24 * time.Hour)
			w.want("due a 07:00")
		}},
		{"not over something that plays", "2026-06-01 06:50", entryText("a", "short", `at = "07:00"`), func(w *world) {
			w.say("start day")
			w.pass(11 * time.Minute)
			w.want("missed a 07:00")
			if s := w.p.State(); s.Routine != "day" {
				w.Errorf("%s plays", s.Routine)
			}
		}},
		{"not over something that is paused", "2026-06-01 06:50", entryText("a", "short", `at = "07:00"`), func(w *world) {
			w.say("start day")
			w.pass(time.Minute)
			w.say("pause")
			w.pass(15 * time.Minute)
			w.want("missed a 07:00")
		}},
		{"two at once are heard one after the other", "2026-06-01 06:50", entryText("a", "long", `at = "07:00"`) + entryText("b", "long", `at = "07:00"`), func(w *world) {
			w.until("07:30")
			w.want("due a 07:00, due b 07:04")
		}},
		{"one that waits too long is dropped", "2026-06-01 06:50", entryText("a", "day", `at = "07:00"`) + entryText("b", "short", `at = "07:00"`), func(w *world) {
			w.until("07:16")
			if why := w.why(); !strings.Contains(why, "has not ended in time") {
				w.Error(why)
			}
			w.until("07:30")
			w.want("due a 07:00, missed b 07:15")
		}},
		{"one that may be late waits longer", "2026-06-01 06:50", entryText("a", "day", `at = "07:00"`) + entryText("b", "short", `at = "07:00"`, `late = "30m"`), func(w *world) {
			w.until("07:30")
			w.want("due a 07:00, due b 07:20")
		}},
		{"not in the night", "2026-06-01 21:00", entryText("a", "short", `at = ["22:00", "06:59", "07:00"]`), func(w *world) {
			w.wantNext("2026-06-02 07:00")
			w.until("07:30")
			w.want("missed a 22:00, missed a 06:59, due a 07:00")
		}},
		{"in the night where it is asked for", "2026-06-01 21:00", entryText("a", "short", `at = "23:00"`, "night = true"), func(w *world) {
			w.wantNext("2026-06-01 23:00")
			w.until("23:30")
			w.want("due a 23:00")
		}},
		{"a condition that is met", "2026-06-01 06:50", entryText("a", "short", `at = "07:00"`, `when = { topic = "home/anna", is = "home" }`), func(w *world) {
			w.values.Set("home/anna", "Home ")
			w.until("07:30")
			w.want("due a 07:00")
		}},
		{"a condition that is not met", "2026-06-01 06:50", entryText("a", "short", `at = "07:00"`, `when = { topic = "home/anna", is = "home" }`), func(w *world) {
			w.values.Set("home/anna", "work")
			w.until("07:30")
			if why := w.why(); why != "home/anna is work, not home" {
				w.Error(why)
			}
			w.want("missed a 07:00")
		}},
		{"a condition that nobody knows", "2026-06-01 06:50", entryText("a", "short", `at = "07:00"`, `when = { topic = "home/anna", is = "home" }`), func(w *world) {
			w.until("07:30")
			w.want("missed a 07:01")
		}},
		{"a condition that is known soon after", "2026-06-01 06:50", entryText("a", "short", `at = "07:00"`, `when = { topic = "home/anna", is = "home" }`), func(w *world) {
			w.until("07:00")
			w.pass(5 * time.Second)
			w.values.Set("home/anna", "home")
			w.pass(5 * time.Second)
			w.want("due a 07:00")
		}},
		{"a broker that went away", "2026-06-01 06:50", entryText("a", "short", `at = "07:00"`, `when = { topic = "home/anna", is = "home" }`), func(w *world) {
			w.values.Set("home/anna", "home")
			w.pass(time.Minute)
			w.values.Forget()
			w.until("07:30")
			w.want("missed a 07:01")
		}},
		{"a routine that is not there", "2026-06-01 06:50", entryText("a", "nothing", `at = "07:00"`), func(w *world) {
			w.until("07:30")
			if why := w.why(); !strings.Contains(why, "nothing") {
				w.Error(why)
			}
			w.want("missed a 07:00")
		}},
		{"it waits for nobody to say next, and leaves the selection", "2026-06-01 06:50", entryText("a", "asks", `at = "07:00"`), func(w *world) {
			w.say("select day")
			w.until("07:30")
			w.want("due a 07:00")
			if s := w.p.State(); s.State != player.Idle || s.Selected != "day" {
				w.Errorf("%s, %s is selected", s.State, s.Selected)
			}
		}},
		{"the clock is set forward past it", "2026-06-01 06:50", entryText("a", "short", `at = "07:00"`), func(w *world) {
			w.clock.step(time.Hour)
			w.want("missed a 07:50")
			w.wantNext("2026-06-02 07:00")
		}},
		{"the clock is set forward by a little", "2026-06-01 06:59", entryText("a", "short", `at = "07:00"`), func(w *world) {
			w.clock.step(90 * time.Second)
			w.want("due a 07:00")
		}},
		{"the clock is set forward past one that may be late", "2026-06-01 06:50", entryText("a", "short", `at = "07:00"`, `late = "1h"`), func(w *world) {
			w.clock.step(time.Hour)
			w.want("due a 07:50")
		}},
		{"the clock is set back after it", "2026-06-01 06:50", entryText("a", "short", `at = "07:00"`), func(w *world) {
			w.until("07:10")
			w.clock.step(-time.Hour)
			w.wantNext("2026-06-02 07:00")
			w.until("08:00")
			w.want("due a 07:00")
		}},
		{"the clock is set forward and back before it", "2026-06-01 06:50", entryText("a", "short", `at = "07:00"`), func(w *world) {
			w.clock.step(-6 * time.Hour)
			w.clock.step(6 * time.Hour)
			w.until("07:10")
			w.want("due a 07:00")
		}},
		{"nothing starts before the clock is trusted", "2026-06-01 06:50", entryText("a", "short", `at = ["07:00", "08:00"]`), func(w *world) {
			w.mu.Lock()
			w.trusted = false
			w.mu.Unlock()
			w.stop()
			w.start()
			w.wantNext("none")
			w.until("07:30")
			w.want("")
			w.mu.Lock()
			w.trusted = true
			w.mu.Unlock()
			w.until("08:30")
			w.want("due a 08:00")
		}},
		{"power was off", "2026-06-01 06:50", entryText("a", "short", `at = "07:00"`) + entryText("b", "short", `at = "07:01"`, `late = "15m"`), func(w *world) {
			w.stop()
			w.pass(14 * time.Minute)
			w.start()
			w.pass(time.Minute)
			w.want("due b 07:04")
			w.stop()
			w.start()
			w.pass(time.Minute)
			w.want("")
		}},
		{"power was off for too long", "2026-06-01 06:50", entryText("a", "short", `at = "07:00"`, `late = "15m"`), func(w *world) {
			w.stop()
			w.pass(40 * time.Minute)
			w.start()
			w.pass(time.Hour)
			w.want("")
		}},
		{"a tone sounds ahead, and is not cut", "2026-06-01 06:50", entryText("a", "short", `at = "07:00"`, "chime = true"), func(w *world) {
			w.until("07:30")
			w.stop()
			if w.runner.chimed == "" {
				w.Error("no tone")
			}
			w.want("due a 07:00")
		}},
		{"the next one is skipped", "2026-06-01 06:50", entryText("a", "short", `at = ["07:00", "08:00"]`), func(w *world) {
			if answer := w.say("skip_run"); answer != "skipped: a on Monday 1 June at 07:00" {
				w.Error(answer)
			}
			w.wantNext("2026-06-01 08:00")
			w.stop()
			w.start()
			w.until("08:30")
			w.want("due a 08:00")
		}},
		{"the one that sounds is moved", "2026-06-01 06:50", entryText("a", "long", `at = "07:00"`), func(w *world) {
			w.until("07:00")
			w.pass(20 * time.Second)
			if answer := w.say("snooze 5m"); answer != "a comes at 07:05" {
				w.Error(answer)
			}
			w.pass(15 * time.Second)
			if s := w.p.State(); s.State != player.Idle {
				w.Errorf("it is %s", s.State)
			}
			w.wantNext("2026-06-01 07:05")
			w.stop()
			w.start()
			w.until("07:30")
			w.want("due a 07:00, due a 07:05")
			w.wantNext("2026-06-02 07:00")
		}},
		{"the one that sounds is moved, also after a power cut", "2026-06-01 06:50", entryText("a", "long", `at = "07:00"`), func(w *world) {
			w.until("07:00")
			w.pass(20 * time.Second)
			lost := *w.p.Standing().Session
			w.stop()
			w.say("stop")
			w.pass(time.Second)
			w.start()
			if r := w.p.ResumeAt(lost, "guided, after a power cut"); r.Error != "" {
				w.Fatal(r.Error)
			}
			w.pass(10 * time.Second)
			if answer := w.say("snooze 5m"); answer != "a comes at 07:05" {
				w.Error(answer)
			}
			w.pass(15 * time.Second)
			if s := w.p.State(); s.State != player.Idle {
				w.Errorf("it is %s", s.State)
			}
			w.until("07:30")
			w.want("due a 07:00, due a 07:05")
		}},
		{"the next one is moved, and again", "2026-06-01 06:50", entryText("a", "short", `at = "07:00"`), func(w *world) {
			w.say("snooze")
			w.wantNext("2026-06-01 07:10")
			w.say("snooze 20m")
			w.wantNext("2026-06-01 07:30")
			w.until("08:00")
			w.want("due a 07:30")
		}},
		{"nothing is moved into the night, or from afar", "2026-06-01 20:30", entryText("a", "short", `at = "21:55"`), func(w *world) {
			if answer := w.say("snooze"); !strings.Contains(answer, "not within an hour") {
				w.Error(answer)
			}
			w.until("21:30")
			if answer := w.say("snooze"); !strings.Contains(answer, "in the night") {
				w.Error(answer)
			}
			w.until("22:30")
			w.want("due a 21:55")
		}},
		{"switched off and on", "2026-06-01 06:50", entryText("a", "short", `at = ["07:00", "08:00", "09:00"]`) + entryText("b", "short", `at = "08:30"`), func(w *world) {
			if answer := w.say("schedule off"); answer != "the schedule is off" {
				w.Error(answer)
			}
			w.wantNext("none")
			w.until("07:30")
			w.stop()
			w.start()
			if w.p.State().Schedule != "off" {
				w.Error("it is on after a restart")
			}
			w.say("schedule on")
			if answer := w.say("schedule off A"); answer != "a is off" {
				w.Error(answer)
			}
			w.wantNext("2026-06-01 08:30")
			w.until("08:40")
			w.want("due b 08:30")
			w.say(`{"command":"schedule","switch":"on","entry":"a"}`)
			w.until("09:10")
			w.want("due a 09:00")
			if answer := w.say("schedule off c"); !strings.Contains(answer, `named "c"`) {
				w.Error(answer)
			}
		}},
		{"switched on a moment after it was due", "2026-06-01 06:59", entryText("a", "short", `at = "07:00"`, `late = "15m"`), func(w *world) {
			w.say("schedule off")
			w.until("07:05")
			w.say("schedule on")
			w.pass(time.Hour)
			w.want("")
		}},
		{"nothing is planned", "2026-06-01 06:59", "", func(w *world) {
			for _, verb := range []string{"skip_run", "snooze"} {
				if answer := w.say(verb); !strings.Contains(answer, "nothing") {
					w.Error(answer)
				}
			}
		}},
	} {
		t.Run(x.situation, func(t *testing.T) { inWorld(t, x.at, berlin, x.entries, x.run) })
	}
}
