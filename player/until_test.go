package player_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"guided/audio"
	"guided/player"
	"guided/routines"
)

// breaths can be fitted to any number of breaths of ten seconds; square to between one and five; still to nothing.
const (
	breaths = "title = 'Breaths'\n[[step]]\nbreathe = '4-6'\nfor = '5m'\n"
	square  = "title = 'Square'\n[[step]]\nbreathe = '15-15-15-15'\nfor = '3m'\nfit = ['1 breath', '5 breaths']\n"
	still   = "title = 'Still'\n[[step]]\nhold = '10m'\n"
)

func untilFiles() map[string]string {
	return map[string]string{"breaths": breaths, "square": square, "still": still}
}

// endOf is how long after an RFC 3339 time a deadline is, read off what a routine is fitted to.
func endOf(t *testing.T, text, now, zone string) (time.Duration, error) {
	t.Helper()
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse(time.RFC3339, now)
	if err != nil {
		t.Fatal(err)
	}
	d, err := player.NewDeadline(text, at.In(location), 0)
	if err != nil {
		return 0, err
	}
	var o routines.Options
	d.Fit(&o, at)
	return o.For, nil
}

func TestUntilIsTheNextSuchTime(t *testing.T) {
	for _, c := range []struct {
		text, now, zone string
		want            time.Duration
	}{
		{"08:10", "2026-11-28T08:00:00Z", "UTC", 10 * time.Minute},
		{"8:10", "2026-11-28T08:00:00Z", "UTC", 10 * time.Minute},
		{"8.10", "2026-11-28T08:00:00Z", "UTC", 10 * time.Minute},
		{"08:10:30", "2026-11-28T08:00:00Z", "UTC", 10*time.Minute + 30*time.Second},
		{"8:10am", "2026-11-28T08:00:00Z", "UTC", 10 * time.Minute},
		{"8:10 PM", "2026-11-28T20:00:00Z", "UTC", 10 * time.Minute},
		{"8:10 p.m.", "2026-11-28T20:00:00Z", "UTC", 10 * time.Minute},
		{"9pm", "2026-11-28T20:00:00Z", "UTC", time.Hour},
		{"12:10 am", "2026-11-28T23:50:00Z", "UTC", 20 * time.Minute},
		{"12:10 pm", "2026-11-28T12:00:00Z", "UTC", 10 * time.Minute},
		{"00:05", "2026-12-31T23:55:00Z", "UTC", 10 * time.Minute},
		{"08:10", "2026-11-28T07:00:00Z", "Europe/Berlin", 10 * time.Minute},
		{"2026-11-28T08:10:00Z", "2026-11-28T08:00:00Z", "Europe/Berlin", 10 * time.Minute},
		{"2026-11-28T09:10:00+01:00", "2026-11-28T08:00:00Z", "UTC", 10 * time.Minute},
		{"2026-11-28T09:10:00.5+0100", "2026-11-28T08:00:00Z", "UTC", 10*time.Minute + 500*time.Millisecond},
		{"2026-11-28 09:10:00", "2026-11-28T08:00:00Z", "Europe/Berlin", 10 * time.Minute},
		{"2026-11-28 09:10", "2026-11-28T08:00:00Z", "Europe/Berlin", 10 * time.Minute},
		// The clocks are turned forward from 02:00 to 03:00: 03:10 comes ten minutes after 01:59:59, and 02:30 is passed over.
		{"03:10", "2026-03-29T00:55:00Z", "Europe/Berlin", 15 * time.Minute},
		{"02:30", "2026-03-29T00:55:00Z", "Europe/Berlin", 35 * time.Minute},
		// They are turned back from 03:00 to 02:00: 02:30 comes twice.
		{"02:30", "2026-10-25T00:20:00Z", "Europe/Berlin", 10 * time.Minute},
		{"02:30", "2026-10-25T00:40:00Z", "Europe/Berlin", 50 * time.Minute},
		{"03:10", "2026-10-25T00:20:00Z", "Europe/Berlin", 110 * time.Minute},
		{"02:10", "2026-04-04T15:05:00Z", "Australia/Lord_Howe", 35 * time.Minute}, // back by half an hour at 02:00 (15:00 UTC)
		{"00:20", "2026-09-06T03:55:00Z", "America/Santiago", 25 * time.Minute},    // forward at midnight: 00:20 is passed over
	} {
		t.Run(strings.Join([]string{c.text, "at", c.now, c.zone}, " "), func(t *testing.T) {
			if got, err := endOf(t, c.text, c.now, c.zone); err != nil || got != c.want {
				t.Errorf("in %v, want %v; %v", got, c.want, err)
			}
		})
	}
}

func TestUntilRefuses(t *testing.T) {
	for _, c := range []struct{ text, now, want string }{
		{"08:10", "2026-11-28T08:11:00Z", "08:10 has passed: it is 08:11"},
		{"08:10", "2026-11-28T08:10:00Z", "has passed"},
		{"8:10", "2026-11-28T19:50:00Z", "for the evening write until 20:10"},
		{"8:10 am", "2026-11-28T19:50:00Z", "has passed"},
		{"15:00", "2026-11-28T08:00:00Z", "more than four hours ahead"},
		{"2026-11-28T07:59:00Z", "2026-11-28T08:00:00Z", "has passed"},
		{"1999-11-28T07:59:00Z", "2026-11-28T08:00:00Z", "has passed"},
		{"2027-11-28T07:59:00Z", "2026-11-28T08:00:00Z", "more than four hours ahead"},
		{"24:00", "2026-11-28T23:00:00Z", `a day goes from "00:00" to "23:59"`},
		{"8:60", "2026-11-28T08:00:00Z", "there is no"},
		{"13:10 pm", "2026-11-28T08:00:00Z", "there is no"},
		{"0:10 am", "2026-11-28T08:00:00Z", "there is no"},
		{"8", "2026-11-28T08:00:00Z", "is not a time"},
		{"490", "2026-11-28T08:00:00Z", "in quotes"}, // what YAML makes of 08:10
		{"8.1", "2026-11-28T08:00:00Z", "is not a time"},
		{"noon", "2026-11-28T08:00:00Z", "is not a time"},
		{"-08:10", "2026-11-28T08:00:00Z", "is not a time"},
		{"", "2026-11-28T08:00:00Z", "is not a time"},
		{"٠٨:١٠", "2026-11-28T08:00:00Z", "is not a time"},
	} {
		t.Run(c.text+" at "+c.now, func(t *testing.T) {
			if got, err := endOf(t, c.text, c.now, "UTC"); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("in %v, %v; want %s", got, err, c.want)
			}
		})
	}
}

// FuzzUntil looks for a time of the day that is taken and is not the next one, or one that a start takes and its player
// then does not understand.
func FuzzUntil(f *testing.F) {
	for _, text := range []string{"08:10", "8.10 pm", "23:59:59", "12am", "2026-11-28T08:10:00Z", "2026-10-25 02:30", "8:1", "\x00", "8:10 \xff", "99999999-01-01T00:00:00Z"} {
		for _, zone := range []string{"UTC", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia"} {
			f.Add(text, int64(1_790_000_000), zone)
		}
	}
	f.Fuzz(func(t *testing.T, text string, now int64, name string) {
		zone, err := time.LoadLocation(name)
		if err != nil || now < 0 || now > 4e9 {
			return
		}
		at := time.Unix(now, 0).In(zone)
		d, err := player.NewDeadline(text, at, time.Second)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "until: ") || len(err.Error()) > 400+3*len(text) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		var o routines.Options
		d.Fit(&o, at)
		if o.For < 0 || o.For > 4*time.Hour || o.Check() != nil {
			t.Errorf("%q at %v: in %v", text, at, o.For)
		}
		if c, err := player.ParseValues(map[string]string{"command": "start", "until": text}); err != nil || c.Until == "" {
			t.Errorf("a start does not take %q: %v", text, err)
		}
	})
}

// A routine that is to end at a time does so, or a breath before.
func TestStartUntil(t *testing.T) {
	for words, want := range map[string]time.Duration{ // after midnight, when the tests begin
		"start breaths until 00:05":                                               5 * time.Minute,
		"start breaths until 0:05:07":                                             5*time.Minute + 7*time.Second,
		"start breaths until 12:20 am volume 40":                                  20 * time.Minute,
		"start square volume 40 until 00:04":                                      4 * time.Minute,
		"start breaths until 2000-01-01T01:00:00+00:30":                           30 * time.Minute,
		`{"command":"start","routine":"breaths","until":"00:07","fade_out":"5m"}`: 7 * time.Minute,
	} {
		t.Run(words, func(t *testing.T) {
			runPlayer(t, setup{files: routineFiles(untilFiles())}, func(st *harness) {
				midnight := time.Now()
				if r := st.do(words); r.Status != "ok" || r.Note != "" {
					t.Fatalf("%+v", r)
				}
				st.pull(second)
				s := st.wantState(player.Playing)
				breath := 10 * time.Second
				if strings.Contains(words, "square") {
					breath = time.Minute
				}
				if s.EndsAt == nil || s.EndsAt.Sub(midnight) > want+time.Second || s.EndsAt.Sub(midnight) <= want-breath-time.Second {
					t.Errorf("it ends %v after midnight, want %v", s.EndsAt.Sub(midnight), want)
				}
				if r := st.do(words); r.Status != "ok" || !r.Unchanged {
					t.Errorf("asked for again: %+v", r)
				}
			})
		})
	}
}

func TestStartUntilRefuses(t *testing.T) {
	for words, want := range map[string]string{
		"start square until 00:00:30":                                        "square can be fitted to between 1m1s and 5m1s: until 00:02 at the earliest, and until 00:05 at the latest; or say for how long",
		"start square until 00:20":                                           "until 00:02 at the earliest, and until 00:05 at the latest",
		"start still until 00:10":                                            "still always lasts 10m1s and ends at 00:10:01",
		"start still until 01:00":                                            "start it at 00:49 to end at 01:00",
		"start breaths for 5m until 00:10":                                   "for and until both say when it ends",
		"start breaths until 00:10 for 5m":                                   "for and until both say when it ends",
		`{"command":"start","routine":"breaths","until":"00:10","for":"5m"}`: "for and until both say when it ends",
		"start breaths until tomorrow":                                       `until: "tomorrow" is not a time`,
		"start breaths until":                                                "until: its value is missing",
		"start breaths until 00:00":                                          "has passed",
		"start breaths fade_in 5":                                            `fade_in: "5" is not a length such as "5m"`,
		"start breaths fade_out -5m":                                         `fade_out: "-5m" is not a length`,
		"start breaths fade_out 5h":                                          "longer than four hours",
		`{"command":"extend","until":"00:10"}`:                               `extend takes no "until"`,
		`{"command":"start","routine":"breaths","until":490}`:                "in quotes",
		`{"command":"start","routine":"breaths","fade_in":true}`:             `fade_in: "true" is not a length`,
	} {
		t.Run(words, func(t *testing.T) {
			runPlayer(t, setup{files: routineFiles(untilFiles())}, func(st *harness) {
				if r := st.do(words); r.Status != "error" || !strings.Contains(r.Error, want) {
					t.Errorf("%+v, want %s", r, want)
				}
				st.wantState(player.Idle)
			})
		})
	}
}

// The answer says what is otherwise than somebody would expect.
func TestStartUntilNotes(t *testing.T) {
	untrusted := func() bool { return false }
	for _, c := range []struct {
		words, want string
		trusted     func() bool
	}{
		{"start breaths until 00:05", "", nil},
		{"start breaths until 00:05", "until counts by the clock here, which nothing is known to keep right; it shows 00:00:00", untrusted},
		{"start breaths", "", untrusted},
		{"start square until 00:05:55", "", nil},
		{"start breaths fade_out 5m", "", nil},
		{"start breaths for 2m fade_out 5m", "its fades were shortened", nil},
		{"start breaths until 00:02 fade_in 90s fade_out 90s", "its fades were shortened", nil},
	} {
		t.Run(c.words, func(t *testing.T) {
			runPlayer(t, setup{files: routineFiles(untilFiles()), clockTrusted: c.trusted}, func(st *harness) {
				if r := st.do(c.words); r.Status != "ok" || (c.want == "") != (r.Note == "") || !strings.Contains(r.Note, c.want) {
					t.Errorf("%+v, want the note %q", r, c.want)
				}
			})
		})
	}
}

// What the output takes to its first sound is not added at the end.
func TestStartUntilCountsTheDelay(t *testing.T) {
	runPlayer(t, setup{files: routineFiles(untilFiles())}, func(st *harness) {
		st.mustDo("start breaths")
		time.Sleep(3 * time.Second) // virtual: so long the device is silent
		st.pull(second)
		st.mustDo("stop")
		st.pullAll()
		began := time.Now()
		st.mustDo("start breaths until 00:05:04")
		time.Sleep(3 * time.Second)
		st.pull(second)
		if s := st.wantState(player.Playing); s.EndsAt.Sub(began) > 5*time.Minute+5*time.Second || s.Length > 297 {
			t.Errorf("it ends %v later and lasts %v s", s.EndsAt.Sub(began), s.Length)
		}
	})
}

// Two starts are the same only where they end and fade alike.
func TestStartOfTheSameEndAndFades(t *testing.T) {
	for first, others := range map[string]map[string]bool{ // whether nothing changes
		"start breaths until 00:05":  {"start breaths until 00:05": true, "start breaths until 0:05": true, "start breaths until 12:05 am": true, "start breaths until 00:08": false, "start breaths": false, "start breaths for 5m": false},
		"start breaths":              {"start breaths fade_in 0s": true, "start breaths fade_in 2m": false, "start breaths fade_out 2m": false},
		"start breaths fade_out 2m":  {"start breaths fade_out 120s": true, "start breaths": false, "start breaths fade_out 3m": false, "start breaths fade_in 2m": false},
		"start breaths fade_out 10m": {"start breaths fade_out 10m": true},
	} {
		for again, same := range others {
			t.Run(first+", then "+again, func(t *testing.T) {
				runPlayer(t, setup{files: routineFiles(untilFiles())}, func(st *harness) {
					st.mustDo(first)
					st.pull(second)
					if r := st.do(again); r.Status != "ok" || r.Unchanged != same {
						t.Errorf("%+v", r)
					}
				})
			})
		}
	}
}

// A fade is heard as it is rendered, also where the sound is taken back and after a jump.
func TestStartFades(t *testing.T) {
	o := routines.Options{FadeIn: 4 * time.Second, FadeOut: 6 * time.Second, Interactive: true}
	x := renderReferenceAs(t, mixed, o)
	for name, depth := range map[string]int{"a shallow output": 0, "an output that rewinds": audio.Rate / 2} {
		t.Run(name, func(t *testing.T) {
			runPlayer(t, setup{depth: depth}, func(st *harness) {
				st.mustDo("start mixed fade_in 4s fade_out 6s")
				st.pull(second)
				st.mustDo("volume 100") // nothing changes
				st.pullAll()
				heard := st.out.heard()
				if len(heard) < x.Len || !slices.Equal(heard[:x.Len], x.sound) {
					t.Errorf("what is heard of %d samples is not what is rendered of %d", len(heard), x.Len)
				}
				if last := heard[x.Len-1]; math.Abs(last) > 1e-9 {
					t.Errorf("it ends at %v", last)
				}
			})
		})
	}
}
