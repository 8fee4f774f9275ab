package player_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"guided/audio"
	"guided/player"
	"guided/routines"
)

// onlyRecord is the record of the only session that has ended.
func (st *harness) onlyRecord() player.Record {
	st.Helper()
	synctest.Wait()
	if len(st.records) != 1 {
		st.Fatalf("%d records: %+v", len(st.records), st.records)
	}
	return st.records[0]
}

// wantCounts checks what was heard: the seconds within a tenth, breaths and reps.
func wantCounts(t *testing.T, r player.Record, seconds float64, breaths, reps int) {
	t.Helper()
	if math.Abs(r.Heard-seconds) > 0.1 || r.Breaths != breaths || r.Reps != reps {
		t.Errorf("%.3f s, %d breaths, %d reps; want %.3f s, %d and %d", r.Heard, r.Breaths, r.Reps, seconds, breaths, reps)
	}
}

func inSeconds(samples int) float64 { return float64(samples) / routines.Rate }

func TestRecord(t *testing.T) {
	whole := renderReference(t, mixed)
	t.Run("of a routine that was heard whole", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			began := time.Now()
			st.mustDo("start mixed")
			st.pullAll()
			r := st.onlyRecord()
			wantCounts(t, r, inSeconds(whole.Len), 7, 3)
			if !r.Finished || r.Reason != "finished" || r.Routine != "mixed" || r.Title != "A bit of all" || r.Number != 6 || r.Steps != 6 {
				t.Errorf("%+v", r)
			}
			if r.Started.Before(began) || r.Ended.Sub(r.Started).Seconds() < r.Heard-0.1 {
				t.Errorf("from %v to %v, begun at %v", r.Started, r.Ended, began)
			}
		})
	})
	t.Run("begins at the instant that the state told", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			for n := range 5 {
				time.Sleep(130 * time.Microsecond) // within a millisecond
				st.mustDo("start mixed")
				st.pull(routines.Rate)
				told := st.p.State().StartedAt
				time.Sleep(300 * time.Microsecond)
				st.mustDo("stop")
				st.pullAll()
				synctest.Wait()
				if r := st.records[n]; !r.Started.Equal(*told) {
					t.Errorf("%v, the state told %v", r.Started, told)
				}
			}
		})
	})
	t.Run("of one that waited on a pause: the pause is not counted, nor is the breath that it broke", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			second := whole.mark(routines.BreathMark, "Breathe", 2, "")
			st.mustDo("start mixed")
			st.pull(second.At + second.Len/2)
			st.mustDo("pause")
			st.pullAll()
			time.Sleep(time.Hour)
			st.mustDo("resume")
			st.pullAll()
			r := st.onlyRecord()
			wantCounts(t, r, inSeconds(whole.Len+second.At+second.Len/2-second.From), 7, 3)
			if r.Ended.Sub(r.Started) < time.Hour {
				t.Errorf("it lasted %v", r.Ended.Sub(r.Started))
			}
		})
	})
	t.Run("of one with a step that was skipped", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			st.mustDo("start mixed")
			st.pull(audio.Rate)
			st.mustDo("next") // to Breathe
			st.mustDo("next") // to Lean
			st.pullAll()
			r := st.onlyRecord()
			wantCounts(t, r, 1+inSeconds(whole.Len-whole.step("Lean", "left")), 4, 3)
			if !r.Finished {
				t.Errorf("%+v", r)
			}
		})
	})
	t.Run("of one with a step that was heard again", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			st.mustDo("start mixed")
			at := whole.step("Lean", "left") + audio.Rate/2
			st.pull(at)
			st.mustDo("back")
			st.pullAll()
			wantCounts(t, st.onlyRecord(), inSeconds(whole.Len+at-whole.step("Breathe", "")), 10, 3)
		})
	})
	t.Run("of one that was stopped says where, why and by whom", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			st.p.Do(player.Command{Verb: "start", Routine: "mixed", From: "page 10.0.0.2"})
			synctest.Wait()
			st.pull(whole.step("Squat", "") + audio.Rate/10)
			st.p.Do(player.Command{Verb: "stop", From: "command line"})
			st.pullAll()
			r := st.onlyRecord()
			if r.Finished || r.Step != "Squat" || r.Number != 4 || r.Reason != "stopped by command line" || r.From != "page 10.0.0.2" {
				t.Errorf("%+v", r)
			}
			wantCounts(t, r, inSeconds(whole.step("Squat", ""))+0.1, 3, 0)
		})
	})
	t.Run("of one that another follows at once", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			st.mustDo("start mixed")
			st.pull(audio.Rate)
			st.mustDo("start other")
			st.pullAll()
			st.pullAll()
			if len(st.records) != 2 || st.records[0].Routine != "mixed" || !strings.HasPrefix(st.records[0].Reason, "replaced by other") || !st.records[1].Finished {
				t.Errorf("%+v", st.records)
			}
		})
	})
	t.Run("of one that was stopped says so, whatever comes while its sound leaves", func(t *testing.T) {
		for _, then := range []string{"start other", "stop", "start other, then stop", "the schedule"} {
			runPlayer(t, setup{}, func(st *harness) {
				st.mustDo("start mixed")
				st.pull(audio.Rate)
				st.p.Do(player.Command{Verb: "stop", From: "page"})
				for _, words := range strings.Split(then, ", then ") {
					if words == "the schedule" {
						st.unattended("other")
						continue
					}
					st.mustDo(words)
				}
				st.pull(audio.Rate)
				if len(st.records) == 0 || st.records[0].Reason != "stopped by page" {
					t.Errorf("%s: %+v", then, st.records)
				}
			})
		}
	})
	t.Run("of one that another follows says which one, whatever follows that", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			st.mustDo("start mixed")
			st.pull(audio.Rate)
			st.mustDo("start other")
			st.mustDo("stop")
			st.pullAll()
			if r := st.onlyRecord(); r.Reason != "replaced by other" {
				t.Errorf("%+v", r)
			}
		})
	})
	t.Run("of one that the end of the program ends", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			st.mustDo("start mixed")
			st.pull(2 * audio.Rate)
			st.stop()
			wantCounts(t, st.onlyRecord(), 2, 0, 0)
		})
	})
	t.Run("of one whose device was lost for an hour", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			st.mustDo("start mixed")
			st.pull(audio.Rate)
			st.failDevice(errors.New("unplugged"))
			time.Sleep(time.Hour)
			st.out.setUnavailable(nil)
			time.Sleep(time.Minute)
			st.pullAll()
			if r := st.onlyRecord(); !r.Finished || r.Heard > inSeconds(whole.Len)+1.1 || r.Breaths != 7 {
				t.Errorf("%+v", r)
			}
		})
	})
	t.Run("there is none of what was stopped before it was heard", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			st.mustDo("start mixed")
			st.mustDo("stop")
			st.mustDo("start other")
			st.mustDo("pause")
			st.mustDo("stop")
			if len(st.records) != 0 {
				t.Errorf("%+v", st.records)
			}
		})
	})
}

// A wait for next is no practice: what it lasts is not counted.
func TestRecordOfWait(t *testing.T) {
	files := routineFiles(map[string]string{"waits": "title = \"Waits\"\n[[step]]\nsay = \"Lie down.\"\nhold = \"until next\"\n[[step]]\nname = \"End\"\nrest = \"2s\"\n"})
	runPlayer(t, setup{files: files}, func(st *harness) {
		st.mustDo("start waits")
		st.pull(60 * audio.Rate)
		st.wantState(player.Waiting)
		st.mustDo("next")
		st.pullAll()
		if r := st.onlyRecord(); r.Heard > 10 || !r.Finished {
			t.Errorf("%+v", r)
		}
	})
}
