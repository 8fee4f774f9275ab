package player_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"guided/player"
)

// stamped is a command with a time stamp, as JSON.
func stamped(verb, stamp string) string {
	return fmt.Sprintf(`{"command":%q,"routine":"mixed","sent_at":%s}`, verb, stamp)
}

func silence(stamp string) string { return fmt.Sprintf(`{"command":"stop","sent_at":%s}`, stamp) }

func quoted(t time.Time) string { return fmt.Sprintf("%q", t.UTC().Format(time.RFC3339Nano)) }

// A stamp of a clock that is wrong is passed over, and the response says so; what is left out is nothing.
func TestSentAtOfWrongClocks(t *testing.T) {
	now := func() time.Time { return time.Now() }
	for name, c := range map[string]struct {
		stamp func() string
		note  string // in the response; empty: none
		err   string
	}{
		"left out as null":             {func() string { return "null" }, "", ""},
		"left out as empty":            {func() string { return `""` }, "", ""},
		"now":                          {func() string { return quoted(now()) }, "", ""},
		"now, in seconds":              {func() string { return fmt.Sprint(now().Unix()) }, "", ""},
		"now, in milliseconds":         {func() string { return fmt.Sprint(now().UnixMilli()) }, "", ""},
		"now, in microseconds":         {func() string { return fmt.Sprint(now().UnixMicro()) }, "", ""},
		"now, in nanoseconds":          {func() string { return fmt.Sprint(now().UnixNano()) }, "", ""},
		"now, in milliseconds as text": {func() string { return fmt.Sprintf(`"%d"`, now().UnixMilli()) }, "", ""},
		"now, without a zone":          {func() string { return now().UTC().Format(`"2006-01-02T15:04:05"`) }, "", ""},
		"now, local, without a zone":   {func() string { return now().Local().Format(`"2006-01-02 15:04:05.000"`) }, "", ""},
		"now, zone without a colon":    {func() string { return now().In(time.FixedZone("", 7200)).Format(`"2006-01-02T15:04:05-0700"`) }, "", ""},
		"now, lower case":              {func() string { return strings.ToLower(quoted(now())) }, "", ""},
		"0":                            {func() string { return "0" }, "clock is not set", ""},
		"the uptime":                   {func() string { return "12.5" }, "clock is not set", ""},
		"the uptime in milliseconds":   {func() string { return "86400000" }, "clock is not set", ""},
		"before 1970":                  {func() string { return `"1955-11-05T06:15:00Z"` }, "clock is not set", ""},
		"the year 1":                   {func() string { return `"0001-01-01T00:00:00Z"` }, "", ""}, // the zero time of many programs
		"the year 2":                   {func() string { return `"0002-01-01T00:00:00Z"` }, "clock is not set", ""},
		"negative":                     {func() string { return "-17" }, "clock is not set", ""},
		"very negative":                {func() string { return "-9e19" }, "clock is not set", ""},
		"the year 2090":                {func() string { return `"2090-01-01T00:00:00Z"` }, "ahead of the clock here", ""},
		"the year 9999":                {func() string { return `"9999-12-31T23:59:59Z"` }, "ahead of the clock here", ""},
		"far in the future, a number":  {func() string { return "9e19" }, "ahead of the clock here", ""},
		"a minute in the future":       {func() string { return quoted(now().Add(time.Minute)) }, "ahead of the clock here", ""},
		"seconds in the future":        {func() string { return quoted(now().Add(20 * time.Second)) }, "", ""},
		"a minute in the past":         {func() string { return quoted(now().Add(-time.Minute)) }, "", "the clock here shows"},
		"a month in the past":          {func() string { return quoted(now().AddDate(0, -1, 0)) }, "", "set the sender's clock"},
		"no time":                      {func() string { return `"noon"` }, "", "is not a time"},
		"beyond numbers":               {func() string { return "1e99" }, "", "is not a time"},
		"infinite":                     {func() string { return `"Inf"` }, "", "is not a time"},
	} {
		t.Run(name, func(t *testing.T) {
			runPlayer(t, setup{}, func(st *harness) {
				time.Sleep(26 * 365 * 24 * time.Hour) // the virtual clock begins with the year 2000
				r := st.do(stamped("start", c.stamp()))
				if (r.Status == "error") != (c.err != "") || !strings.Contains(r.Error, c.err) || (r.Note != "") != (c.note != "") || !strings.Contains(r.Note, c.note) {
					t.Errorf("%s: %+v, want the error %q and the note %q", c.stamp(), r, c.err, c.note)
				}
				st.mustDo("stop")
				// A stop with such a stamp stops no later start.
				if r := st.do(silence(c.stamp())); (r.Status == "error") != (c.err != "") {
					t.Errorf("stop: %+v", r)
				}
				for range 2 {
					if r := st.do("start mixed"); r.Status != "ok" {
						t.Errorf("start without a time after it: %+v", r)
					}
					if r := st.do("stop"); r.Status != "ok" {
						t.Errorf("stop: %+v", r)
					}
				}
				stamp := quoted(now())
				if r := st.do(stamped("start", stamp)); r.Status != "ok" && name != "seconds in the future" {
					t.Errorf("start at %s after a stop at %s: %+v", stamp, c.stamp(), r)
				}
				time.Sleep(31 * time.Second)
				if r := st.do(stamped("start", quoted(now()))); r.Status != "ok" {
					t.Errorf("start half a minute later: %+v", r)
				}
			})
		})
	}
	t.Run("a clock here that is not set", func(t *testing.T) {
		runPlayer(t, setup{clockTrusted: func() bool { return false }}, func(st *harness) {
			for _, stamp := range []string{quoted(time.Now().AddDate(20, 0, 0)), quoted(time.Now().Add(-time.Hour)), quoted(time.Now())} {
				if r := st.do(stamped("start", stamp)); r.Status != "ok" || !strings.Contains(r.Note, "the clock here is not set") {
					t.Errorf("%s: %+v", stamp, r)
				}
			}
		})
	})
}

// Of a stop and a start of one sender, the order is that of their stamps, whatever its clock shows; of two senders with
// different clocks it is that of their arrival.
func TestSentAtOrder(t *testing.T) {
	for name, clock := range map[string]time.Duration{"right": 0, "decades ahead": 60 * 365 * 24 * time.Hour, "a minute ahead": time.Minute} {
		for _, verb := range []string{"start", "toggle", "resume"} {
			t.Run(verb+", a clock that is "+name, func(t *testing.T) {
				runPlayer(t, setup{}, func(st *harness) {
					time.Sleep(time.Hour)
					st.mustDo("start mixed")
					at := func(ago time.Duration) string { return quoted(time.Now().Add(clock - ago)) }
					st.mustDo(silence(at(0)))
					earlier := strings.Replace(stamped(verb, at(2*time.Second)), `"routine":"mixed",`, "", 1)
					if r := st.do(earlier); !strings.Contains(r.Error, "before the last stop or pause") {
						t.Errorf("%s that was sent before the stop: %+v", verb, r)
					}
					if r := st.do(stamped("start", at(0))); r.Status != "ok" {
						t.Errorf("start with the same stamp: %+v", r)
					}
					st.mustDo(fmt.Sprintf(`{"command":"pause","sent_at":%s}`, at(0)))
					if r := st.do(earlier); r.Status != "error" {
						t.Errorf("%s that was sent before the pause: %+v", verb, r)
					}
				})
			})
		}
	}
	t.Run("two senders", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			time.Sleep(time.Hour)
			for range 20 {
				st.mustDo(silence(quoted(time.Now().Add(40 * 365 * 24 * time.Hour))))
				st.mustDo(silence(quoted(time.Now().Add(time.Hour))))
			}
			st.mustDo(stamped("start", quoted(time.Now())))
			st.wantState(player.Preparing)
			st.mustDo(silence(quoted(time.Now())))
			if r := st.do(stamped("start", quoted(time.Now().Add(-time.Second)))); r.Status != "error" {
				t.Errorf("%+v", r)
			}
		})
	})
}
