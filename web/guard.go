package web

import (
	"mime"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// mostBody is the largest body of a request, in bytes: a routine is a few thousand.
const mostBody = 256 << 10

// policy lets a page use what this server sends, and pictures made in the page.
const policy = "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// safe tells browsers to trust nothing but this server.
func safe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}

// hosts are the names this server may be called by. A page of a stranger can let a name of its own point here (DNS
// rebinding); it cannot choose one of these.
type hosts struct {
	names []string
	at    net.Addr
}

func newHosts(cfg Config, at net.Addr) hosts {
	known := hosts{names: []string{"localhost"}, at: at}
	if public, err := parsePublicURL(cfg.PublicURL); err == nil && public != nil {
		known.names = append(known.names, strings.ToLower(public.Hostname()))
	}
	if name := strings.ToLower(machine()); name != "" {
		known.names = append(known.names, name)
	}
	return known
}

// has tells whether a Host header names this server; local is the address that the request came to.
func (h hosts) has(host string, local net.Addr) bool {
	name := host
	if split, _, err := net.SplitHostPort(host); err == nil {
		name = split
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if ip, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		ip = ip.Unmap().WithZone("")
		return ip.IsLoopback() || ip == ipOf(h.at) || ip == ipOf(local)
	}
	return slices.Contains(h.names, name) || strings.HasSuffix(name, ".local")
}

func ipOf(a net.Addr) netip.Addr {
	if tcp, is := a.(*net.TCPAddr); is {
		return tcp.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

func (h hosts) only(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		if !h.has(r.Host, local) {
			say(w, http.StatusMisdirectedRequest, "guided is not known by this name; set public_url in the section [web] to what you wrote")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// sameOrigin refuses what the page of another site asks for.
func (s *server) sameOrigin(next http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	if public, err := parsePublicURL(s.cfg.PublicURL); err == nil && public != nil {
		if err := guard.AddTrustedOrigin(public.Scheme + "://" + public.Host); err != nil {
			s.log.Warn("pages under web.public_url cannot give commands", "err", err)
		}
	}
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusForbidden, failure{Error: "a page of another site asked for this; guided does only what its own page asks for"})
	}))
	return guard.Handler(next)
}

// bodies refuses a body that is too large, and one that a plain form could have sent.
func bodies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if (r.Method == http.MethodPost || r.Method == http.MethodPut) && kind != "application/json" {
			answer(w, http.StatusUnsupportedMediaType, failure{Error: "send JSON, with the header Content-Type: application/json"})
			return
		}
		if r.ContentLength != 0 { // else a deadline would end what is sent without an end
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(answerTime)) // a connection that cannot has gone
		}
		r.Body = http.MaxBytesReader(w, r.Body, mostBody)
		next.ServeHTTP(w, r)
	})
}
