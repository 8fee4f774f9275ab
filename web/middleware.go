package web

import (
	"mime"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// maxBodyBytes is the largest body of a request, in bytes: a routine is a few thousand.
const maxBodyBytes = 256 << 10

// contentSecurityPolicy lets a page use what this server sends, and pictures made in the page.
const contentSecurityPolicy = "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// secureHeaders tells browsers to trust nothing but this server.
func secureHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentSecurityPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}

// allowedHosts are the names this server may be called by. A page of a stranger can let a name of its own point here (DNS
// rebinding); it cannot choose one of these.
type allowedHosts struct {
	names []string
	addr  net.Addr
}

func newAllowedHosts(cfg Config, at net.Addr) allowedHosts {
	known := allowedHosts{names: []string{"localhost"}, addr: at}
	if public, err := parsePublicURL(cfg.PublicURL); err == nil && public != nil {
		known.names = append(known.names, strings.ToLower(public.Hostname()))
	}
	if name := strings.ToLower(hostname()); name != "" {
		known.names = append(known.names, name)
	}
	return known
}

// allows tells whether a Host header names this server; local is the address that the request came to.
func (h allowedHosts) allows(host string, local net.Addr) bool {
	name := host
	if split, _, err := net.SplitHostPort(host); err == nil {
		name = split
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if ip, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		ip = ip.Unmap().WithZone("")
		return ip.IsLoopback() || ip == ipOf(h.addr) || ip == ipOf(local)
	}
	return slices.Contains(h.names, name) || strings.HasSuffix(name, ".local")
}

func ipOf(a net.Addr) netip.Addr {
	if tcp, is := a.(*net.TCPAddr); is {
		return tcp.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

func (h allowedHosts) require(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		if !h.allows(r.Host, local) {
			writeText(w, http.StatusMisdirectedRequest, "guided is not known by this name; set public_url in the section [web] to what you wrote")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// requireSameOrigin refuses what the page of another site asks for.
func (s *handlers) requireSameOrigin(next http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	if public, err := parsePublicURL(s.cfg.PublicURL); err == nil && public != nil {
		if err := guard.AddTrustedOrigin(public.Scheme + "://" + public.Host); err != nil {
			s.log.Warn("pages under web.public_url cannot give commands", "err", err)
		}
	}
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusForbidden, errorResponse{Error: "a page of another site asked for this; guided does only what its own page asks for"})
	}))
	return guard.Handler(next)
}

// limitBody refuses a body that is too large, and one that a plain form could have sent.
func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if (r.Method == http.MethodPost || r.Method == http.MethodPut) && kind != "application/json" {
			writeJSON(w, http.StatusUnsupportedMediaType, errorResponse{Error: "send JSON, with the header Content-Type: application/json"})
			return
		}
		if r.ContentLength != 0 { // else a deadline would end what is sent without an end
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(responseTimeout)) // a connection that cannot has gone
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBodyBytes)
		next.ServeHTTP(w, r)
	})
}

// recoverPanics answers a panic, and logs it.
func (s *handlers) recoverPanics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := &trackedWriter{ResponseWriter: w}
		defer func() {
			p := recover()
			switch {
			case p == nil:
				return
			case p == http.ErrAbortHandler:
				panic(p)
			}
			s.log.Error("a request failed inside guided", "method", r.Method, "panic", p, "stack", string(debug.Stack()))
			if begun.started {
				panic(http.ErrAbortHandler) // nobody may take what was sent for the whole
			}
			writeText(w, http.StatusInternalServerError, "this failed inside guided; its log tells more")
		}()
		next.ServeHTTP(begun, r)
	})
}

// trackedWriter notes whether an answer has begun.
type trackedWriter struct {
	http.ResponseWriter
	started bool
}

func (b *trackedWriter) WriteHeader(status int) {
	b.started = true
	b.ResponseWriter.WriteHeader(status)
}

func (b *trackedWriter) Write(p []byte) (int, error) {
	b.started = true
	return b.ResponseWriter.Write(p)
}

// Unwrap lets deadlines be set.
func (b *trackedWriter) Unwrap() http.ResponseWriter { return b.ResponseWriter }

// revalidate has a browser ask each time whether a file is still the same.
func revalidate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		next.ServeHTTP(w, r)
	})
}
