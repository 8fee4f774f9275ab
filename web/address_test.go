package web_test

import (
	"log/slog"
	"strings"
	"testing"

	"guided/web"
)

func TestURLs(t *testing.T) {
	p := newTestServer(t)
	here := strings.TrimPrefix(p.url, "http://")
	log := slog.New(slog.DiscardHandler)
	got := web.FileURLs(web.Config{Listen: here}, web.LoadToken(web.Config{}, p.stateDir, log))("short")
	if want := p.url + p.audioPath() + "short"; got["wav"] != want+".wav" || got["flac"] != want+".flac" {
		t.Errorf("%v, want %s", got, want)
	}
	for name, tt := range map[string]struct {
		cfg   web.Config
		begin string
	}{
		"the address that was set": {web.Config{Listen: here, PublicURL: "http://mat.home/"}, "http://mat.home/audio/"},
		"all addresses":            {web.Config{Listen: "0.0.0.0:8099"}, "http://"},
	} {
		if got := web.FileURLs(tt.cfg, web.LoadToken(tt.cfg, p.stateDir, log))("my own one")["wav"]; !strings.HasPrefix(got, tt.begin) || !strings.HasSuffix(got, "/my%20own%20one.wav") || strings.Contains(got, "0.0.0.0") {
			t.Errorf("%s: %s", name, got)
		}
	}
	if web.FileURLs(web.Config{}, web.Token{}) != nil {
		t.Error("addresses without a server")
	}
}
