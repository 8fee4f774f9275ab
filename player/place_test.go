package player_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"guided/player"
	"guided/routines"
)

// lostPlace is where a session stands, as another process would read it.
func (st *harness) lostPlace() player.Place {
	st.Helper()
	synctest.Wait()
	standing := st.p.Standing()
	if standing.Session == nil {
		st.Fatalf("no session would be lost: %+v", st.p.State())
	}
	text, err := json.Marshal(standing.Session)
	if err != nil {
		st.Fatal(err)
	}
	var place player.Place
	if err := json.Unmarshal(text, &place); err != nil {
		st.Fatal(err)
	}
	return place
}

// offer offers a lost session for half an hour.
func (st *harness) offer(place player.Place) {
	st.Helper()
	if err := st.p.Offer(st.Context(), place, time.Now().Add(30*time.Minute)); err != nil {
		st.Fatal(err)
	}
}

// placeAfter is where a session stands that was started and heard for a while.
func placeAfter(t *testing.T, x setup, start string, frames int, then ...string) (place player.Place) {
	t.Helper()
	runPlayer(t, x, func(st *harness) {
		st.mustDo(start)
		st.pull(frames)
		for _, words := range then {
			st.mustDo(words)
			st.pull(fadeLen)
		}
		place = st.lostPlace()
	})
	return place
}

// Whatever was asked for and whenever the process ends: the next one goes on at the start of the breath or phrase that was
// heard, in the same score, and never after it.
func TestLostSessionComesBackWhereItWasHeard(t *testing.T) {
	words := []string{"pause", "resume", "next", "back", "repeat", "slower", "faster", "extend 3s", "extend 1 breath", "duck", "unduck", "volume 40"}
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 7))
			var places []player.Place
			var heard []float64
			runPlayer(t, setup{depth: []int{0, 777}[seed%2]}, func(st *harness) {
				st.out.reserve = []int{0, second}[seed/2%2]
				st.mustDo("start mixed")
				for len(places) < 12 {
					st.pull(1 + r.IntN(3*second))
					if st.p.State().State == player.Idle {
						st.mustDo("start mixed")
						st.pull(1)
					}
					st.do(words[r.IntN(len(words))]) // refused where it does not fit
					st.pull(1 + r.IntN(second))
					if s := st.p.State(); s.State != player.Idle && s.StartedAt != nil {
						places, heard = append(places, st.lostPlace()), append(heard, st.p.State().Position)
					}
				}
			})
			runPlayer(t, setup{}, func(st *harness) {
				for i, place := range places {
					x := renderReference(t, mixed, place.Options.Changes...)
					if got := x.Fingerprint(); got != place.Score {
						t.Fatalf("place %d is in another score after %+v", i, place.Options.Changes)
					}
					want := x.ResumePoint(place.At)
					if want == x.Len {
						continue // nothing is left of it
					}
					if r := st.p.ResumeAt(place, "a test"); r.Error != "" {
						t.Fatalf("place %d: %s", i, r.Error)
					}
					st.pull(1)
					got := st.wantState(st.p.State().State).Position
					if math.Abs(got-float64(x.Elapsed(want))/routines.Rate) > 0.002 || got > heard[i]+0.002 {
						t.Errorf("place %d: %.3f s, want %.3f; %.3f was heard", i, got, float64(want)/routines.Rate, heard[i])
					}
					st.mustDo("stop")
					st.pullAll()
				}
			})
		})
	}
}

func TestOfferOfALostSession(t *testing.T) {
	place := placeAfter(t, setup{}, "start mixed volume 30 verbosity short bed rain", 7*second)
	t.Run("resume takes it up, with what it was started with, and says so", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			st.offer(place)
			st.wantEvents("resume_offered")
			o := st.wantState(player.Idle).ResumeOffer
			if o == nil || o.Routine != "mixed" || o.Title != "A bit of all" || o.Step != place.Step || o.Position != place.Position || !o.Until.Equal(time.Now().Add(30*time.Minute).UTC()) {
				t.Fatalf("the offer is %+v", o)
			}
			r := st.do("resume")
			if r.Status != "ok" || !strings.Contains(r.Note, "A bit of all") || !strings.Contains(r.Note, place.Step) {
				t.Errorf("%+v", r)
			}
			st.pull(second)
			s := st.wantState(player.Playing)
			if s.ResumeOffer != nil || s.Volume != 30 || s.Step != place.Step || s.Selected != "mixed" {
				t.Errorf("%+v", s)
			}
			if again := st.lostPlace(); again.Score != place.Score || again.Options.Bed != "rain" || again.Options.Verbosity != routines.Short {
				t.Errorf("it goes on as %+v", again)
			}
			st.pullAll()
			st.wantState(player.Idle)
		})
	})
	for words, want := range map[string]struct {
		stands bool
		state  player.Status
	}{
		"toggle":             {true, player.Idle}, // nothing is selected
		"pause":              {true, player.Idle},
		"status":             {true, player.Idle},
		"select other":       {true, player.Idle},
		"start nothing":      {true, player.Idle},
		"volume 20":          {true, player.Idle},
		"stop":               {false, player.Idle},
		"start other":        {false, player.Playing},
		"start mixed for 1m": {false, player.Playing},
	} {
		t.Run("it is offered, and then: "+words, func(t *testing.T) {
			runPlayer(t, setup{}, func(st *harness) {
				st.offer(place)
				st.do(words)
				st.pull(second)
				if s := st.wantState(want.state); (s.ResumeOffer != nil) != want.stands {
					t.Errorf("the offer is %+v", s.ResumeOffer)
				}
				if r := st.do("resume"); !want.stands && want.state == player.Idle && !strings.Contains(r.Error, "nothing is playing, and A bit of all is no longer offered: it was stopped") {
					t.Errorf("resume: %+v", r)
				}
			})
		})
	}
	t.Run("toggle starts what is selected, not what was lost", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			st.mustDo("select other")
			st.offer(place)
			st.mustDo("toggle")
			st.pull(second)
			if s := st.wantState(player.Playing); s.Routine != "other" || s.ResumeOffer != nil {
				t.Errorf("%+v", s)
			}
		})
	})
	t.Run("its time is over", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			st.offer(place)
			st.p.EndOffer("its time is over")
			if r := st.do("resume"); !strings.Contains(r.Error, "A bit of all is no longer offered: its time is over") || st.p.State().ResumeOffer != nil || st.p.Standing().Session != nil {
				t.Errorf("%+v", r)
			}
		})
	})
	t.Run("a run of the schedule ends it, and a later resume is told so", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			st.offer(place)
			refused := make(chan error, 1)
			st.p.StartUnattended(player.Command{Verb: "start", Routine: "nothing"}, false, func(err error) { refused <- err })
			if err := <-refused; err == nil || st.p.State().ResumeOffer == nil {
				t.Errorf("a run that cannot start: %v, and the offer is %+v", err, st.p.State().ResumeOffer)
			}
			st.p.StartUnattended(player.Command{Verb: "start", Routine: "other", From: "schedule: Morning"}, false, func(err error) { refused <- err })
			if err := <-refused; err != nil || st.p.State().ResumeOffer != nil {
				t.Errorf("%v, and the offer is %+v", err, st.p.State().ResumeOffer)
			}
			st.pull(second)
			st.wantState(player.Playing)
			st.pullAll()
			const why = "A bit of all is no longer offered: Another one was started by schedule: Morning; start it anew"
			if r := st.do("resume"); !strings.Contains(r.Error, why) {
				t.Errorf("%+v", r)
			}
			st.mustDo("start other")
			st.pullAll()
			if r := st.do("resume"); r.Error != player.ErrIdle.Error() {
				t.Errorf("after another session: %+v", r)
			}
		})
	})
	t.Run("what takes up an offer by itself does nothing else", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			st.offer(place)
			st.mustDo("stop")
			takeUp := func() player.Response {
				answer := make(chan player.Response, 1)
				st.p.TakeUpOffer("guided", func(r player.Response) { answer <- r })
				return <-answer
			}
			if r := takeUp(); r.Error == "" {
				t.Error("it goes on after a stop")
			}
			st.wantState(player.Idle)
			st.mustDo("start other")
			st.pull(second)
			st.mustDo("pause")
			st.pull(second)
			if r := takeUp(); r.Error == "" {
				t.Error("it goes on with what is paused")
			}
			st.wantState(player.Paused)
			st.mustDo("stop")
			st.offer(place)
			if r := takeUp(); r.Error != "" {
				t.Error(r.Error)
			}
			st.pull(1)
			if s := st.wantState(player.Playing); s.Routine != "mixed" {
				t.Errorf("%+v", s)
			}
		})
	})
	t.Run("something plays: nothing is offered, and nothing goes on", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			st.mustDo("start other")
			st.pull(second)
			if err := st.p.Offer(st.Context(), place, time.Now()); err == nil || st.p.State().ResumeOffer != nil {
				t.Error("it is offered")
			}
			if r := st.p.ResumeAt(place, "a test"); r.Error == "" {
				t.Errorf("%+v", r)
			}
			st.pull(second)
			if s := st.wantState(player.Playing); s.Routine != "other" {
				t.Errorf("%+v", s)
			}
		})
	})
	t.Run("a paused one plays when it is taken up", func(t *testing.T) {
		paused := placeAfter(t, setup{}, "start mixed", 7*second, "pause")
		if !paused.Paused {
			t.Fatalf("%+v", paused)
		}
		runPlayer(t, setup{}, func(st *harness) {
			st.offer(paused)
			st.mustDo("resume")
			st.pull(second)
			st.wantState(player.Playing)
		})
	})
}

func TestLostSessionOfARoutineThatWasEdited(t *testing.T) {
	place := placeAfter(t, setup{}, "start mixed", 7*second, "slower") // in Breathe
	if place.Step != "Breathe" || len(place.Options.Changes) != 1 {
		t.Fatalf("%+v", place)
	}
	edited := strings.Replace(mixed, "[[step]]\nname = \"Settle\"", "[[step]]\nname = \"New\"\nrest = \"5s\"\n\n[[step]]\nname = \"Settle\"", 1)
	for name, tt := range map[string]struct{ text, wrong string }{
		"a step before was added":        {edited, ""},
		"the step is gone":               {strings.Replace(mixed, `"Breathe"`, `"Inhale"`, 1), `has no step "Breathe" any more`},
		"the routine is gone":            {"", "mixed"},
		"the routine cannot be read":     {"title = 5", "mixed"},
		"it is as it was":                {mixed, ""},
		"the step is shorter than it":    {strings.Replace(mixed, `"3 breaths"`, `"1 breath"`, 1), ""},
		"the routine has one step alone": {"title = \"A bit of all\"\n[[step]]\nname = \"Breathe\"\nhold = \"2s\"\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"other": other}
			if tt.text != "" {
				files["mixed"] = tt.text
			}
			runPlayer(t, setup{files: routineFiles(files)}, func(st *harness) {
				err := st.p.Offer(st.Context(), place, time.Now().Add(time.Minute))
				if tt.wrong != "" {
					if err == nil || !strings.Contains(err.Error(), tt.wrong) || st.p.State().ResumeOffer != nil {
						t.Fatalf("it is offered: %v", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				r := st.do("resume")
				if r.Status != "ok" || strings.Contains(r.Note, "at the start of the step") != (tt.text != mixed) {
					t.Errorf("%+v", r)
				}
				st.pull(1)
				if s := st.wantState(player.Playing); s.Step != "Breathe" {
					t.Errorf("it goes on in %q", s.Step)
				}
			})
		})
	}
	t.Run("its voice is gone", func(t *testing.T) {
		place := place
		place.Voice = "berta"
		runPlayer(t, setup{}, func(st *harness) {
			if err := st.p.Offer(st.Context(), place, time.Now()); err == nil || !strings.Contains(err.Error(), "berta") {
				t.Errorf("it is offered: %v", err)
			}
		})
	})
	t.Run("another voice than the default one spoke", func(t *testing.T) {
		place := placeAfter(t, setup{}, "start mixed voice anna", 7*second)
		runPlayer(t, setup{}, func(st *harness) {
			st.offer(place)
			st.mustDo("resume")
			st.pull(1)
			if again := st.lostPlace(); again.Voice != "anna" || again.Score != place.Score {
				t.Errorf("it goes on with %+v", again)
			}
		})
	})
}

func TestStandingOfAPlayer(t *testing.T) {
	t.Run("nothing was heard yet", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			st.mustDo("start mixed")
			if s := st.p.Standing(); s.Session != nil || s.Selected != "mixed" || s.Volume != 100 {
				t.Errorf("%+v", s)
			}
		})
	})
	t.Run("a stop counts from the moment on at which it is asked for", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			st.mustDo("start mixed")
			st.pull(second)
			st.p.DoPayload([]byte("stop"))
			if s := st.p.Standing(); s.Session != nil {
				t.Errorf("%+v", s.Session)
			}
		})
	})
	t.Run("it has finished", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			st.mustDo("start other")
			st.pullAll()
			if s := st.p.Standing(); s.Session != nil {
				t.Errorf("%+v", s.Session)
			}
		})
	})
	for _, words := range []string{"", "pause"} {
		t.Run("the process is ended while it plays, after: "+words, func(t *testing.T) {
			runPlayer(t, setup{}, func(st *harness) {
				st.mustDo("start mixed")
				st.pull(7 * second)
				if words != "" {
					st.mustDo(words)
					st.pull(second)
				}
				before := st.lostPlace()
				st.stop()
				if after := st.lostPlace(); after.At < before.At || after.At > before.At+second/10 || after.Paused != before.Paused {
					t.Errorf("%+v, before %+v", after, before)
				}
			})
		})
	}
	t.Run("the process is ended after a stop", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			st.mustDo("start mixed")
			st.pull(7 * second)
			st.mustDo("stop")
			st.stop()
			if s := st.p.Standing(); s.Session != nil {
				t.Errorf("%+v", s.Session)
			}
		})
	})
}

// A place may come from a file that anybody wrote.
func TestForeignPlaces(t *testing.T) {
	place := placeAfter(t, setup{}, "start mixed", 7*second)
	loud := 900
	runPlayer(t, setup{}, func(st *harness) {
		for name, change := range map[string]func(*player.Place){
			"before the beginning": func(pl *player.Place) { pl.At = -1 },
			"no routine":           func(pl *player.Place) { pl.Routine = "" },
			"too loud":             func(pl *player.Place) { pl.Volume = &loud },
			"a breath of an hour":  func(pl *player.Place) { pl.Options.Changes = []routines.Change{{Pace: 900}} },
			"a breath of nothing":  func(pl *player.Place) { pl.Options.Changes = []routines.Change{{Pace: 1e-300}, {Pace: 1e-300}} },
			"back in time":         func(pl *player.Place) { pl.Options.Changes = []routines.Change{{At: 9}, {At: 3}} },
			"less than nothing":    func(pl *player.Place) { pl.Options.Changes = []routines.Change{{Extend: routines.Length{Samples: -9}}} },
			"a bed elsewhere":      func(pl *player.Place) { pl.Options.Bed = "../../etc/passwd.wav" },
			"an unknown verbosity": func(pl *player.Place) { pl.Options.Verbosity = "loud" },
		} {
			pl := place
			change(&pl)
			if err := st.p.Offer(st.Context(), pl, time.Now()); err == nil {
				t.Errorf("%s: it is offered", name)
				st.p.EndOffer("a test is over")
			}
		}
	})
}
