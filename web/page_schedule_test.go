package web_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/BurntSushi/toml"

	"guided/schedule"
	"guided/web"
)

// someEntry is one of the settings, which is never due.
const someEntry = "[[schedule]]\nname = \"Evening\"\nroutine = \"4-4-6\"\nat = \"20:00\"\nwhen = { topic = \"home/anna\", is = \"home\" }\n"

// withSchedule gives a server a schedule with the entries of a text as those of the settings. It is always day, and the clock
// is trusted.
func withSchedule(t *testing.T, text string) func(*web.Server) {
	t.Helper()
	var file struct{ Schedule schedule.Tables }
	if _, err := toml.Decode(text, &file); err != nil {
		t.Fatal(err)
	}
	entries, problems := schedule.Decode("/etc/guided/guided.toml", []byte(text), file.Schedule)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return func(s *web.Server) {
		clock, err := schedule.NewWallClock()
		if err != nil {
			t.Fatal(err)
		}
		r := schedule.NewRunner(schedule.Config{
			Entries: entries, File: filepath.Join(t.TempDir(), "schedule.toml"), Zone: time.UTC, Night: func(time.Time) bool { return false },
			ClockTrusted: func() bool { return true }, Clock: clock, Values: schedule.NewValues(), Player: s.Player, Log: slog.New(slog.DiscardHandler),
		})
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { r.Run(ctx) })
		t.Cleanup(func() { cancel(); running.Wait(); clock.Close() })
		s.Schedule = web.Schedule{
			Show: func(ctx context.Context) (any, error) {
				o, err := r.Outlook(ctx)
				o.Length = func(*schedule.Entry) (time.Duration, error) { return time.Minute, nil }
				return o.View(time.Now()), err
			},
			Save: r.SaveEntry, Remove: r.RemoveEntry,
		}
	}
}

func TestPageSchedule(t *testing.T) {
	p, b := openPage(t, 360, 740, withSchedule(t, someEntry))
	soon := time.Now().UTC().Add(2 * time.Hour).Format("15:04")
	field := func(name, value string) {
		t.Helper()
		b.eval(fmt.Sprintf("(e => { e.value = %q; e.dispatchEvent(new Event('input', {bubbles: true})); e.dispatchEvent(new Event('change', {bubbles: true})) })(document.querySelector('#sheet [name=%s]'))", value, name), nil)
	}
	card := func(name string) string {
		return fmt.Sprintf("[...document.querySelectorAll('.entry')].find((e) => e.querySelector('h3').textContent == %q)", name)
	}
	b.eval("location.hash = '#/schedule'", nil)
	b.waitUntil(card("Evening") + ".textContent.includes('It stands in the settings, /etc/guided/guided.toml:1') && !" + card("Evening") + ".textContent.includes('Change')")
	b.waitUntil("document.querySelector('.runs .not').textContent.includes('it is not known whether home/anna is')")

	// A mistake is told in the sheet, and then mended there.
	b.eval("[...document.querySelectorAll('#view button')].find((e) => e.textContent == 'New entry').click()", nil)
	field("routine", "long")
	field("name", "Ours")
	field("volume", "30")
	field("fade_in", "2m")
	field("at", "25:00")
	b.eval("document.querySelector('#sheet .main').click()", nil)
	b.waitUntil("document.querySelector('#sheet .wrong').textContent.startsWith('at: 25:00 is no time of day')")
	b.takeErrors() // of the response 400
	field("at", soon+" 23:59")
	b.eval("document.querySelector('#sheet .main').click()", nil)
	b.waitUntil("!document.querySelector('#sheet').open && document.querySelector('#notice').textContent.startsWith('Ours is saved')")
	b.waitUntil(card("Ours") + ".textContent.includes('Made on this page; it stands in ')")
	entry := func() (view schedule.View) { t.Helper(); p.decode(p.get("/api/schedule"), &view); return view }
	if w := entry().Entries[1].Written; w["fade_in"] != "2m" || w["volume"] != 30.0 || w["days"] != nil || len(w["at"].([]any)) != 2 {
		t.Errorf("it was written as %v", w)
	}

	// The switches, here and by another remote.
	b.eval(card("Ours")+".querySelector('.switch').focus()", nil)
	b.pressKeys("Space")
	p.waitFor("it is off", func() bool { return slices.Equal(p.player.State().EntriesOff, []string{"Ours"}) })
	b.waitUntil("document.activeElement.ariaChecked == 'false' && document.activeElement.ariaLabel == 'Ours is on' && document.querySelector('.week').textContent.includes('it is switched off')")
	p.player.DoPayload([]byte("schedule on Ours"))
	b.waitUntil(card("Ours") + ".querySelector('.switch').ariaChecked == 'true'")
	b.click(".planned .switch")
	p.waitFor("nothing starts", func() bool { return p.player.State().Schedule == "off" })
	b.waitUntil("document.querySelector('.week').textContent.includes('the schedule is switched off')")
	b.click(".planned .switch")
	p.waitFor("it does again", func() bool { return p.player.State().Schedule == "on" })
	b.eval("[...document.querySelectorAll('.planned button')].find((e) => e.textContent == 'Skip the next').click()", nil)
	b.waitUntil("document.querySelector('#notice').textContent.startsWith('skipped: ') && document.querySelector('.week').textContent.includes('it is skipped')")

	// A change keeps what it does not touch.
	b.eval(card("Ours")+".querySelector('button:not(.danger)').click()", nil)
	field("name", "Mine")
	b.eval("document.querySelector('#sheet [value=sun]').click()", nil)
	b.eval("document.querySelector('#sheet .main').click()", nil)
	b.waitUntil(card("Mine") + " && !document.querySelector('#sheet').open")
	if e := entry().Entries[1]; e.Written["fade_in"] != "2m" || e.Days != "mon-sat" || !strings.Contains(e.Times, soon) {
		t.Errorf("after the change it is %+v", e)
	}
	for _, scheme := range []string{"light", "dark"} {
		b.call("Emulation.setEmulatedMedia", params{"features": []params{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
		b.wantContrast(scheme)
	}
	b.eval("window.confirm = () => true", nil)
	b.eval(card("Mine")+".querySelector('.danger').click()", nil)
	b.waitUntil("document.querySelectorAll('.entry').length == 1")
	if n := len(entry().Entries); n != 1 {
		t.Errorf("%d entries are left", n)
	}
}
