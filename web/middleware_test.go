package web_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"guided/web"
)

func TestAllowedHosts(t *testing.T) {
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	own := newTestServer(t)
	public := newTestServer(t, func(s *web.Server) { s.Config.PublicURL = "http://mat.home:8099" })
	open := newTestServer(t, func(s *web.Server) { s.Config.Open = true })
	for host, want := range map[string]struct{ loopback, token, public, open int }{ // without a token, with it, with it and a public URL, on an open server
		"localhost":              {200, 200, 200, 200},
		"localhost:8099":         {200, 200, 200, 200},
		"LOCALHOST.":             {200, 200, 200, 200},
		"127.0.0.1:1":            {200, 200, 200, 200},
		"127.9.9.9":              {200, 200, 200, 200},
		"[::1]:8099":             {200, 200, 200, 200},
		name:                     {401, 200, 200, 200},
		name + ".local":          {401, 200, 200, 200},
		"other.local:8099":       {401, 200, 200, 421},
		"mat.home":               {421, 421, 200, 421},
		"evil.example":           {421, 421, 421, 421},
		"localhost.evil.example": {421, 421, 421, 421},
		"127.0.0.1.evil.example": {421, 421, 421, 421},
		"mat.home.evil.example":  {421, 421, 421, 421},
		"evil.localhost":         {421, 421, 421, 421},
		"192.0.2.1":              {421, 421, 421, 421},
		"local":                  {421, 421, 421, 421},
		"2130706433":             {421, 421, 421, 421},
		"mat.local@evil.example": {421, 421, 421, 421},
	} {
		for what, tt := range map[string]struct {
			p      *testServer
			token  bool
			status int
		}{
			"without a token":   {own, false, want.loopback},
			"with the token":    {own, true, want.token},
			"with a public URL": {public, true, want.public},
			"on an open server": {open, false, want.open},
		} {
			headers := []string{"Host: " + host}
			if tt.token {
				headers = append(headers, "Authorization: Bearer "+tt.p.token())
			}
			if got := tt.p.get("/api/state", headers...); got.status != tt.status {
				t.Errorf("%s, %s: %d, want %d", host, what, got.status, tt.status)
			}
		}
	}
}

// What a proxy on the same machine hands on comes over loopback too.
func TestLoopbackThroughProxyNeedsToken(t *testing.T) {
	p := newTestServer(t)
	for _, header := range []string{"X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: https", "X-Forwarded-Host: mat.home", "Forwarded: for=192.0.2.7", "Via: 1.1 proxy", "X-Real-IP: 192.0.2.7", "x-ingress-path: /x"} {
		if got := p.get("/api/state", header); got.status != http.StatusUnauthorized {
			t.Errorf("%s: %d without a token", header, got.status)
		}
		if got := p.get("/api/state", header, "Authorization: Bearer "+p.token()); got.status != http.StatusOK {
			t.Errorf("%s: %d with the token", header, got.status)
		}
	}
	if got := p.raw("GET /api/state HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n"); !strings.Contains(got, " 401 ") {
		t.Errorf("HTTP/1.0 without a token: %s", got)
	}
	public := newTestServer(t, func(s *web.Server) { s.Config.PublicURL = "https://mat.home" })
	for _, r := range []struct{ method, path, body string }{{"GET", "/api/state", ""}, {"GET", "/", ""}, {"POST", "/api/stop", "{}"}, {"PUT", "/api/routines/mine", `{"toml":""}`}, {"GET", "/live.wav", ""}} {
		if got := public.request(r.method, r.path, r.body); got.status != http.StatusUnauthorized {
			t.Errorf("with a public URL, %s %s: %d without a token", r.method, r.path, got.status)
		}
	}
}

// A hostile page can make a browser ask for images, sounds and event streams, of which it sees nothing.
func TestCrossOriginReadsAreRefused(t *testing.T) {
	p := newTestServer(t)
	for _, path := range []string{"/api/state", "/api/events", "/live.wav", "/api/timeline/short.svg", "/page/app.js"} {
		for _, headers := range [][]string{{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"}, {"Sec-Fetch-Site: same-site"}, {"Origin: http://evil.example"}, {"Origin: null"}} {
			if got := p.request("HEAD", path, "", headers...); got.status != http.StatusForbidden {
				t.Errorf("%s with %v: %d", path, headers, got.status)
			}
		}
		if got := p.request("HEAD", path, "", "Sec-Fetch-Site: same-origin", "Origin: "+p.url); got.status != http.StatusOK {
			t.Errorf("%s of our own page: %d", path, got.status)
		}
	}
	if got := p.get("/", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"); got.status != http.StatusOK {
		t.Errorf("a link to the page: %d", got.status)
	}
}

func TestCrossOriginRequestsAreRefused(t *testing.T) {
	p := newTestServer(t, func(s *web.Server) { s.Config.PublicURL = "https://mat.home" })
	login := "Authorization: Bearer " + p.token()
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
				if got := p.request(r.method, r.path, r.body, append(tt.headers, login)...); got.status != tt.status {
					t.Errorf("%s %s: %d, want %d: %s", r.method, r.path, got.status, tt.status, got.body)
				}
			}
		})
	}
	if got := p.request("DELETE", "/api/routines/short", "", "Sec-Fetch-Site: cross-site", login); got.status != 403 {
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

// A connection ends, or gets a plain answer, whatever the first line is; the server goes on.
func TestOddRequests(t *testing.T) {
	p := newTestServer(t)
	host := "Host: localhost\r\n"
	for _, tt := range []struct{ request, status string }{
		{"BREW /api/state HTTP/1.1\r\n" + host + "\r\n", "405"},
		{"TRACE / HTTP/1.1\r\n" + host + "\r\n", "405"},
		{"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost:1\r\n\r\n", "4"},
		{"POST /api/../api/stop HTTP/1.1\r\n" + host + "Content-Length: 2\r\n\r\n{}", "3"},
		{"GET /api/routines/%2e%2e%2f%2e%2e%2fetc%2fpasswd HTTP/1.1\r\n" + host + "\r\n", "404"},
		{"GET /api/routines/%00 HTTP/1.1\r\n" + host + "\r\n", "404"},
		{"GET /api/routines/a%00b/breaths HTTP/1.1\r\n" + host + "\r\n", "404"},
		{"GET //evil.example/ HTTP/1.1\r\n" + host + "\r\n", "3"},
		{"GET /page/..%2f..%2fserver.go HTTP/1.1\r\n" + host + "\r\n", "4"},
		{"GET /api/routines/" + strings.Repeat("x", 8000) + " HTTP/1.1\r\n" + host + "\r\n", "404"},
		{"GET /" + strings.Repeat("x", 100_000) + " HTTP/1.1\r\n" + host + "\r\n", "431"},
		{"GET / HTTP/1.1\r\n" + host + strings.Repeat("X-Y: "+strings.Repeat("z", 1000)+"\r\n", 100) + "\r\n", "431"},
		{"GET / HTTP/1.1\r\n\r\n", "400"},
		{"GET / HTTP/1.1\r\nHost: a\r\nHost: localhost\r\n\r\n", "400"},
		{"POST /api/stop HTTP/1.1\r\n" + host + "Content-Type: application/json\r\nContent-Length: 3\r\nContent-Length: 2\r\n\r\n{}", "400"},
		{"POST /api/stop HTTP/1.1\r\n" + host + "Content-Type: application/json\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", "501"},
		{"GET / SPDY/9\r\n\r\n", "400"},
		{"\x16\x03\x01\x00\r\n\r\n", "400"},
	} {
		if got := p.raw(tt.request); !strings.HasPrefix(strings.TrimPrefix(got, "HTTP/1.1 "), tt.status) && !strings.HasPrefix(strings.TrimPrefix(got, "HTTP/1.0 "), tt.status) || len(got) > 2000 {
			t.Errorf("%.80q: %d bytes, %.200q, want %s", tt.request, len(got), got, tt.status)
		}
	}
	if got := p.get("/api/state"); got.status != http.StatusOK {
		t.Errorf("%d at the end", got.status)
	}
}
