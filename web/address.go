package web

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
)

// URLs gives the addresses of a routine's files by their kind, "wav" and "flac", as a speaker may be told them. It is
// nil where nothing is served.
func URLs(cfg Config, log *slog.Logger) func(routine string) map[string]string {
	l, err := newAuth(cfg, nil, log)
	if cfg.Listen == "" || err != nil {
		return nil
	}
	base := baseURL(cfg) + "/audio/" + l.audioToken() + "/"
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
	return baseURL(cfg) + "/"
}

// baseURL is what others reach the server by. An address that stands for all of them is the first of this machine.
func baseURL(cfg Config) string {
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

func parsePublicURL(s string) (*url.URL, error) {
	if s == "" {
		return nil, nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" || u.User != nil || u.RawQuery != "" {
		return nil, fmt.Errorf(`web.public_url: %q is not an address such as "http://192.168.1.50:8099"`, s)
	}
	return u, nil
}

// hostname is the name of this machine, "" where it has none.
func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}
