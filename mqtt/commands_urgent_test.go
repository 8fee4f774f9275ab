package mqtt

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"guided/player"
)

// An arrival is a message as paho hands it over.
type arrival struct {
	topic, payload string
	retained       bool
}

func (a arrival) Duplicate() bool   { return false }
func (a arrival) Qos() byte         { return 1 }
func (a arrival) Retained() bool    { return a.retained }
func (a arrival) Topic() string     { return a.topic }
func (a arrival) MessageID() uint16 { return 1 }
func (a arrival) Payload() []byte   { return []byte(a.payload) }
func (a arrival) Ack()              {}

// An inboxHarness is an inbox without a broker, whose slow commands (those that begin with start) last until they are
// released. Its answers are in the outbox.
type inboxHarness struct {
	*inbox
	release chan struct{}

	mu  sync.Mutex
	did []string
}

func (h *inboxHarness) give(payloads ...string) {
	for _, p := range payloads {
		h.receive(arrival{topic: "guided/mat/command", payload: p})
	}
}

func (h *inboxHarness) done() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.did, ", ")
}

// answers takes all responses out of the outbox.
func (h *inboxHarness) answers() (all []string) {
	for {
		m, _, ok := h.outbox.next(time.Now())
		if !ok {
			return all
		}
		all = append(all, string(m.payload))
	}
}

// withInbox runs a test in a bubble of its own time.
func withInbox(t *testing.T, test func(t *testing.T, h *inboxHarness)) {
	synctest.Test(t, func(t *testing.T) {
		l := defaultLimits()
		h := &inboxHarness{release: make(chan struct{})}
		do := func(payload []byte, _ string) player.Response {
			h.mu.Lock()
			h.did = append(h.did, string(payload))
			h.mu.Unlock()
			if strings.HasPrefix(string(payload), "start slow") {
				<-h.release
			}
			verb, transaction := verbAndTransaction(payload)
			return player.Response{Status: "ok", Command: verb, Transaction: transaction}
		}
		h.inbox = newInbox(do, l, Options{Config: Config{Prefix: "guided"}, Node: "mat"}.topics(), newOutbox(l), slog.New(slog.DiscardHandler))
		var running sync.WaitGroup
		running.Go(func() { h.run(t.Context()) })
		test(t, h)
		close(h.release)
	})
}

func TestInboxCarriesOutUrgentCommandsBesideASlowOne(t *testing.T) {
	for _, urgent := range []string{"stop", "pause", "duck", "unduck", "volume 30"} {
		t.Run(urgent, func(t *testing.T) {
			withInbox(t, func(t *testing.T, h *inboxHarness) {
				h.give("start slow")
				synctest.Wait()
				h.give(urgent)
				time.Sleep(h.limits.orderGrace)
				synctest.Wait()
				if did := h.done(); did != "start slow, "+urgent {
					t.Errorf("carried out: %s", did)
				}
				if a := h.answers(); len(a) != 1 || !strings.Contains(a[0], strings.Fields(urgent)[0]) {
					t.Errorf("answered: %s", a)
				}
				h.release <- struct{}{}
				synctest.Wait() // the start may have undone it
				if did := h.done(); did != "start slow, "+urgent+", "+urgent {
					t.Errorf("carried out: %s", did)
				}
			})
		})
	}
}

func TestInboxDoesNotStartWhatAStopOvertook(t *testing.T) {
	for _, silence := range []string{"stop", "pause"} {
		t.Run(silence, func(t *testing.T) {
			withInbox(t, func(t *testing.T, h *inboxHarness) {
				h.give("start slow", `{"command":"start","routine":"late","transaction":"a"}`, "say hello", "toggle", "resume", "select other", silence, "start after")
				time.Sleep(h.limits.orderGrace)
				synctest.Wait()
				h.release <- struct{}{}
				synctest.Wait()
				if want := strings.ReplaceAll("start slow, S, S, select other, start after", "S", silence); h.done() != want {
					t.Errorf("carried out: %s\nwant:        %s", h.done(), want)
				}
				answers := h.answers()
				refused := slices.DeleteFunc(slices.Clone(answers), func(a string) bool { return !strings.Contains(a, "overtaken by "+silence) })
				if len(answers) != 8 || len(refused) != 4 || !strings.Contains(refused[0], `"transaction":"a"`) {
					t.Errorf("answered: %q", answers)
				}
			})
		})
	}
}

func TestInboxKeepsTheOrderWhereNothingIsSlow(t *testing.T) {
	withInbox(t, func(t *testing.T, h *inboxHarness) {
		given := []string{"start a", "volume 30", "pause", "resume", "stop", "start b", "duck", "unduck", "stop"}
		h.give(given...)
		synctest.Wait()
		if want := strings.Join(given, ", "); h.done() != want {
			t.Errorf("carried out: %s\nwant:        %s", h.done(), want)
		}
	})
}

func TestInboxCarriesOutAStopAmongThousandsOfCommands(t *testing.T) {
	withInbox(t, func(t *testing.T, h *inboxHarness) {
		h.give("start slow")
		synctest.Wait()
		for i := range 10_000 {
			h.give("start", "select x", fmt.Sprintf("volume %d", i%100), "pause", "nonsense")
		}
		h.give(`{"command":"stop","transaction":"mine"}`)
		time.Sleep(h.limits.orderGrace)
		synctest.Wait()
		if did := h.done(); !strings.HasSuffix(did, `{"command":"stop","transaction":"mine"}`) {
			t.Errorf("the last carried out is not the stop: %.80s", did[max(0, len(did)-80):])
		}
		if a := h.answers(); !slices.ContainsFunc(a, func(s string) bool { return strings.Contains(s, `"ok"`) && strings.Contains(s, "mine") }) {
			t.Error("the stop was not answered")
		}
		for range 2 * h.limits.queueLength {
			select {
			case h.release <- struct{}{}:
			default:
			}
			synctest.Wait()
		}
		if did := h.done(); strings.Contains(did, ", start,") {
			t.Error("a start from before the stop was carried out after it")
		}
	})
}

func TestInboxCarriesOutManyStopsAsOneAndAnswersEach(t *testing.T) {
	withInbox(t, func(t *testing.T, h *inboxHarness) {
		h.give("start slow")
		synctest.Wait()
		for i := range maxTransactions {
			h.give(fmt.Sprintf(`{"command":"stop","transaction":"%d"}`, i))
		}
		time.Sleep(h.limits.orderGrace)
		synctest.Wait()
		if n := strings.Count(h.done(), "stop"); n != 1 {
			t.Errorf("%d stops were carried out", n)
		}
		answers := h.answers()
		if len(answers) != maxTransactions {
			t.Fatalf("%d answers", len(answers))
		}
		for i, a := range answers {
			if !strings.Contains(a, `"ok"`) || !strings.Contains(a, fmt.Sprintf(`"transaction":"%d"`, i)) {
				t.Errorf("answer %d is %s", i, a)
			}
		}
	})
}

func TestInboxNeverTakesARetainedOrExpiredUrgentCommand(t *testing.T) {
	withInbox(t, func(t *testing.T, h *inboxHarness) {
		h.receive(arrival{topic: "guided/mat/command", payload: "volume 90", retained: true})
		synctest.Wait()
		if did := h.done(); did != "" {
			t.Errorf("carried out: %s", did)
		}
	})
}

func TestInboxAfterASuspendOfTheMachine(t *testing.T) {
	withInbox(t, func(t *testing.T, h *inboxHarness) {
		var suspended time.Duration
		h.sleep = &sleepClock{suspended: func() time.Duration { return suspended }}
		h.sleep.begin()
		suspended = time.Hour
		h.give("start", "volume 90", "toggle", "unduck", "stop", "pause")
		synctest.Wait()
		if did := h.done(); did != "stop, pause" {
			t.Errorf("carried out: %s", did)
		}
		slept := 0
		for _, a := range h.answers() {
			if strings.Contains(a, "slept for 1h0m0s") {
				slept++
			}
		}
		if slept != 4 {
			t.Errorf("%d of 4 were refused", slept)
		}
		h.sleep.begin() // a new connection
		h.give("start new")
		synctest.Wait()
		if did := h.done(); did != "stop, pause, start new" {
			t.Errorf("carried out: %s", did)
		}
	})
}

func TestElapsedTakesTheClockThatWentFurther(t *testing.T) {
	now := time.Now()
	for situation, c := range map[string]struct {
		since time.Time
		want  time.Duration
	}{
		"both clocks":         {now.Add(-time.Minute), time.Minute},
		"the wall clock only": {now.Add(-time.Hour).Round(0), time.Hour},
	} {
		if got := elapsed(c.since, now); got != c.want {
			t.Errorf("%s: %v, want %v", situation, got, c.want)
		}
	}
}
