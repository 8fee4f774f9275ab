package web_test

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"guided/player"
	"guided/web"
)

// longRoutine is a routine that does not end during a test.
const longRoutine = `title = "A long one"
about = "To be looked at."
cautions = ["Do not use it while you drive."]

[[step]]
name = "Settle"
rest = "1s"

[[step]]
name    = "Breathe"
breathe = "1-1-1"
for     = "40 breaths"
count   = "silent"

[[step]]
name  = "Lean"
hold  = "20s"
sides = true

[[step]]
name = "Rest"
rest = "1m"
`

// openPage starts a server and opens its page; it returns when the page shows the library.
func openPage(t *testing.T, width, height int, changes ...func(*web.Server)) (*testServer, *browser) {
	t.Helper()
	requireProgram(t, "chromium")
	p := newTestServer(t, changes...)
	p.writeRoutine("long.toml", longRoutine)
	p.player.Rescan()
	p.audioPath() // waits for the library
	b := openBrowser(t, p.url+"/", width, height)
	b.waitUntil("document.querySelectorAll('.card').length > 2")
	return p, b
}

// startLongRoutine starts longRoutine from its card, and waits until the page shows it.
func (b *browser) startLongRoutine() {
	b.t.Helper()
	b.click(`.card:has(a[href$="/long"]) .go`)
	b.waitUntil("document.querySelector('#now h2').textContent == 'A long one' && location.hash == '#/now'")
}

func TestPageControlsRoutine(t *testing.T) {
	p, b := openPage(t, 360, 740)
	b.eval("(e => { e.value = 'looked'; e.oninput() })(document.querySelector('.search'))", nil)
	b.waitUntil("document.querySelectorAll('.card').length == 1")
	b.startLongRoutine()
	b.waitUntil("document.querySelector('.step').textContent == 'Breathe'")
	b.waitUntil("document.querySelector('#said').textContent == 'Step 2 of 4: Breathe'")
	b.click(`[data-verb=pause]`)
	b.waitUntil("document.querySelector('.circle .word').textContent == 'Paused'")
	p.waitFor("the player is paused", func() bool { return p.player.State().State == "paused" })
	b.click(`[data-verb=resume]`)
	p.waitFor("the player goes on", func() bool { return p.player.State().State == "playing" })
	b.click(`[data-verb=next]`)
	b.waitUntil("document.querySelector('.step .side.left')?.textContent == 'left side'")
	b.click(`[data-verb=back]`)
	b.waitUntil("document.querySelector('.step').textContent == 'Breathe'")
	b.eval("(e => { e.value = 25; e.oninput() })(document.querySelector('#volume'))", nil)
	p.waitFor("the player has the volume", func() bool { return p.player.State().Volume == 25 })
	b.click(`[data-verb=stop]`)
	b.waitUntil("document.querySelector('#now h2').textContent == 'Nothing is playing'")
}

// A session that was lost is offered on the page, in one card with two answers.
func TestPageOffersLostSession(t *testing.T) {
	p, b := openPage(t, 360, 740)
	b.startLongRoutine()
	p.waitFor("its second step", func() bool { s := p.player.State(); return s.Step == "Breathe" && s.State == player.Playing })
	lost := *p.player.Standing().Session
	for answer, want := range map[string]player.Status{"Go on with it": player.Playing, "Leave it": player.Idle} {
		b.eval("location.hash = "+map[string]string{"Go on with it": "'#/'", "Leave it": "'#/edit'"}[answer], nil) // whatever is shown
		p.player.DoPayload([]byte("stop"))
		p.waitFor("idle", func() bool { return p.player.State().State == player.Idle })
		if err := p.player.Offer(t.Context(), lost, time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		b.waitUntil("document.querySelector('.offered')?.checkVisibility() && document.querySelector('.offered').textContent.startsWith('A long one was interrupted at 0:0')")
		b.eval("[...document.querySelectorAll('#offer button')].find((e) => e.textContent == '"+answer+"').click()", nil)
		p.waitFor(answer, func() bool { s := p.player.State(); return s.State == want && s.ResumeOffer == nil })
		b.waitUntil("document.querySelector('#offer').hidden")
	}
}

// The circle changes to the next phase when that phase is heard: it grows, stays, and shrinks with the breath. What a busy
// machine delays its frames by is measured in the page, and allowed.
func TestPageCircleFollowsPhases(t *testing.T) {
	_, b := openPage(t, 360, 740)
	b.eval(`{
		window.turns = [];
		window.announced = [];
		let last = performance.now(), gap = 0; // of the frames of the page
		(function frame() { gap = performance.now() - last; last += gap; requestAnimationFrame(frame); })();
		const c = document.querySelector('#now .circle');
		new MutationObserver(() => c.dataset.at && turns.push({
			phase: c.dataset.phase, at: Number(c.dataset.at), off: Date.now() - Number(c.dataset.at), late: Math.max(0, gap - 20, performance.now() - last - 20), size: Number(c.querySelector('.disc').style.transform.slice(6, -1)),
		})).observe(c, {attributeFilter: ['data-at']});
		new EventSource('/api/events').addEventListener('phase', (e) => announced.push(Date.parse(JSON.parse(e.data).at)));
	}`, nil)
	b.startLongRoutine()
	b.waitUntil("turns.length >= 7")
	var turns []struct {
		Phase               string
		At, Off, Late, Size float64 // At, Off and Late are milliseconds
	}
	var announced []float64
	b.eval("turns", &turns)
	b.eval("announced", &announced)
	if turns[0].Phase != "in" {
		t.Fatalf("the first turn is to %q", turns[0].Phase)
	}
	var off []float64
	grows := map[string]float64{"in": 0.5, "hold": 0, "out": -0.5}
	for i, turn := range turns[:6] {
		if !slices.Contains(announced, turn.At) {
			t.Errorf("turn %d, to %q, was not announced", i, turn.Phase)
		}
		if turn.Off < 0 {
			t.Errorf("turn %d, to %q, is shown %.0f ms before it is heard", i, turn.Phase, -turn.Off)
		}
		off = append(off, turn.Off-turn.Late)
		allowed := 0.15 + (turn.Late+turns[i+1].Late)/1000
		if grown := turns[i+1].Size - turn.Size; math.Abs(grown-grows[turn.Phase]) > allowed {
			t.Errorf("turn %d, to %q, makes the circle larger by %.2f of its place, want %.2f", i, turn.Phase, grown, grows[turn.Phase])
		}
	}
	slices.Sort(off)
	if off[3] > 100 { // the median: a single turn may be delayed
		t.Errorf("the turns are shown so many ms after they are heard: %v", off)
	}
}

func TestPagePlaysAudio(t *testing.T) {
	_, b := openPage(t, 360, 740)
	b.startLongRoutine()
	b.click("#now .listen")
	b.waitUntil("document.querySelector('#live').currentTime > 0.5")
	b.click("#now .listen")
	b.waitUntil("document.querySelector('#live').paused")
	b.eval("location.hash = '#/routine/long'", nil)
	b.waitUntil("document.querySelector('.here audio')")
	b.eval("document.querySelector('.here audio').play()", nil)
	b.eval("document.querySelector('.here audio').currentTime = 5.5", nil)
	b.waitUntil("document.querySelector('.here .circle').dataset.phase != ''")
	b.waitUntil("document.querySelector('img.picture').naturalWidth > 0")
}

func TestPageReconnects(t *testing.T) {
	_, b := openPage(t, 360, 740)
	b.startLongRoutine()
	b.call("Network.enable", nil, nil)
	b.call("Network.emulateNetworkConditions", params{"offline": true, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}, nil)
	b.eval("dispatchEvent(new Event('online'))", nil) // otherwise the open connection stays
	b.waitUntil("document.querySelector('#notice').textContent.startsWith('Reconnecting')")
	b.call("Network.emulateNetworkConditions", params{"offline": false, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}, nil)
	b.waitUntil("document.querySelector('#notice').textContent == ''")
	b.waitUntil("document.querySelector('#now h2').textContent == 'A long one'")
	b.takeErrors() // of the failed requests
}

func TestPageEditor(t *testing.T) {
	p, b := openPage(t, 1280, 860)
	b.eval("location.hash = '#/edit/long'", nil)
	b.waitUntil("document.querySelector('.preview svg')")
	b.eval("(e => { e.value = e.value.replace('hold ', 'holt '); e.oninput() })(document.querySelector('textarea'))", nil)
	b.waitUntil("document.querySelector('.problems')?.textContent.includes('holt')")
	b.eval("[...document.querySelectorAll('.problems button')].find((b) => b.textContent.includes('holt')).click()", nil)
	var selected string
	b.eval("(a => a.value.slice(a.selectionStart, a.selectionEnd))(document.querySelector('textarea'))", &selected)
	if !strings.HasPrefix(selected, "holt") {
		t.Errorf("the problem selects %q", selected)
	}
	b.eval("location.hash = '#/'", nil)
	b.waitUntil("document.querySelector('.card')")
	b.eval("location.hash = '#/edit/long'", nil)
	b.waitUntil("document.querySelector('textarea')?.value.includes('holt')") // the draft is kept
	b.click(".saving button.main")
	b.waitUntil("document.querySelector('#notice').textContent.includes('problems')")
	b.takeErrors() // of the response 400
	b.eval("(e => { e.value = e.value.replace('holt ', 'hold ').replace('A long one', 'A longer one'); e.oninput() })(document.querySelector('textarea'))", nil)
	b.waitUntil("document.querySelector('.verdict.fine') && !document.querySelector('.verdict.stale') && !document.querySelector('.preview audio').hidden")
	b.click(".saving button.main")
	b.waitUntil("document.querySelector('#notice').textContent == 'Saved as long.'")
	if text := readFile(t, filepath.Join(p.routinesDir, "long.toml")); !strings.Contains(text, "A longer one") {
		t.Errorf("saved was:\n%s", text)
	}
	if _, err := os.Stat(filepath.Join(p.routinesDir, "long.toml.bak")); err != nil {
		t.Error(err)
	}
}

func TestPageKeyboardOnly(t *testing.T) {
	p, b := openPage(t, 1280, 860)
	var at string
	focus := func() string { b.eval("document.activeElement.textContent.trim()", &at); return at }
	b.pressKeys("Tab")
	if focus() != "Skip to the routines" {
		t.Errorf("the first focus is on %q", at)
	}
	b.waitUntil("document.querySelectorAll('.card').length > 1") // the list is there, and is not drawn anew under the search
	b.pressKeys("Enter", "/")
	b.waitUntil("document.activeElement.matches('.search')")
	b.call("Input.insertText", params{"text": "looked"}, nil)
	b.waitUntil("document.querySelectorAll('.card').length == 1")
	for range 12 {
		if b.pressKeys("Tab"); focus() == "A long one" {
			break
		}
	}
	b.pressKeys("Enter")
	b.waitUntil("document.querySelector('h1')?.textContent == 'A long one'")
	for range 12 {
		if b.pressKeys("Tab"); focus() == "Start" {
			break
		}
	}
	b.pressKeys("Enter")
	p.waitFor("it plays", func() bool { return p.player.State().State == "playing" })
	b.waitUntil("document.activeElement.id == 'main'")
	b.pressKeys("Space")
	p.waitFor("it is paused", func() bool { return p.player.State().State == "paused" })
	b.waitUntil("document.querySelector('[data-verb=resume]')")
	b.pressKeys("Space")
	p.waitFor("it plays again", func() bool { return p.player.State().State == "playing" })
	number := p.player.State().StepNumber
	b.pressKeys("n")
	p.waitFor("the next step", func() bool { return p.player.State().StepNumber > number })
	b.pressKeys("?")
	b.waitUntil("document.querySelector('#help').open")
	b.pressKeys("Escape")
	b.waitUntil("!document.querySelector('#help').open")
}

// On a narrow phone the page does not scroll sideways, every control is at least 44 pixels wide and high, and no text is
// smaller than 16 pixels.
func TestPageOnNarrowPhone(t *testing.T) {
	_, b := openPage(t, 320, 600, withHistory(t, someSession(time.Now())), withSchedule(t, someEntry))
	b.startLongRoutine()
	for _, view := range []string{"#/", "#/routine/long", "#/now", "#/edit/long", "#/history", "#/schedule"} {
		t.Run(view, func(t *testing.T) {
			b.eval("location.hash = '"+view+"'", nil)
			b.waitUntil("document.querySelector({'#/': '.card', '#/now': '#now .step', '#/routine/long': '.here audio', '#/edit/long': '.preview svg', '#/history': '.sessions .card', '#/schedule': '.runs li'}['" + view + "'])?.checkVisibility()")
			var wrong []string
			b.eval(`(() => {
				const name = (e) => e.tagName + '.' + e.className + ' ' + e.textContent.slice(0, 30);
				const wrong = [];
				if (document.documentElement.scrollWidth > 320) wrong.push('the page is ' + document.documentElement.scrollWidth + ' px wide');
				for (const e of document.querySelectorAll('button, input, select, nav a, a.button, summary, a.mark')) {
					const r = e.getBoundingClientRect();
					if (e.checkVisibility() && r.height && (r.height < 44 || r.width < 44)) wrong.push(name(e) + ' is ' + r.width + ' x ' + r.height);
				}
				for (const e of document.querySelectorAll('body *:not(svg *)')) {
					if (e.checkVisibility() && [...e.childNodes].some((n) => n.nodeType == 3 && n.data.trim()) && parseFloat(getComputedStyle(e).fontSize) < 16) wrong.push(name(e) + ' is small');
				}
				return wrong;
			})()`, &wrong)
			for _, w := range wrong {
				t.Error(w)
			}
		})
	}
}

func TestPageReducedMotion(t *testing.T) {
	_, b := openPage(t, 360, 740)
	b.call("Emulation.setEmulatedMedia", params{"features": []params{{"name": "prefers-reduced-motion", "value": "reduce"}}}, nil)
	b.startLongRoutine()
	var sizes []string
	b.eval(`new Promise((done) => {
		const sizes = new Set(), c = document.querySelector('#now .circle'), words = new Set();
		const look = setInterval(() => {
			if (!c.dataset.phase) return;
			sizes.add(c.querySelector('.disc').style.transform);
			words.add(c.querySelector('.word').textContent);
			if (words.size == 3) { clearInterval(look); done([...sizes]); }
		}, 20);
	})`, &sizes)
	if len(sizes) != 1 {
		t.Errorf("the circle moves: %v", sizes)
	}
}

// A hold until next shows one large button, and the routine waits for it.
func TestPageWaitsForNext(t *testing.T) {
	p, b := openPage(t, 360, 740)
	b.eval("order = (verb, body) => fetch('/api/' + verb, {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body)}).then((r) => r.text())", nil)
	p.writeRoutine("waits.toml", "title = \"It waits\"\n[[step]]\nname = \"Stay\"\nhold = \"until next\"\n[[step]]\nname = \"Rest\"\nrest = \"20s\"\n")
	b.eval("order('start', {routine: 'waits'})", nil)
	b.eval("location.hash = '#/now'", nil)
	b.click("#now .big")
	b.waitUntil("document.querySelector('.step').textContent == 'Rest' && document.querySelector('#now .big').hidden")
}

// A routine of the same name, and one that was changed elsewhere, is replaced only after a question.
func TestPageEditorAsksBeforeItReplaces(t *testing.T) {
	p, b := openPage(t, 1280, 860)
	file := filepath.Join(p.routinesDir, "long.toml")
	b.eval("window.asked = []; window.yes = false; window.confirm = (s) => { asked.push(s); return yes; }", nil)
	write := func(from, to string) {
		t.Helper()
		b.eval("(e => { e.value = e.value.replace('"+from+"', '"+to+"'); e.oninput() })(document.querySelector('textarea'))", nil)
	}
	save := func() { t.Helper(); b.click(".saving button.main") }

	b.eval("location.hash = '#/edit'", nil) // a new one, under a name that is taken
	b.waitUntil("document.querySelector('.saving input')")
	b.eval("document.querySelector('.saving input').value = 'long'", nil)
	save()
	b.waitUntil("asked.length == 1 && !document.querySelector('.saving button.main').disabled")
	b.takeErrors() // of the response 409
	if readFile(t, file) != longRoutine {
		t.Error("it was replaced without an answer")
	}

	b.eval("location.hash = '#/edit/long'", nil)
	b.waitUntil("document.querySelector('textarea')?.value.includes('A long one')")
	write("A long one", "Mine")
	p.writeRoutine("long.toml", strings.Replace(longRoutine, "A long one", "Elsewhere", 1))
	save()
	b.waitUntil("asked.length == 2 && !document.querySelector('.saving button.main').disabled")
	b.takeErrors()
	if !strings.Contains(readFile(t, file), "Elsewhere") {
		t.Error("a change from elsewhere was replaced without an answer")
	}
	b.eval("location.hash = '#/'", nil) // the draft keeps the version that it began with
	b.waitUntil("document.querySelector('.card')")
	b.eval("location.hash = '#/edit/long'", nil)
	b.waitUntil("document.querySelector('textarea')?.value.includes('Mine')")
	b.eval("yes = true", nil)
	save()
	b.waitUntil("document.querySelector('#notice').textContent == 'Saved as long.'")
	b.takeErrors()
	var asked []string
	b.eval("asked", &asked)
	if len(asked) != 3 || !strings.Contains(asked[2], "changed elsewhere") || !strings.Contains(readFile(t, file), "Mine") || !strings.Contains(readFile(t, file+".bak"), "Elsewhere") {
		t.Errorf("asked %q", asked)
	}
	write("Mine", "Mine again") // now the version is known
	save()
	p.waitFor("it is saved", func() bool { return strings.Contains(readFile(t, file), "Mine again") })
	b.eval("asked", &asked)
	if len(asked) != 3 {
		t.Errorf("asked %q", asked)
	}
}

// A second click on a slow connection saves nothing twice, and what is written meanwhile stays.
func TestPageEditorSlowSave(t *testing.T) {
	p, b := openPage(t, 1280, 860)
	b.eval("location.hash = '#/edit/long'", nil)
	b.waitUntil("document.querySelector('textarea')?.value.includes('A long one')")
	b.eval(`window.puts = 0;
		window.go = null;
		const real = window.fetch;
		window.fetch = async (path, init) => {
			if (init?.method === 'PUT') { puts++; await new Promise((r) => (go = r)); }
			return real(path, init);
		};`, nil)
	b.eval("(e => { e.value = 'my-copy' })(document.querySelector('.saving input'))", nil)
	b.eval("document.querySelector('.saving').requestSubmit(); document.querySelector('.saving').requestSubmit(); document.querySelector('.saving button.main').click()", nil)
	b.waitUntil("go")
	b.eval("(e => { e.value = e.value.replace('A long one', 'Written meanwhile'); e.oninput(); go() })(document.querySelector('textarea'))", nil)
	b.waitUntil("location.hash == '#/edit/my-copy' && document.querySelector('h1').textContent == 'A long one'")
	var puts int
	var text string
	b.eval("puts", &puts)
	b.waitUntil("document.querySelector('textarea')?.value.includes('Written meanwhile')")
	b.eval("document.querySelector('.saving input').value", &text)
	if puts != 1 || text != "my-copy" || readFile(t, filepath.Join(p.routinesDir, "my-copy.toml")) != longRoutine {
		t.Errorf("saved %d times, as %s", puts, text)
	}
}
