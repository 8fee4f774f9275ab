package mqtt

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAnnouncer(t *testing.T) {
	type step struct {
		at   time.Duration // since the start
		do   string        // what happens then: "online", "offline", "announce STAGE...", or nothing
		want []string      // what is due then, in order, with "complete" where nothing of the removed components is left
		wait time.Duration // until something is due
	}
	const second = time.Second
	for situation, steps := range map[string][]step{
		"nothing happens": {{0, "", nil, 0}, {time.Hour, "", nil, 0}},
		"an announcement of one stage": {
			{0, "announce a", []string{"a"}, second},
			{second, "", []string{"state"}, 0},
		},
		"an announcement of three stages": {
			{0, "announce a b c", []string{"a"}, second},
			{second / 2, "", nil, second / 2},
			{second, "", []string{"state", "b"}, second},
			{2 * second, "", []string{"c"}, 0},
		},
		"a new announcement replaces the stages of the old one": {
			{0, "announce a b c", []string{"a"}, second},
			{second / 2, "announce d e", []string{"d"}, second},
			{3 * second / 2, "", []string{"state", "e"}, 0},
		},
		"a birth is answered after the delay": {
			{0, "online", nil, 3 * second},
			{2 * second, "", nil, second},
			{3 * second, "", []string{"everything"}, 0},
		},
		"a second birth before the answer postpones it": {
			{0, "online", nil, 3 * second},
			{second, "online", nil, 3 * second},
			{4 * second, "", []string{"everything"}, 0},
		},
		"Home Assistant ends before the answer": {
			{0, "online", nil, 3 * second},
			{second, "offline", nil, 0},
			{3 * second, "", nil, 0},
		},
		"an unknown status is ignored": {{0, "restarting", nil, 0}},
		"a running Home Assistant receives all stages": {
			{0, "online", nil, 3 * second},
			{3 * second, "", []string{"everything"}, 0},
			{4 * second, "announce a b", []string{"a"}, second},
			{5 * second, "", []string{"state", "b", "complete"}, 0},
		},
		"Home Assistant starts between the stages": {
			{0, "announce a b", []string{"a"}, second},
			{second / 2, "online", nil, second / 2},
			{second, "", []string{"state", "b"}, 5 * second / 2},
			{7 * second / 2, "", []string{"everything"}, 0},
		},
		"Home Assistant ends between the stages": {
			{0, "online", nil, 3 * second},
			{3 * second, "announce a b", []string{"everything", "a"}, second},
			{7 * second / 2, "offline", nil, second / 2},
			{4 * second, "", []string{"state", "b"}, 0},
		},
		"it is late": {
			{0, "announce a b", []string{"a"}, second},
			{time.Hour, "", []string{"state", "b"}, 0},
		},
	} {
		t.Run(situation, func(t *testing.T) {
			a := &announcer{stageInterval: second}
			start := time.Now()
			for _, s := range steps {
				now := start.Add(s.at)
				if payloads, is := strings.CutPrefix(s.do, "announce "); is {
					var stages []message
					for _, p := range strings.Fields(payloads) {
						stages = append(stages, message{payload: []byte(p)})
					}
					a.announce(stages, now)
				} else if s.do != "" {
					a.homeAssistant(s.do, now, 3*second)
				}
				due, wait := takeAll(a, now)
				if !slices.Equal(due, s.want) || wait != s.wait {
					t.Errorf("at %v %s: due %q, then wait %v; want %q, %v", s.at, s.do, due, wait, s.want, s.wait)
				}
			}
		})
	}
}

// takeAll takes all that is due, and notes that it was published.
func takeAll(a *announcer, now time.Time) (due []string, wait time.Duration) {
	for {
		task, wait := a.next(now)
		switch task {
		case dueNothing:
			return due, wait
		case dueEverything:
			due = append(due, "everything")
		case dueState:
			a.statePublished()
			due = append(due, "state")
		case dueStage:
			due = append(due, string(a.stage().payload))
			if a.stagePublished(now) {
				due = append(due, "complete")
			}
		default:
			panic(fmt.Sprint("task ", task))
		}
	}
}
