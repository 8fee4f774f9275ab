package web_test

import (
	"strings"
	"testing"
	"time"

	"guided/player"
)

// Only its own buttons apply what the sheet shows.
func TestPageSheetIsCancelled(t *testing.T) {
	p, b := openPage(t, 1280, 860)
	b.eval("location.hash = '#/routine/long'", nil)
	b.waitUntil("document.querySelector('img.picture')")
	adjust := `[...document.querySelectorAll('#view button')].find((b) => b.textContent == 'Adjust').click()`
	choose := func(voice string) {
		t.Helper()
		b.eval(adjust, nil)
		b.waitUntil("document.querySelector('#sheet').open")
		b.eval("document.querySelector('#sheet [name=verbosity]').value = '"+voice+"'", nil)
	}
	closed := func() { t.Helper(); b.waitUntil("!document.querySelector('#sheet').open") }
	var picture string
	src := func() string {
		b.eval("document.querySelector('img.picture').getAttribute('src')", &picture)
		return picture
	}
	choose("short")
	b.pressKeys("Escape")
	closed()
	if strings.Contains(src(), "short") {
		t.Errorf("Esc applies: %s", picture)
	}
	choose("short")
	b.click("#sheet button[value=cancel]")
	closed()
	if strings.Contains(src(), "short") {
		t.Errorf("Cancel applies: %s", picture)
	}
	choose("short")
	b.click("#sheet button[value=keep]")
	b.waitUntil("document.querySelector('img.picture').getAttribute('src').includes('verbosity=short')")
	choose("minimal")
	b.pressKeys("Escape")
	closed()
	if !strings.Contains(src(), "short") {
		t.Errorf("Esc loses what was kept: %s", picture)
	}
	choose("minimal")
	b.eval("location.hash = '#/'", nil) // as the back button does
	closed()
	b.waitUntil("document.querySelector('.card')")
	if s := p.player.State().State; s != "idle" {
		t.Errorf("something has started: %s", s)
	}
}

// The sheet asks for an end and fades too, and what was asked is listed among what happened.
func TestPageSheetStarts(t *testing.T) {
	p, b := openPage(t, 360, 740)
	b.eval("location.hash = '#/routine/long'", nil)
	b.waitUntil("document.querySelector('img.picture')?.naturalWidth > 0")
	until := time.Now().UTC().Truncate(time.Minute).Add(11 * time.Minute)
	b.eval("[...document.querySelectorAll('#view button')].find((b) => b.textContent == 'Adjust').click()", nil)
	b.eval(`for (const [name, value] of [['for', '5m'], ['until', '`+until.Format("15:04")+`'], ['fade_in', '1m'], ['fade_out', '2m']]) {
		const e = document.querySelector('#sheet [name=' + name + ']');
		e.value = value;
		e.dispatchEvent(new Event('input', {bubbles: true}));
		e.dispatchEvent(new Event('change', {bubbles: true}));
	}`, nil)
	b.click("#sheet button[value=start]")
	p.waitFor("it plays", func() bool { s := p.player.State(); return s.State == player.Playing && s.EndsAt != nil })
	if ends := *p.player.State().EndsAt; ends.After(until) || ends.Before(until.Add(-30*time.Second)) {
		t.Errorf("it ends at %v, and was to end at %v", ends, until)
	}
	if got := p.player.Standing().Session.Options; got.FadeIn != time.Minute || got.FadeOut != 2*time.Minute {
		t.Errorf("%+v", got)
	}
	b.waitUntil("location.hash == '#/now'")
	b.eval("document.querySelector('.happened summary').click()", nil)
	b.waitUntil("document.querySelector('.commands')?.textContent.includes('start longthe page, 127.0.0.1')")
	b.eval("fetch('/api/start', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{\"routine\":\"<i>none</i>\"}'})", nil)
	b.click("[data-verb=pause]")
	b.waitUntil("document.querySelector('.commands').textContent.includes('<i>none</i>') && document.querySelector('.commands li').textContent.includes('pause') && document.querySelector('.refused')")
	b.takeErrors() // of the response 400
}
