package web

import (
	"mime"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// maxBodyBytes is the largest request body: a routine has a few thousand bytes.
const maxBodyBytes = 256 << 10

// contentSecurityPolicy lets the page use what this server sends, and images made in the page.
const contentSecurityPolicy = "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// secureHeaders makes browsers load nothing from other servers, guess no content type and send no referrer.
func secureHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", contentSecurityPolicy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}

// allowedHosts are the names by which this server may be called. A hostile site can point a name of its own at this
// address (DNS rebinding), but it cannot take one of these.
type allowedHosts struct {
	names []string
	addr  net.Addr // that the server listens on
}

func newAllowedHosts(cfg Config, addr net.Addr) allowedHosts {
	allowed := allowedHosts{names: []string{"localhost"}, addr: addr}
	if public, err := parsePublicURL(cfg.PublicURL); err == nil && public != nil {
		allowed.names = append(allowed.names, strings.ToLower(public.Hostname()))
	}
	if name, err := os.Hostname(); err == nil && name != "" {
		allowed.names = append(allowed.names, strings.ToLower(name))
	}
	return allowed
}

// allows reports whether a Host header names this server; local is the address at which the request arrived.
func (a allowedHosts) allows(host string, local net.Addr) bool {
	name := host
	if split, _, err := net.SplitHostPort(host); err == nil {
		name = split
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if ip, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		ip = ip.Unmap().WithZone("")
		return ip.IsLoopback() || ip == ipOf(a.addr) || ip == ipOf(local)
	}
	return slices.Contains(a.names, name) || strings.HasSuffix(name, ".local")
}

func ipOf(a net.Addr) netip.Addr {
	if tcp, is := a.(*net.TCPAddr); is {
		return tcp.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

// require answers 421 to a request for another host.
func (a allowedHosts) require(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		if !a.allows(r.Host, local) {
			writeText(w, http.StatusMisdirectedRequest, "guided is not known by this name; set public_url in the section [web] to what you wrote")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// requireSameOrigin refuses requests that change something and come from the page of another site.
func (h *handlers) requireSameOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	if public, err := parsePublicURL(h.Config.PublicURL); err == nil && public != nil {
		if err := protection.AddTrustedOrigin(public.Scheme + "://" + public.Host); err != nil {
			h.Log.Warn("pages under web.public_url cannot give commands", "err", err)
		}
	}
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusForbidden, errorResponse{Error: "a page of another site asked for this; guided does only what its own page asks for"})
	}))
	return protection.Handler(next)
}

// limitBody refuses a body that a plain HTML form could send, and limits the size and the time of any other.
func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if (r.Method == http.MethodPost || r.Method == http.MethodPut) && kind != "application/json" {
			writeJSON(w, http.StatusUnsupportedMediaType, errorResponse{Error: "send JSON, with the header Content-Type: application/json"})
			return
		}
		if r.ContentLength != 0 { // without a body, the deadline would end an event stream or live sound
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(responseTimeout)) // it fails on a closed connection only
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBodyBytes)
		next.ServeHTTP(w, r)
	})
}

// recoverPanics logs a panic and answers 500. Where the response has begun it cuts the connection instead, so that the
// client does not take a part for the whole.
func (h *handlers) recoverPanics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tracked := &trackedWriter{ResponseWriter: w}
		defer func() {
			p := recover()
			switch {
			case p == nil:
				return
			case p == http.ErrAbortHandler:
				panic(p)
			}
			h.Log.Error("a request failed inside guided", "method", r.Method, "panic", p, "stack", string(debug.Stack()))
			if tracked.started {
				panic(http.ErrAbortHandler)
			}
			writeText(w, http.StatusInternalServerError, "this failed inside guided; its log tells more")
		}()
		next.ServeHTTP(tracked, r)
	})
}

// trackedWriter records whether the response has begun.
type trackedWriter struct {
	http.ResponseWriter
	started bool
}

func (t *trackedWriter) WriteHeader(status int) {
	t.started = true
	t.ResponseWriter.WriteHeader(status)
}

func (t *trackedWriter) Write(p []byte) (int, error) {
	t.started = true
	return t.ResponseWriter.Write(p)
}

// Unwrap gives [http.ResponseController] the writer that has deadlines.
func (t *trackedWriter) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// revalidate makes a browser ask each time whether its copy of a file is still current.
func revalidate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		next.ServeHTTP(w, r)
	})
}
