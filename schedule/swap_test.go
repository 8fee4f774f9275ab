package schedule

import (
	"testing"
	"time"
)

// set gives the runner the entries of a text, as settings that were read again.
func (w *world) set(text string) {
	w.Helper()
	entries, problems := decodeText(text)
	if len(problems) > 0 {
		w.Fatal(problems)
	}
	w.entries = entries
	if err := w.runner.SetEntries(w.Context(), entries); err != nil {
		w.Fatal(err)
	}
}

func TestSetEntries(t *testing.T) {
	const morning = `at = "08:00"`
	for _, x := range []struct {
		situation, at, entries string
		run                    func(w *world)
	}{
		{"a first entry counts at once", "2026-06-01 07:30", "", func(w *world) {
			w.set(entryText("a", "short", morning))
			w.pass(time.Second)
			w.wantNext("2026-06-01 08:00")
			w.until("08:30")
			w.want("due a 08:00")
		}},
		{"one that is gone does not start", "2026-06-01 07:30", entryText("a", "short", morning) + entryText("b", "short", `at = "09:00"`), func(w *world) {
			w.set(entryText("b", "short", `at = "09:00"`))
			w.until("09:30")
			w.want("due b 09:00")
		}},
		{"nothing is made up that was due before, after a restart either", "2026-06-01 08:30", "", func(w *world) {
			w.set(entryText("a", "short", `at = ["08:00", "08:29"]`, `late = "2h"`))
			w.pass(time.Minute)
			w.stop()
			w.start()
			w.pass(time.Hour)
			w.want("")
			w.wantNext("2026-06-02 08:00")
		}},
		{"what is off, skipped and snoozed stays so", "2026-06-01 07:30", entryText("a", "short", morning) + entryText("b", "short", `at = "08:10"`), func(w *world) {
			w.say("skip_run")
			w.say("snooze 20m")
			w.set(entryText("a", "brief", morning) + entryText("b", "brief", `at = "08:10"`))
			w.pass(time.Second)
			w.wantNext("2026-06-01 08:30")
			w.until("09:00")
			w.want("due b 08:30")
			w.say("schedule off a")
			w.set(entryText("a", "short", `at = "10:00"`))
			w.until("10:30")
			w.want("")
			if off := w.p.State().EntriesOff; len(off) != 1 || off[0] != "a" {
				w.Errorf("off: %v", off)
			}
		}},
		{"a run that waits for the one before it still begins", "2026-06-01 07:59", entryText("a", "long", morning) + entryText("b", "short", morning), func(w *world) {
			w.until("08:02")
			w.set(entryText("a", "long", morning) + entryText("b", "short", morning, "volume = 20"))
			w.until("08:10")
			w.want("due a 08:00, due b 08:04")
		}},
		{"one that waits and is gone or has another time does not begin, and is waited for no more", "2026-06-01 07:59", entryText("a", "long", morning) + entryText("b", "short", morning) + entryText("c", "short", morning), func(w *world) {
			w.until("08:02")
			w.set(entryText("a", "long", morning) + entryText("c", "short", `at = "08:30"`))
			w.until("09:00")
			w.want("due a 08:00, due c 08:30")
			w.stop()
			if len(w.runner.waiting) > 0 {
				w.Errorf("it still waits: %v", w.runner.waiting)
			}
			w.start()
		}},
		{"remotes are told", "2026-06-01 07:30", entryText("a", "short", morning), func(w *world) {
			w.set(entryText("b", "short", morning, `when = { topic = "home/anna", is = "home" }`))
			w.pass(time.Second)
			if s := w.p.Info().Schedule; len(s) != 1 || s[0].Name != "b" {
				w.Errorf("%+v", s)
			}
			if topics := <-w.runner.Topics(); len(topics) != 1 || topics[0] != "home/anna" {
				w.Errorf("%v", topics)
			}
		}},
	} {
		t.Run(x.situation, func(t *testing.T) { inWorld(t, x.at, berlin, x.entries, x.run) })
	}
}
