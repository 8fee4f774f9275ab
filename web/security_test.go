package web_test

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guided/web"
)

const token = "a-token-of-our-own"

func guarded(s *web.Server) { s.Config.Token = token }

func TestWhoMayComeIn(t *testing.T) {
	p := newPlace(t, guarded)
	cookie := p.get("/?token=" + token).header.Get("Set-Cookie")
	kept, _, _ := strings.Cut(cookie, ";")
	for name, tt := range map[string]struct {
		path    string
		headers []string
		status  int
	}{
		"nobody":                            {"/api/state", nil, 401},
		"nobody, at the page":               {"/", nil, 401},
		"nobody, at a part of the page":     {"/page/index.html", nil, 401},
		"nobody, to listen":                 {"/live.wav", nil, 401},
		"a wrong token":                     {"/api/state", []string{"Authorization: Bearer a-token-of-our-owm"}, 401},
		"an empty token":                    {"/api/state", []string{"Authorization: Bearer "}, 401},
		"a wrong token in the address":      {"/?token=wrong", nil, 401},
		"a token in another address":        {"/api/state?token=" + token, nil, 401},
		"a cookie that is the token":        {"/api/state", []string{"Cookie: guided=" + token}, 401},
		"the token":                         {"/api/state", []string{"Authorization: Bearer " + token}, 200},
		"the cookie":                        {"/api/state", []string{"Cookie: " + kept}, 200},
		"the token in the address":          {"/?token=" + token, nil, 303},
		"the token, from a link elsewhere":  {"/?token=" + token, []string{"Sec-Fetch-Site: cross-site"}, 200},
		"somebody who asks if all is well":  {"/healthz", nil, 200},
		"a speaker without the path's part": {"/audio/x/4-4-6.wav", nil, 404},
	} {
		t.Run(name, func(t *testing.T) {
			got := p.get(tt.path, tt.headers...)
			if got.status != tt.status {
				t.Errorf("%d, want %d: %s", got.status, tt.status, got.body)
			}
			if strings.Contains(got.body, token) {
				t.Error("the answer tells the token")
			}
		})
	}
	if !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Strict") || strings.Contains(cookie, token) {
		t.Errorf("the cookie is %q", cookie)
	}
	if strings.Contains(p.log.String(), token) {
		t.Error("the log tells the token")
	}
}

func TestASpeakerNeedsNoLogin(t *testing.T) {
	p := newPlace(t, guarded)
	var list struct{ Routines []struct{ WAV, FLAC string } }
	p.eventually("the library is read", func() bool {
		p.json(p.get("/api/routines", "Authorization: Bearer "+token), &list)
		return len(list.Routines) > 0
	})
	for _, path := range []string{list.Routines[0].WAV, list.Routines[0].FLAC} {
		if got := p.ask("HEAD", path, "", "Host: some.proxy.example"); got.status != http.StatusOK || strings.Contains(path, token) {
			t.Errorf("%s: %d", path, got.status)
		}
	}
}

func TestTheTokenIsMadeOnce(t *testing.T) {
	dir := t.TempDir()
	state := func(s *web.Server) { s.StateDir = dir }
	base := newPlace(t, state).audio()
	if again := newPlace(t, state).audio(); again != base {
		t.Errorf("files lie at %s, and after a restart at %s", base, again)
	}
	info, err := os.Stat(filepath.Join(dir, web.TokenFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestBeyondLoopbackATokenIsNeeded(t *testing.T) {
	everywhere := func(s *web.Server) {
		_, port, _ := net.SplitHostPort(s.Config.Listen)
		s.Config.Listen = "0.0.0.0:" + port
	}
	p := newPlace(t, everywhere)
	if got := p.get("/api/state"); got.status != http.StatusUnauthorized {
		t.Errorf("%d without a token", got.status)
	}
	if got := p.get("/api/state", "Authorization: Bearer "+p.token()); got.status != http.StatusOK {
		t.Errorf("%d with the token", got.status)
	}
	open := newPlace(t, everywhere, func(s *web.Server) { s.Config.Open = true })
	if got := open.get("/api/state"); got.status != http.StatusOK {
		t.Errorf("%d where everybody may come in", got.status)
	}
}

func TestStrangersNames(t *testing.T) {
	p := newPlace(t, func(s *web.Server) { s.Config.PublicURL = "http://mat.home:8099" })
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

func TestOtherSitesGiveNoCommands(t *testing.T) {
	p := newPlace(t, func(s *web.Server) { s.Config.PublicURL = "https://mat.home" })
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
				if got := p.ask(r.method, r.path, r.body, tt.headers...); got.status != tt.status {
					t.Errorf("%s %s: %d, want %d: %s", r.method, r.path, got.status, tt.status, got.body)
				}
			}
		})
	}
	if got := p.ask("DELETE", "/api/routines/short", "", "Sec-Fetch-Site: cross-site"); got.status != 403 {
		t.Errorf("another site may delete: %d", got.status)
	}
}

func TestBrowsersAreToldToTrustNobody(t *testing.T) {
	p := newPlace(t)
	for _, path := range []string{"/", "/page/index.html", "/api/state", "/nowhere"} {
		h := p.get(path).header
		if !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'self'") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

func TestTooLargeABody(t *testing.T) {
	p := newPlace(t)
	for _, r := range []struct{ method, path string }{{"POST", "/api/check"}, {"POST", "/api/start"}, {"PUT", "/api/routines/mine"}} {
		if got := p.ask(r.method, r.path, `{"toml":"`+strings.Repeat("x", 300<<10)+`"}`); got.status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s %s: %d", r.method, r.path, got.status)
		}
	}
}

func TestATakenAddressIsTold(t *testing.T) {
	p := newPlace(t)
	err := web.Server{Config: web.Config{Listen: strings.TrimPrefix(p.url, "http://")}}.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "is taken") {
		t.Error(err)
	}
}

func TestSettingsThatCannotBe(t *testing.T) {
	for name, tt := range map[string]struct {
		cfg  web.Config
		says string
	}{
		"no port":                {web.Config{Listen: "127.0.0.1"}, "web.listen"},
		"a path in the address":  {web.Config{PublicURL: "http://mat/guided"}, "web.public_url"},
		"no scheme":              {web.Config{PublicURL: "mat:8099"}, "web.public_url"},
		"open, and with a token": {web.Config{Open: true, Token: token}, "web.open"},
		"a short token":          {web.Config{Token: "secret"}, "web.token"},
	} {
		t.Run(name, func(t *testing.T) {
			if wrong := tt.cfg.Check(); len(wrong) != 1 || !strings.Contains(wrong[0], tt.says) || strings.Contains(wrong[0], "secret") {
				t.Error(wrong)
			}
		})
	}
	if wrong := (web.Config{Listen: "0.0.0.0:8099", PublicURL: "http://192.168.1.50:8099/"}).Check(); wrong != nil {
		t.Error(wrong)
	}
}
