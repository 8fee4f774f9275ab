package player_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"guided/audio/voice"
	"guided/player"
	"guided/routines"
)

// stuckVoice is humVoice, except that texts with a word in them are measured, or only spoken, when the gate is closed; no
// context ends that. So a compiler or a disk behaves that takes long.
type stuckVoice struct {
	humVoice
	word    string
	measure bool // else speak
	mu      sync.Mutex
	gate    chan struct{}
}

func (v *stuckVoice) arm() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.gate = make(chan struct{})
}

func (v *stuckVoice) release() {
	v.mu.Lock()
	defer v.mu.Unlock()
	close(v.gate)
	v.gate = nil
}

func (v *stuckVoice) wait(text string) {
	v.mu.Lock()
	gate := v.gate
	v.mu.Unlock()
	if gate != nil && strings.Contains(text, v.word) {
		<-gate
	}
}

func (v *stuckVoice) Measure(text string) (routines.Extent, bool) {
	if v.measure {
		v.wait(text)
	}
	return v.humVoice.Measure(text)
}

func (v *stuckVoice) Speak(ctx context.Context, text string) (voice.Recording, error) {
	if !v.measure {
		v.wait(text)
	}
	return v.humVoice.Speak(ctx, text)
}

// submit gives a command and returns where its response will be.
func (st *harness) submit(words string) chan player.Response {
	answer := make(chan player.Response, 1)
	st.p.SubmitPayload([]byte(words), func(r player.Response) { answer <- r })
	synctest.Wait()
	return answer
}

// wantAnswer checks that a command is answered by now, with a part of its error, or empty for ok.
func (st *harness) wantAnswer(answer chan player.Response, want string) player.Response {
	st.Helper()
	synctest.Wait()
	select {
	case r := <-answer:
		if want == "" && r.Status != "ok" || want != "" && !strings.Contains(r.Error, want) {
			st.Errorf("%+v, want %q", r, want)
		}
		return r
	default:
		st.Errorf("not answered yet, want %q", want)
		return player.Response{}
	}
}

func (st *harness) wantNoAnswer(answer chan player.Response) {
	st.Helper()
	synctest.Wait()
	if len(answer) > 0 {
		st.Errorf("answered already: %+v", <-answer)
	}
}

// While a start is being compiled, which nothing can end here, every other command is answered as if there were none.
func TestSubmitWhileStartCompiles(t *testing.T) {
	for words, want := range map[string]string{
		"stop": "overtaken by stop", "start mixed": "overtaken by start", "start mixed volume 3": "overtaken by start",
		"pause": "", "resume": "", "toggle": "", "volume 30": "", "duck": "", "unduck": "", "say " + shortMessage: "", "status": "", "jump": "",
	} {
		t.Run(words, func(t *testing.T) {
			v := &stuckVoice{word: "rest", measure: true}
			runPlayer(t, setup{voice: v}, func(st *harness) {
				st.mustDo("start mixed")
				st.pull(second)
				v.arm()
				start := st.submit("start other")
				st.wantNoAnswer(start)
				if words == "jump" {
					st.wantAnswer(st.submit(words), "unknown command")
				} else {
					st.wantAnswer(st.submit(words), "")
				}
				if want != "" {
					st.wantAnswer(start, want)
				} else {
					st.wantNoAnswer(start)
				}
				v.release()
				st.pullAll()
				if want == "" {
					st.wantAnswer(start, "")
				}
				st.pull(second)
				heardOther := strings.Contains(st.takeEvents(), "Rest")
				if interrupted := want != ""; heardOther == (interrupted || words == "pause" || words == "toggle") {
					t.Errorf("other was heard: %v", heardOther)
				}
			})
		})
	}
	t.Run("a stop leaves nothing behind", func(t *testing.T) {
		v := &stuckVoice{word: "rest", measure: true}
		runPlayer(t, setup{voice: v}, func(st *harness) {
			v.arm()
			start := st.submit("start other")
			if r := st.do("stop"); r.Status != "ok" || r.Unchanged {
				t.Errorf("%+v", r)
			}
			st.wantAnswer(start, "overtaken by stop")
			v.release()
			st.wantState(player.Idle)
			if st.out.playCount() > 0 {
				t.Error("it sounds")
			}
		})
	})
	t.Run("the last of several starts wins", func(t *testing.T) {
		v := &stuckVoice{word: "rest", measure: true}
		runPlayer(t, setup{voice: v}, func(st *harness) {
			v.arm()
			first, second, third := st.submit("start other"), st.submit("start other volume 5"), st.submit("start mixed")
			st.wantAnswer(first, "overtaken by start")
			st.wantAnswer(second, "overtaken by start")
			st.wantAnswer(third, "")
			v.release()
			if s := st.p.State(); s.Routine != "mixed" {
				t.Errorf("%+v", s)
			}
		})
	})
	t.Run("the same start again shares its answer", func(t *testing.T) {
		v := &stuckVoice{word: "rest", measure: true}
		runPlayer(t, setup{voice: v}, func(st *harness) {
			v.arm()
			first, again := st.submit(`{"command":"start","routine":"other","volume":30}`), st.submit(`{"command":"start","routine":"other","volume":30,"transaction":"2"}`)
			st.wantNoAnswer(first)
			st.wantNoAnswer(again)
			v.release()
			if r := st.wantAnswer(first, ""); r.Unchanged {
				t.Errorf("%+v", r)
			}
			if r := st.wantAnswer(again, ""); !r.Unchanged || r.Transaction != "2" {
				t.Errorf("%+v", r)
			}
		})
	})
	t.Run("pause, volume and resume belong to it", func(t *testing.T) {
		v := &stuckVoice{word: "rest", measure: true}
		runPlayer(t, setup{voice: v}, func(st *harness) {
			v.arm()
			start := st.submit("start other volume 30")
			st.mustDo("pause")
			st.mustDo("volume 20")
			v.release()
			st.wantAnswer(start, "")
			if s := st.wantState(player.Paused); s.Volume != 20 {
				t.Errorf("volume %d", s.Volume)
			}
			v.arm()
			start = st.submit("start other for 12s")
			st.mustDo("pause")
			st.mustDo("resume")
			v.release()
			st.wantAnswer(start, "")
			st.pull(second)
			st.wantState(player.Playing)
		})
	})
	t.Run("what follows it keeps its order", func(t *testing.T) {
		v := &stuckVoice{word: "rest", measure: true}
		runPlayer(t, setup{voice: v}, func(st *harness) {
			st.mustDo("start mixed")
			st.pull(second)
			v.arm()
			start, next, slower := st.submit("start other"), st.submit("next"), st.submit("slower")
			st.wantNoAnswer(next)
			st.wantNoAnswer(slower)
			v.release()
			st.wantAnswer(start, "")
			st.wantAnswer(next, "being prepared")
			st.wantAnswer(slower, "being prepared")
		})
	})
	t.Run("it is given up after a minute", func(t *testing.T) {
		v := &stuckVoice{word: "rest", measure: true}
		runPlayer(t, setup{voice: v}, func(st *harness) {
			v.arm()
			start := st.submit("start other")
			time.Sleep(59 * time.Second)
			st.wantNoAnswer(start)
			time.Sleep(2 * time.Second)
			st.wantAnswer(start, "took too long")
			st.wantState(player.Idle)
			v.release()
			st.wantState(player.Idle)
		})
	})
	t.Run("only so many are taken", func(t *testing.T) {
		v := &stuckVoice{word: "rest", measure: true}
		runPlayer(t, setup{voice: v}, func(st *harness) {
			v.arm()
			for range 16 {
				st.submit("start other")
				st.mustDo("stop")
			}
			st.wantAnswer(st.submit("start mixed"), "too many commands")
			st.mustDo("stop")
			v.release()
			synctest.Wait()
			st.mustDo("start mixed")
		})
	})
	t.Run("it is answered when the program ends", func(t *testing.T) {
		v := &stuckVoice{word: "rest", measure: true}
		runPlayer(t, setup{voice: v}, func(st *harness) {
			v.arm()
			start := st.submit("start other")
			st.cancelRun()
			st.wantAnswer(start, "guided is ending")
			st.wantAnswer(st.submit("start mixed"), "guided is ending")
			v.release()
		})
	})
}

// A jump to sound that is not loaded waits for it, and nothing waits for the jump.
func TestSubmitWhileJumpLoads(t *testing.T) {
	for words, want := range map[string]string{
		"stop": "overtaken by stop", "pause": "overtaken by pause", "toggle": "overtaken by toggle", "start other": "overtaken by start",
		"duck": "", "volume 3": "", "status": "",
	} {
		t.Run(words, func(t *testing.T) {
			v := &stuckVoice{word: "Well done"}
			runPlayer(t, setup{voice: v, files: routineFiles(map[string]string{"mixed": farEnd, "other": other})}, func(st *harness) {
				st.mustDo("start mixed")
				st.pull(second)
				v.arm()
				next := st.submit("next")
				st.wantNoAnswer(next)
				st.wantAnswer(st.submit(words), "")
				if want != "" {
					st.wantAnswer(next, want)
				} else {
					st.wantNoAnswer(next)
				}
				v.release()
				if want == "" {
					st.wantAnswer(next, "")
				}
			})
		})
	}
}

// farEnd has its last step farther away than sound is loaded ahead.
const farEnd = `
title = "Far"
[[step]]
name    = "Settle"
say     = "Sit down."
breathe = "2-2"
for     = "5m"
[[step]]
name = "Finish"
say  = "Well done."
`

// A change that takes longer than a listener waits for it is given up; a stop does not wait for it.
func TestReviseThatTakesLong(t *testing.T) {
	t.Run("stop", func(t *testing.T) {
		v := &stuckVoice{word: "Lean", measure: true}
		runPlayer(t, setup{voice: v}, func(st *harness) {
			st.mustDo("start mixed")
			st.pull(second)
			v.arm()
			slower := st.submit("slower")
			st.wantNoAnswer(slower)
			st.mustDo("stop")
			st.wantAnswer(slower, "overtaken by stop")
			st.pullAll()
			st.wantState(player.Idle)
			v.release()
			st.wantState(player.Idle)
		})
	})
	for _, words := range []string{"slower", "faster", "extend 5s"} {
		t.Run(words+", and next to the end meanwhile", func(t *testing.T) {
			v := &stuckVoice{word: "Lean", measure: true}
			const ending = "title = \"Ending\"\n[[step]]\nsay = \"Lean back.\"\n[[step]]\nbreathe = \"4-4\"\nfor = \"1m\"\n"
			runPlayer(t, setup{voice: v, files: routineFiles(map[string]string{"ending": ending})}, func(st *harness) {
				st.mustDo("start ending")
				st.pull(10 * second)
				v.arm()
				answer := st.submit(words)
				st.wantNoAnswer(answer)
				st.mustDo("next") // it lands at the end of the score as it was
				v.release()
				<-answer
				st.pullAll()
				st.wantState(player.Idle)
			})
		})
		t.Run(words, func(t *testing.T) {
			v := &stuckVoice{word: "Lean", measure: true}
			runPlayer(t, setup{voice: v}, func(st *harness) {
				st.mustDo("start mixed")
				st.pull(second)
				v.arm()
				answer := st.submit(words)
				time.Sleep(11 * time.Second)
				st.wantAnswer(answer, "took too long")
				v.release()
				st.pull(second)
				st.wantState(player.Playing)
			})
		})
		t.Run(words+" that the sound passes", func(t *testing.T) {
			v := &lateVoice{}
			runPlayer(t, setup{voice: v, files: routineFiles(map[string]string{"far": farEnd})}, func(st *harness) {
				st.mustDo("start far")
				st.pull(second)
				v.late.Store(true)
				answer := st.submit(words)
				for range 4 {
					st.pull(5 * second)
				}
				if len(answer) == 0 {
					t.Fatal("it goes on without end")
				}
				if r := <-answer; r.Status != "ok" && !strings.Contains(r.Error, "took too long") {
					t.Errorf("%+v", r)
				}
				v.late.Store(false)
				st.wantState(player.Playing)
			})
		})
	}
}
