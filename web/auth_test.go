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

const testToken = "a-token-of-our-own"

func withToken(s *web.Server) { s.Config.Token = testToken }

func TestAuthAccess(t *testing.T) {
	p := newTestServer(t, withToken)
	cookie := p.get("/?token=" + testToken).header.Get("Set-Cookie")
	pair, _, _ := strings.Cut(cookie, ";")
	for name, tt := range map[string]struct {
		path    string
		headers []string
		status  int
	}{
		"no token":                             {"/api/state", nil, 401},
		"no token, the page":                   {"/", nil, 401},
		"no token, a file of the page":         {"/page/index.html", nil, 401},
		"no token, live sound":                 {"/live.wav", nil, 401},
		"a wrong token":                        {"/api/state", []string{"Authorization: Bearer a-token-of-our-owm"}, 401},
		"an empty token":                       {"/api/state", []string{"Authorization: Bearer "}, 401},
		"a wrong token in the URL of the page": {"/?token=wrong", nil, 401},
		"the token in another URL":             {"/api/state?token=" + testToken, nil, 401},
		"the token as a cookie":                {"/api/state", []string{"Cookie: guided=" + testToken}, 401},
		"the token":                            {"/api/state", []string{"Authorization: Bearer " + testToken}, 200},
		"the cookie":                           {"/api/state", []string{"Cookie: " + pair}, 200},
		"the token in the URL of the page":     {"/?token=" + testToken, nil, 303},
		"the token in a link of another site":  {"/?token=" + testToken, []string{"Sec-Fetch-Site: cross-site"}, 200},
		"no token, the health check":           {"/healthz", nil, 200},
		"an audio file with a wrong token":     {"/audio/x/4-4-6.wav", nil, 404},
	} {
		t.Run(name, func(t *testing.T) {
			got := p.get(tt.path, tt.headers...)
			if got.status != tt.status {
				t.Errorf("%d, want %d: %s", got.status, tt.status, got.body)
			}
			if strings.Contains(got.body, testToken) {
				t.Error("the response contains the token")
			}
		})
	}
	if !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Strict") || strings.Contains(cookie, testToken) {
		t.Errorf("the cookie is %q", cookie)
	}
	if strings.Contains(p.log.String(), testToken) {
		t.Error("the log contains the token")
	}
}

func TestAuthAudioFilesNeedNoLogin(t *testing.T) {
	p := newTestServer(t, withToken)
	var list struct{ Routines []struct{ WAV, FLAC string } }
	p.waitFor("the library is read", func() bool {
		p.decode(p.get("/api/routines", "Authorization: Bearer "+testToken), &list)
		return len(list.Routines) > 0
	})
	for _, path := range []string{list.Routines[0].WAV, list.Routines[0].FLAC} {
		if got := p.request("HEAD", path, "", "Host: some.proxy.example"); got.status != http.StatusOK || strings.Contains(path, testToken) {
			t.Errorf("%s: %d", path, got.status)
		}
	}
}

func TestAuthTokenIsCreatedOnce(t *testing.T) {
	dir := t.TempDir()
	state := func(s *web.Server) { s.StateDir = dir }
	base := newTestServer(t, state).audioPath()
	if again := newTestServer(t, state).audioPath(); again != base {
		t.Errorf("audio files are under %s, and after a restart under %s", base, again)
	}
	info, err := os.Stat(filepath.Join(dir, web.TokenFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestAuthTokenRequiredBeyondLoopback(t *testing.T) {
	everywhere := func(s *web.Server) {
		_, port, _ := net.SplitHostPort(s.Config.Listen)
		s.Config.Listen = "0.0.0.0:" + port
	}
	p := newTestServer(t, everywhere)
	if got := p.get("/api/state"); got.status != http.StatusUnauthorized {
		t.Errorf("%d without a token", got.status)
	}
	if got := p.get("/api/state", "Authorization: Bearer "+p.token()); got.status != http.StatusOK {
		t.Errorf("%d with the token", got.status)
	}
	open := newTestServer(t, everywhere, func(s *web.Server) { s.Config.Open = true })
	if got := open.get("/api/state"); got.status != http.StatusOK {
		t.Errorf("%d on an open server", got.status)
	}
}
