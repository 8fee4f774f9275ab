package web_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// browser is a real Chromium with one page, driven through its pipe of commands (the Chrome DevTools Protocol).
type browser struct {
	t       *testing.T
	to      io.WriteCloser
	session string

	mu      sync.Mutex
	lastID  int
	pending map[int]chan message
	errors  []string // exceptions and logged errors of the page
}

type message struct {
	ID     int
	Method string
	Params struct {
		Exception struct {
			Text      string
			Exception struct{ Description string }
		} `json:"exceptionDetails"`
		Entry struct{ Level, Source, Text, URL string }
	}
	Result json.RawMessage
	Error  *struct{ Message string }
}

type params = map[string]any

// openBrowser opens a URL in a viewport of so many pixels. An error of the page fails the test; a failed test keeps a
// screenshot.
func openBrowser(t *testing.T, url string, width, height int) *browser {
	t.Helper()
	requireProgram(t, "chromium")
	commands, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	from, answers, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--mute-audio", "--autoplay-policy=no-user-gesture-required",
		"--remote-debugging-pipe", "--user-data-dir="+t.TempDir(), "--no-first-run", "--disable-dev-shm-usage", "about:blank")
	cmd.ExtraFiles = []*os.File{commands, answers}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	commands.Close()
	answers.Close()
	b := &browser{t: t, to: to, pending: map[int]chan message{}}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.readMessages(from)
	}()
	t.Cleanup(func() {
		if t.Failed() {
			b.screenshot("failed")
		}
		for _, m := range b.takeErrors() {
			t.Errorf("an error of the page: %s", m)
		}
		b.send("", "Browser.close", nil)
		_ = cmd.Wait() // its exit status after Browser.close means nothing
		to.Close()
		<-ended
		from.Close()
	})
	var target struct{ TargetID string }
	b.call("Target.createTarget", params{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", params{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		b.call(domain+".enable", nil, nil)
	}
	b.setViewport(width, height)
	b.call("Page.navigate", params{"url": url}, nil)
	return b
}

// readMessages delivers responses and collects page errors until the browser exits.
func (b *browser) readMessages(from io.Reader) {
	r := bufio.NewReader(from)
	for {
		data, err := r.ReadBytes(0)
		if err != nil {
			b.mu.Lock()
			defer b.mu.Unlock()
			for id, c := range b.pending {
				close(c)
				delete(b.pending, id)
			}
			return
		}
		var m message
		if json.Unmarshal(bytes.TrimSuffix(data, []byte{0}), &m) != nil {
			continue // an event of another shape
		}
		b.mu.Lock()
		if c := b.pending[m.ID]; c != nil {
			delete(b.pending, m.ID)
			c <- m
		}
		switch p := m.Params; {
		case m.Method == "Runtime.exceptionThrown":
			b.errors = append(b.errors, p.Exception.Text+" "+p.Exception.Exception.Description)
		case m.Method == "Log.entryAdded" && p.Entry.Level == "error":
			b.errors = append(b.errors, p.Entry.Text+" "+p.Entry.URL)
		}
		b.mu.Unlock()
	}
}

// takeErrors returns the errors of the page since the last call.
func (b *browser) takeErrors() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.errors
	b.errors = nil
	return all
}

// send sends a command. Its response comes over the channel, which is closed when the browser exits.
func (b *browser) send(session, method string, p params) chan message {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lastID++
	c := make(chan message, 1)
	b.pending[b.lastID] = c
	command := params{"id": b.lastID, "method": method, "params": p}
	if p == nil {
		command["params"] = params{}
	}
	if session != "" {
		command["sessionId"] = session
	}
	data, err := json.Marshal(command)
	if err == nil {
		_, err = b.to.Write(append(data, 0))
	}
	if err != nil {
		b.t.Errorf("%s: %v", method, err)
	}
	return c
}

// call sends a command and decodes its response into result, where that is not nil.
func (b *browser) call(method string, p params, result any) {
	b.t.Helper()
	select {
	case m, open := <-b.send(b.session, method, p):
		if !open || m.Error != nil {
			b.t.Fatalf("%s: %+v", method, m.Error)
		}
		if result != nil {
			if err := json.Unmarshal(m.Result, result); err != nil {
				b.t.Fatal(err)
			}
		}
	case <-time.After(30 * time.Second):
		b.t.Fatalf("%s: the browser does not answer", method)
	}
}

// setViewport sets the size of the page; a narrow one behaves as a phone.
func (b *browser) setViewport(width, height int) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", params{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}, nil)
}

// eval evaluates an expression in the page, awaits it where it is a promise, and decodes its value.
func (b *browser) eval(expression string, value any) {
	b.t.Helper()
	var r struct {
		Result    struct{ Value json.RawMessage }
		Exception *struct {
			Exception struct{ Description string }
		} `json:"exceptionDetails"`
	}
	b.call("Runtime.evaluate", params{"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true}, &r)
	if r.Exception != nil {
		b.t.Fatalf("%s: %s", expression, r.Exception.Exception.Description)
	}
	if value != nil {
		if err := json.Unmarshal(r.Result.Value, value); err != nil {
			b.t.Fatalf("%s: %v", expression, err)
		}
	}
}

// waitUntil waits until an expression of the page is true.
func (b *browser) waitUntil(expression string) {
	b.t.Helper()
	var ok bool
	b.eval(fmt.Sprintf(`new Promise((done) => {
		const end = Date.now() + 15000;
		(function look() {
			let is = false;
			try { is = Boolean(%s) } catch {}
			if (is || Date.now() > end) done(is); else setTimeout(look, 15);
		})();
	})`, expression), &ok)
	if !ok {
		b.t.Fatalf("waited in vain until %s", expression)
	}
}

// click clicks the element of a selector as soon as it is visible and enabled.
func (b *browser) click(selector string) {
	b.t.Helper()
	q := fmt.Sprintf("document.querySelector(%q)", selector)
	b.waitUntil(q + "?.checkVisibility() && !" + q + ".disabled")
	b.eval(q+".click()", nil)
}

// pressKeys presses one key after another.
func (b *browser) pressKeys(names ...string) {
	b.t.Helper()
	known := map[string]params{
		"Tab":       {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9},
		"Enter":     {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"},
		"Escape":    {"key": "Escape", "code": "Escape", "windowsVirtualKeyCode": 27},
		"ArrowLeft": {"key": "ArrowLeft", "code": "ArrowLeft", "windowsVirtualKeyCode": 37},
		"PageUp":    {"key": "PageUp", "code": "PageUp", "windowsVirtualKeyCode": 33},
		"Space":     {"key": " ", "code": "Space", "windowsVirtualKeyCode": 32, "text": " "},
	}
	for _, name := range names {
		p := known[name]
		if p == nil {
			p = params{"key": name, "text": name}
		}
		for _, kind := range []string{"keyDown", "keyUp"} {
			p["type"] = kind
			b.call("Input.dispatchKeyEvent", p, nil)
		}
	}
}

// screenshot saves the page as an image and logs its path.
func (b *browser) screenshot(name string) {
	var shot struct{ Data string }
	select {
	case m := <-b.send(b.session, "Page.captureScreenshot", nil):
		_ = json.Unmarshal(m.Result, &shot) // without a screenshot the test has failed all the same
	case <-time.After(10 * time.Second):
	}
	data, err := base64.StdEncoding.DecodeString(shot.Data)
	dir, err2 := os.MkdirTemp("", "guided-page-")
	if err != nil || err2 != nil || len(data) == 0 {
		return
	}
	file := filepath.Join(dir, strings.ReplaceAll(b.t.Name(), "/", "-")+"-"+name+".png")
	if os.WriteFile(file, data, 0o644) == nil {
		b.t.Logf("screenshot: %s", file)
	}
}
