package web_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"guided/player"
)

// someSession is the record of one that ended at a moment.
func someSession(at time.Time) player.Record {
	return player.Record{
		Routine: "long", Title: "A <b>long</b> one", Started: at.Add(-90 * time.Second), Ended: at, Heard: 90, Breaths: 6, Step: "Lean", Number: 3, Steps: 4, Side: "left",
		Reason: "stopped by the page, 192.168.1.20", From: "MQTT guided/mat/command",
	}
}

func TestPageHistory(t *testing.T) {
	noon := time.Now().UTC().Truncate(24 * time.Hour).Add(12 * time.Hour)
	then := noon.AddDate(0, 0, -2)
	_, b := openPage(t, 360, 740, withHistory(t, someSession(then)))
	b.eval("location.hash = '#/history'", nil)
	b.waitUntil("document.querySelectorAll('.bars tr').length == 7 && document.querySelector('.bars').textContent.includes('1.5 min')")
	b.waitUntil("document.querySelector('.sessions')?.textContent == 'nothing was done'") // today
	b.eval("document.querySelector('.calendar [aria-current]').focus()", nil)
	b.pressKeys("ArrowLeft", "ArrowLeft", "Enter")
	b.waitUntil("document.querySelector('.sessions .card')")
	var says, label string
	b.eval("document.querySelector('.day').textContent", &says)
	for _, want := range []string{fmt.Sprint(then.Day()), "A <b>long</b> one 11:58", "1.5 min heard · 6 breaths", "stopped by the page, 192.168.1.20, at step 3 of 4: Lean, left side · started by MQTT guided/mat/command"} {
		if !strings.Contains(says, want) {
			t.Errorf("the day says %q, and not %q", says, want)
		}
	}
	b.eval("document.activeElement.ariaLabel", &label)
	if !strings.Contains(label, "1.5 minutes, 1 session") {
		t.Errorf("the chosen day is read as %q", label)
	}
	b.pressKeys("PageUp")
	b.waitUntil("!document.querySelector('.calendar [aria-current]') && document.activeElement.dataset.date")
	for _, scheme := range []string{"light", "dark"} {
		b.call("Emulation.setEmulatedMedia", params{"features": []params{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
		b.wantContrast(scheme)
	}

	t.Run("none is kept", func(t *testing.T) {
		p := newTestServer(t)
		b.call("Page.navigate", params{"url": p.url + "/#/history"}, nil)
		b.waitUntil("document.querySelector('#view').textContent.includes('keep = false') && document.querySelector('#view').textContent.includes('guided history --delete')")
		b.call("Page.navigate", params{"url": "about:blank"}, nil) // before its server goes
		b.takeErrors()                                             // of the response 404
	})
}
