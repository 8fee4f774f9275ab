package web

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	maxBodyBytes   = 256 << 10 // the largest request body: a routine has a few thousand bytes
	smallBodyBytes = 16 << 10  // a body that does not count towards maxBodies: any command
	maxBodies      = 8 << 20   // all larger bodies together
)

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
// address (DNS rebinding). Where a token is asked for, its page cannot send one; but on an open server it must not
// pass, so there the names are only those that belong to this machine for certain.
type allowedHosts struct {
	names []string
	addr  net.Addr // that the server listens on
	open  bool
}

func newAllowedHosts(cfg Config, addr net.Addr) allowedHosts {
	allowed := allowedHosts{names: []string{"localhost"}, addr: addr, open: cfg.Open}
	if public, err := parsePublicURL(cfg.PublicURL); err == nil && public != nil {
		allowed.names = append(allowed.names, strings.ToLower(public.Hostname()))
	}
	if name, err := os.Hostname(); err == nil && name != "" {
		name = strings.ToLower(name)
		allowed.names = append(allowed.names, name, name+".local")
	}
	return allowed
}

// allows reports whether a Host header names this server; local is the address at which the request arrived.
func (a allowedHosts) allows(host string, local net.Addr) bool {
	name := hostName(host)
	if ip, err := netip.ParseAddr(name); err == nil {
		ip = ip.Unmap().WithZone("")
		return ip.IsLoopback() || ip == ipOf(a.addr) || ip == ipOf(local)
	}
	return slices.Contains(a.names, name) || strings.HasSuffix(name, ".local") && !a.open
}

// hostName is the name or the address of a Host header, without its port, in small letters.
func hostName(host string) string {
	name := host
	if split, _, err := net.SplitHostPort(host); err == nil {
		name = split
	}
	return strings.Trim(strings.ToLower(strings.TrimSuffix(name, ".")), "[]")
}

// isLoopbackHost reports whether a Host header is a name or an address of loopback, which no site can have.
func isLoopbackHost(host string) bool {
	name := hostName(host)
	ip, err := netip.ParseAddr(name)
	return name == "localhost" || err == nil && ip.Unmap().IsLoopback()
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

// requireSameOrigin refuses requests that come from the page of another site: those that change something, and those
// that only read too, because an image, a sound or an event stream in a hostile page would make work here. Only a link
// to the page itself is followed.
func (h *handlers) requireSameOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	publicOrigin := ""
	if public, err := parsePublicURL(h.Config.PublicURL); err == nil && public != nil {
		publicOrigin = public.Scheme + "://" + public.Host
		if err := protection.AddTrustedOrigin(publicOrigin); err != nil {
			h.Log.Warn("pages under web.public_url cannot give commands", "err", err)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		isPage := r.URL.Path == "/" && r.Method == http.MethodGet
		if protection.Check(r) != nil || !isPage && isCrossOrigin(r, publicOrigin) {
			writeJSON(w, http.StatusForbidden, errorResponse{Error: "a page of another site asked for this; guided does only what its own page asks for"})
			return
		}
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// isCrossOrigin reports whether a browser says that a request comes from another site, or from another port of this one.
func isCrossOrigin(r *http.Request, publicOrigin string) bool {
	origin, site := r.Header.Get("Origin"), r.Header.Get("Sec-Fetch-Site")
	switch {
	case origin != "" && origin == publicOrigin:
		return false
	case site != "":
		return site == "cross-site" || site == "same-site"
	case origin == "":
		return false
	default:
		from, err := url.Parse(origin)
		return err != nil || from.Host != r.Host
	}
}

// limitBodies gives every body a time, also one that nobody reads: net/http reads what is left of it before it answers. It
// refuses a body where none belongs, and more slow ones at a time than maxSending.
func (h *handlers) limitBodies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 {
			next.ServeHTTP(w, r)
			return
		}
		wait := bodyTimeout
		if r.ContentLength > 0 && r.ContentLength <= smallBodyBytes {
			wait = smallBodyTimeout
		}
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(wait)) // it fails on a closed connection only
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			w.Header().Set("Connection", "close") // so the body is not read
			writeText(w, http.StatusBadRequest, "this takes no body")
			return
		}
		if !h.sending.enter(r.Context()) {
			w.Header().Set("Connection", "close")
			writeBusy(w, r, "too much is sent at once")
			return
		}
		leave := sync.OnceFunc(h.sending.leave)
		defer leave()
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), bodyTaken{}, leave)))
	})
}

// bodyTaken is the key of the function, in a request's context, that says that its body has come.
type bodyTaken struct{}

// takeBody refuses a body that a plain HTML form could send, and reads any other before the request takes its turn, so
// that a slow client keeps nobody waiting. Its size is limited, and so is the memory of the large ones together.
func (h *handlers) takeBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sends := r.Method == http.MethodPost || r.Method == http.MethodPut
		if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); sends && kind != "application/json" {
			w.Header().Set("Connection", "close")
			writeJSON(w, http.StatusUnsupportedMediaType, errorResponse{Error: "send JSON, with the header Content-Type: application/json"})
			return
		}
		size := r.ContentLength
		if size < 0 || size > maxBodyBytes {
			size = maxBodyBytes
		}
		if size > smallBodyBytes {
			if !h.bodies.TryAcquire(size) {
				w.Header().Set("Connection", "close")
				writeBusy(w, r, "too much is sent at once")
				return
			}
			defer h.bodies.Release(size)
		}
		data, ok := readBody(w, http.MaxBytesReader(w, r.Body, maxBodyBytes))
		if !ok {
			return
		}
		if leave, is := r.Context().Value(bodyTaken{}).(func()); is {
			_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // it fails on a closed connection only
			leave()
		}
		r.Body = io.NopCloser(bytes.NewReader(data))
		next.ServeHTTP(w, r)
	})
}

// crashOnPanic ends the process where a handler panics, with its trace: net/http would swallow the panic, and go on with
// whatever the handler has left half done. http.ErrAbortHandler, by which a handler cuts its connection, passes.
func crashOnPanic(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			switch {
			case p == nil:
				return
			case p == http.ErrAbortHandler:
				panic(p)
			}
			trace := fmt.Sprintf("%v\n\nwhile answering %s %.200q:\n%s", p, r.Method, r.URL.Path, debug.Stack())
			go panic(trace) // nobody recovers a goroutine of its own
			select {}
		}()
		next.ServeHTTP(w, r)
	})
}

// revalidate makes a browser ask each time whether its copy of a file is still current.
func revalidate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		next.ServeHTTP(w, r)
	})
}
