package player_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"guided/player"
)

// unattended starts a routine as the schedule does, and returns what became of it.
func (st *harness) unattended(routine string) (result *error) {
	result = new(error)
	*result = errors.New("not answered")
	st.p.StartUnattended(player.Command{Verb: "start", Routine: routine, From: "schedule: test"}, false, func(err error) { *result = err })
	return result
}

func TestStartUnattended(t *testing.T) {
	for _, x := range []struct {
		situation string
		before    func(st *harness)
		busy      bool
	}{
		{"idle", func(*harness) {}, false},
		{"something plays", func(st *harness) { st.do("start other"); st.pull(second) }, true},
		{"the same plays", func(st *harness) { st.do("start mixed"); st.pull(second) }, true},
		{"something is paused", func(st *harness) { st.do("start other"); st.pull(second); st.do("pause"); st.pullAll() }, true},
		{"something is about to play", func(st *harness) { st.do("start other") }, true},
		{"a start is in hand", func(st *harness) {
			c, _ := player.Parse([]byte("start other"))
			st.p.Submit(c, func(player.Response) {})
		}, true},
		{"something was stopped", func(st *harness) { st.do("start other"); st.pull(second); st.do("stop") }, false},
	} {
		t.Run(x.situation, func(t *testing.T) {
			runPlayer(t, setup{}, func(st *harness) {
				st.do("select other")
				x.before(st)
				result := st.unattended("mixed")
				synctest.Wait()
				if got := errors.Is(*result, player.ErrBusy); got != x.busy || !x.busy && *result != nil {
					t.Fatalf("it is answered %v", *result)
				}
				from := st.p.PlayingFrom()
				if (from == "schedule: test") == x.busy {
					t.Errorf("what plays is from %q", from)
				}
				if s := st.p.State(); !x.busy && s.Selected != "other" {
					t.Errorf("%s is selected", s.Selected)
				}
			})
		})
	}
	t.Run("a person's start that comes a moment later wins", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			result := st.unattended("mixed")
			st.do("start other")
			synctest.Wait()
			if s := st.p.State(); s.Routine != "other" {
				t.Errorf("%s plays; the answer was %v", s.Routine, *result)
			}
		})
	})
}

func TestScheduleVerbsWithoutSchedule(t *testing.T) {
	runPlayer(t, setup{}, func(st *harness) {
		for _, verb := range []string{"skip_run", "snooze", "schedule off"} {
			if r := st.p.DoPayload([]byte(verb)); !strings.Contains(r.Error, "[[schedule]]") {
				t.Errorf("%s: %+v", verb, r)
			}
		}
	})
}

// A schedule that does not answer keeps no stop waiting, and its command is answered after all.
func TestScheduleVerbThatHangs(t *testing.T) {
	runPlayer(t, setup{}, func(st *harness) {
		st.p.HandleSchedule(func(ctx context.Context, _ player.Command) (string, bool, error) {
			<-ctx.Done()
			return "", false, context.Cause(ctx)
		})
		answered := make(chan player.Response, 1)
		st.p.Submit(player.Command{Verb: "snooze"}, func(r player.Response) { answered <- r })
		if r := st.p.DoPayload([]byte("stop")); r.Status != "ok" {
			t.Errorf("%+v", r)
		}
		if r := <-answered; r.Error == "" {
			t.Errorf("%+v", r)
		}
	})
}
