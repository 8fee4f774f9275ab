package schedule

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/gopxl/beep/v2"

	"guided/audio"
	"guided/audio/mix"
	"guided/player"
	"guided/routines"
)

// virtualOutput plays in the time of a synctest bubble, a second at once.
type virtualOutput struct{}

func (virtualOutput) Play(ctx context.Context, src beep.Streamer, heard func(int) int) error {
	block, frames := make([][2]float64, audio.Rate), 0
	for {
		n, more := src.Stream(block)
		if !more || n == 0 {
			return src.Err()
		}
		frames += n
		select {
		case <-time.After(routines.Duration(n)):
			heard(frames)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// movedClock is the bubble's clock, some time ahead or behind.
type movedClock struct {
	mu     sync.Mutex
	offset time.Duration
	timer  *time.Timer
	at     time.Time
	passed chan struct{}
}

func (c *movedClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Round(0).Add(c.offset)
}

func (c *movedClock) Set(at time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer != nil {
		c.timer.Stop()
	}
	if c.at = at; !at.IsZero() {
		c.timer = time.AfterFunc(at.Sub(time.Now().Add(c.offset)), c.signal)
	}
	return nil
}

func (c *movedClock) C() <-chan struct{} { return c.passed }

func (c *movedClock) signal() {
	select {
	case c.passed <- struct{}{}:
	default:
	}
}

// step sets the clock, as NTP does.
func (c *movedClock) step(by time.Duration) {
	c.mu.Lock()
	c.offset += by
	at := c.at
	c.mu.Unlock()
	_ = c.Set(at)
	c.signal()
}

// told is an event of the schedule, and what the clock on the wall showed.
type told struct {
	player.Event
	wall time.Time
}

// world is a player, a clock and a runner, in virtual time.
type world struct {
	*testing.T
	p       *player.Player
	clock   *movedClock
	values  *Values
	zone    *time.Location
	entries []*Entry
	file    string
	trusted bool
	end     context.CancelFunc
	ended   sync.WaitGroup
	runner  *Runner

	mu     sync.Mutex
	events []told
}

// inWorld runs f at a local time, with the entries of a text. Routines are short (a second), brief (5 s), long (4 min) and day (20 min).
func inWorld(t *testing.T, at, zoneName, text string, f func(w *world)) {
	t.Helper()
	z := zone(t, zoneName)
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		begin, err := time.ParseInLocation("2006-01-02 15:04", at, z)
		if err != nil {
			t.Fatal(err)
		}
		w := &world{T: t, zone: z, file: filepath.Join(dir, "schedule.toml"), trusted: true, values: NewValues()}
		w.clock = &movedClock{offset: time.Until(begin), passed: make(chan struct{}, 1)}
		if text != "" {
			entries, problems := decodeText(text)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			w.entries = entries
		}
		files := fstest.MapFS{}
		for name, length := range map[string]string{"short": "1s", "brief": "5s", "long": "4m", "day": "20m"} {
			files[name+".toml"] = &fstest.MapFile{Data: fmt.Appendf(nil, "title = %q\n[[step]]\nrest = %q\n", name, length)}
		}
		files["asks.toml"] = &fstest.MapFile{Data: []byte("title = \"asks\"\n[[step]]\nname = \"Stay\"\nhold = \"until next\"\n")}
		log := slog.New(slog.DiscardHandler)
		w.p = player.New(player.Config{
			Library: routines.Library{files}, Bank: mix.NewBank(nil, nil, audio.InFolders(files), log), Output: virtualOutput{}, Volume: 60,
			Waits: true, Log: log,
		})
		ctx, cancel := context.WithCancel(t.Context())
		var parts sync.WaitGroup
		parts.Go(func() { w.p.Run(ctx) })
		parts.Go(func() {
			for e := range w.p.Watch(ctx).Events {
				w.mu.Lock()
				w.events = append(w.events, told{e, w.clock.Now()})
				w.mu.Unlock()
			}
		})
		w.start()
		f(w)
		w.stop()
		cancel()
		parts.Wait()
	})
}

// start runs a runner; stop ends it, as a power cut does.
func (w *world) start() {
	w.Helper()
	w.runner = NewRunner(Config{
		Entries: w.entries, File: w.file, Zone: w.zone, Clock: w.clock, Values: w.values, Player: w.p, Log: slog.New(slog.DiscardHandler),
		Night:        w.isNight,
		ClockTrusted: func() bool { w.mu.Lock(); defer w.mu.Unlock(); return w.trusted },
	})
	ctx, cancel := context.WithCancel(w.Context())
	w.end = cancel
	w.ended.Go(func() { w.runner.Run(ctx) })
	synctest.Wait()
}

func (w *world) isNight(t time.Time) bool {
	hour := t.In(w.zone).Hour()
	return hour >= 22 || hour < 7
}

func (w *world) stop() {
	w.end()
	w.ended.Wait()
}

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// until lets time pass until the clock shows a time of day.
func (w *world) until(clock string) {
	w.Helper()
	minutes, _ := parseTime(clock)
	now := w.clock.Now().In(w.zone)
	local := time.Date(now.Year(), now.Month(), now.Day(), 0, minutes, 0, 0, time.UTC)
	at := firstInstant(local, w.zone)
	if !at.After(now) {
		at = firstInstant(local.AddDate(0, 0, 1), w.zone)
	}
	w.pass(at.Sub(now))
}

// say gives a command and returns its answer, as text.
func (w *world) say(words string) string {
	r := w.p.DoPayload([]byte(words))
	synctest.Wait()
	return r.Error + r.Note
}

// take are the events since the last call, such as "schedule_due short 07:00".
func (w *world) take() string {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []string
	for _, e := range w.events {
		if strings.HasPrefix(e.Type, "schedule_") {
			list = append(list, strings.TrimPrefix(e.Type, "schedule_")+" "+e.Schedule+" "+e.wall.In(w.zone).Format("15:04"))
		}
	}
	w.events = nil
	return strings.Join(list, ", ")
}

func (w *world) want(events string) {
	w.Helper()
	if got := w.take(); got != events {
		w.Errorf("events %q, want %q", got, events)
	}
}

// why are the reasons that were told.
func (w *world) why() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []string
	for _, e := range w.events {
		if e.Type == "schedule_missed" {
			list = append(list, e.Error)
		}
	}
	return strings.Join(slices.Compact(list), "; ")
}

func (w *world) wantNext(local string) {
	w.Helper()
	got := "none"
	if next := w.p.State().NextRun; next != nil {
		got = next.In(w.zone).Format("2006-01-02 15:04")
	}
	if got != local {
		w.Errorf("the next run is %s, want %s", got, local)
	}
}
