package web_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"guided/web"
)

func TestAllowedHosts(t *testing.T) {
	p := newTestServer(t, func(s *web.Server) { s.Config.PublicURL = "http://mat.home:8099" })
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for host, status := range map[string]int{
		"localhost": 200, "localhost:8099": 200, "LOCALHOST.": 200, "127.0.0.1:1": 200, "[::1]:8099": 200, "mat.home": 200, "mat.local:8099": 200, name: 200,
		"evil.example": 421, "localhost.evil.example": 421, "mat.home.evil.example": 421, "192.0.2.1": 421, "local": 421, "2130706433": 421, "mat.local@evil.example": 421,
	} {
		if got := p.get("/api/state", "Host: "+host); got.status != status {
			t.Errorf("%s: %d, want %d", host, got.status, status)
		}
	}
}

func TestCrossOriginRequestsAreRefused(t *testing.T) {
	p := newTestServer(t, func(s *web.Server) { s.Config.PublicURL = "https://mat.home" })
	for name, tt := range map[string]struct {
		headers []string
		status  int
	}{
		"our page":                     {[]string{"Sec-Fetch-Site: same-origin"}, 200},
		"a program":                    {nil, 200},
		"our page behind a proxy":      {[]string{"Origin: https://mat.home"}, 200},
		"another site":                 {[]string{"Sec-Fetch-Site: cross-site"}, 403},
		"another port of this machine": {[]string{"Sec-Fetch-Site: same-site"}, 403},
		"an old browser elsewhere":     {[]string{"Origin: http://evil.example"}, 403},
		"a page without an origin":     {[]string{"Origin: null"}, 403},
		"a plain form":                 {[]string{"Content-Type: text/plain"}, 415},
	} {
		t.Run(name, func(t *testing.T) {
			for _, r := range []struct{ method, path, body string }{{"POST", "/api/status", "{}"}, {"POST", "/api/check", `{"toml":""}`}} {
				if got := p.request(r.method, r.path, r.body, tt.headers...); got.status != tt.status {
					t.Errorf("%s %s: %d, want %d: %s", r.method, r.path, got.status, tt.status, got.body)
				}
			}
		})
	}
	if got := p.request("DELETE", "/api/routines/short", "", "Sec-Fetch-Site: cross-site"); got.status != 403 {
		t.Errorf("another site may delete: %d", got.status)
	}
}

func TestSecurityHeaders(t *testing.T) {
	p := newTestServer(t)
	for _, path := range []string{"/", "/page/index.html", "/api/state", "/nowhere"} {
		h := p.get(path).header
		if !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'self'") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

func TestBodyTooLarge(t *testing.T) {
	p := newTestServer(t)
	for _, r := range []struct{ method, path string }{{"POST", "/api/check"}, {"POST", "/api/start"}, {"PUT", "/api/routines/mine"}} {
		if got := p.request(r.method, r.path, `{"toml":"`+strings.Repeat("x", 300<<10)+`"}`); got.status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s %s: %d", r.method, r.path, got.status)
		}
	}
}
