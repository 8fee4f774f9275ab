package web

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// FileURLs returns a function from a routine's name to the URLs of its audio files by format, "wav" and "flac", as a speaker
// on the network uses them. It is nil where the server is off.
func FileURLs(cfg Config, token Token) func(routine string) map[string]string {
	a := auth{token: token.value}
	if cfg.Listen == "" {
		return nil
	}
	base := baseURL(cfg) + "/audio/" + a.audioToken() + "/"
	return func(routine string) map[string]string {
		file := base + url.PathEscape(routine)
		return map[string]string{"wav": file + ".wav", "flac": file + ".flac"}
	}
}

// PageURL returns the URL of the page as other machines reach it, "" where they cannot: the server is off
// or on loopback, and the settings name no public URL.
func PageURL(cfg Config) string {
	host, _, err := net.SplitHostPort(cfg.Listen)
	if ip, wrong := netip.ParseAddr(host); cfg.PublicURL == "" && (err != nil || host == "localhost" || wrong == nil && ip.IsLoopback()) {
		return ""
	}
	return baseURL(cfg) + "/"
}

// baseURL returns the URL by which other machines reach the server. Where it listens on every address, that is the
// machine's first one.
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

// lanAddress returns the first IPv4 address of this machine beyond loopback and link-local ones.
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

// parsePublicURL checks the setting web.public_url: scheme and host only. It returns nil for "".
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
