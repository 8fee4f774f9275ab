package web

import (
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// URLs gives the addresses of a routine's files by their kind, "wav" and "flac", as a speaker may be told them. It is
// nil where nothing is served.
func URLs(cfg Config, log *slog.Logger) func(routine string) map[string]string {
	l, err := newLogin(cfg, nil, log)
	if cfg.Listen == "" || err != nil {
		return nil
	}
	base := reached(cfg) + "/audio/" + l.speakers() + "/"
	return func(routine string) map[string]string {
		file := base + url.PathEscape(routine)
		return map[string]string{"wav": file + ".wav", "flac": file + ".flac"}
	}
}

// Page is the address of the page as others in the house reach it, "" where they cannot.
func Page(cfg Config) string {
	host, _, err := net.SplitHostPort(cfg.Listen)
	if ip, wrong := netip.ParseAddr(host); cfg.PublicURL == "" && (err != nil || host == "localhost" || wrong == nil && ip.IsLoopback()) {
		return ""
	}
	return reached(cfg) + "/"
}

// reached is what others reach the server by. An address that stands for all of them is the first of this machine.
func reached(cfg Config) string {
	if cfg.PublicURL != "" {
		return strings.TrimRight(cfg.PublicURL, "/")
	}
	host, port, err := net.SplitHostPort(cfg.Listen)
	if ip, wrong := netip.ParseAddr(host); err == nil && (host == "" || wrong == nil && ip.IsUnspecified()) {
		host = lanAddress()
	}
	return "http://" + net.JoinHostPort(host, port)
}

func lanAddress() string {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return "127.0.0.1"
	}
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() && !p.Addr().IsLoopback() && !p.Addr().IsLinkLocalUnicast() {
			return p.Addr().String()
		}
	}
	return "127.0.0.1"
}
