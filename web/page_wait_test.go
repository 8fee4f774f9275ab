package web_test

import "testing"

// A hold that lasts until the listener says so shows one large button, and nothing goes on without it.
func TestThePageWaitsForTheListener(t *testing.T) {
	p, b := pageOf(t, 360, 740)
	b.eval("order = (verb, body) => fetch('/api/' + verb, {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body)}).then((r) => r.text())", nil)
	p.write("waits.toml", "title = \"It waits\"\n[[step]]\nname = \"Stay\"\nhold = \"until next\"\n[[step]]\nname = \"Rest\"\nrest = \"20s\"\n")
	b.eval("order('start', {routine: 'waits'})", nil)
	b.eval("location.hash = '#/now'", nil)
	b.click("#now .big")
	b.until("document.querySelector('.step').textContent == 'Rest' && document.querySelector('#now .big').hidden")
}
