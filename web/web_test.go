package web_test

import (
	"strings"
	"testing"

	"guided/web"
)

func TestServerRunAddressInUse(t *testing.T) {
	p := newTestServer(t)
	err := web.Server{Config: web.Config{Listen: strings.TrimPrefix(p.url, "http://")}}.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "is taken") {
		t.Error(err)
	}
}

func TestConfigCheck(t *testing.T) {
	for name, tt := range map[string]struct {
		cfg  web.Config
		says string
	}{
		"no port":                {web.Config{Listen: "127.0.0.1"}, "web.listen"},
		"a path in the address":  {web.Config{PublicURL: "http://mat/guided"}, "web.public_url"},
		"no scheme":              {web.Config{PublicURL: "mat:8099"}, "web.public_url"},
		"open, and with a token": {web.Config{Open: true, Token: testToken}, "web.open"},
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
