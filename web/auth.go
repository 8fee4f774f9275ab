package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// cookieName is the name of the login cookie.
const cookieName = "guided"

// auth decides who may use the server. Cookies and the paths of audio files hold values derived from the token, never
// the token itself.
type auth struct {
	token          string
	tokenSource    string // where a user finds the token, for the log
	open           bool   // nobody needs the token
	trustsLoopback bool   // programs and browsers of this machine do not need the token
	secureCookie   bool   // the public URL is https
}

// newAuth decides who needs the token. The users of this machine do not, where the server listens on loopback only, the
// settings name no token, and no public URL: with one, a proxy on this machine hands on what others ask. The paths of
// audio files always hold a token of their own.
func newAuth(cfg Config, token Token, addr net.Addr) (*auth, error) {
	public, err := parsePublicURL(cfg.PublicURL)
	if err != nil {
		return nil, err
	}
	return &auth{
		token: token.value, tokenSource: token.source, open: cfg.Open,
		trustsLoopback: cfg.Token == "" && public == nil && ipOf(addr).IsLoopback(),
		secureCookie:   public != nil && public.Scheme == "https",
	}, nil
}

// derive returns a value that cannot be made without the token, and does not reveal it: an HMAC of purpose.
func (a *auth) derive(purpose string) string {
	h := hmac.New(sha256.New, []byte(a.token))
	h.Write([]byte(purpose))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// constantTimeEqual compares two texts in a time that does not depend on where they differ.
func constantTimeEqual(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return hmac.Equal(x[:], y[:])
}

// authenticated reports whether a request carries the token, or the cookie derived from it.
func (a *auth) authenticated(r *http.Request) bool {
	if token, is := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); is {
		return constantTimeEqual(token, a.token)
	}
	c, err := r.Cookie(cookieName)
	return err == nil && constantTimeEqual(c.Value, a.derive("cookie"))
}

// admits reports whether a request may use the page and the API.
func (a *auth) admits(r *http.Request) bool {
	return a.open || a.trustsLoopback && isLocal(r) || a.authenticated(r)
}

// isLocal reports whether a request comes from a browser or a program of this machine: over loopback, to a name of
// loopback, and not through a proxy. A page that a hostile site points at this address (DNS rebinding) has a name of
// its own in Host. HTTP/1.0 is what a proxy speaks that tells nothing else of itself (nginx, as it is installed).
func isLocal(r *http.Request) bool {
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && remote.Addr().Unmap().WithZone("").IsLoopback() && isLoopbackHost(r.Host) && r.ProtoAtLeast(1, 1) && !isForwarded(r.Header)
}

// isForwarded reports whether a proxy tells of itself in the headers of a request.
func isForwarded(header http.Header) bool {
	for name := range header {
		switch name {
		case "Forwarded", "Via", "X-Real-Ip", "X-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "X-Ingress-Path", "X-Original-Url", "X-Original-Host":
			return true
		}
		if strings.HasPrefix(name, "X-Forwarded") {
			return true
		}
	}
	return false
}

// requireToken refuses requests that are not admitted. A login by URL passes.
func (a *auth) requireToken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		loggingIn := r.URL.Path == "/" && r.URL.Query().Has("token") && r.Method == http.MethodGet
		if !loggingIn && !a.admits(r) {
			a.writeUnauthorized(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// writeUnauthorized answers 401: a login form at the page, JSON everywhere else.
func (a *auth) writeUnauthorized(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("WWW-Authenticate", "Bearer")
	w.Header().Set("Cache-Control", "no-store")
	if r.URL.Path != "/" {
		writeJSON(w, http.StatusUnauthorized, errorResponse{Error: "this needs the token: open the first page and log in, or send it as Authorization: Bearer …"})
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusUnauthorized)
	fmt.Fprintln(w, `<!DOCTYPE html><html lang="en"><meta name="viewport" content="width=device-width"><title>guided</title>
<h1>guided</h1><p>The token is in a file on the machine that runs guided; its log tells where.</p>
<form action="/"><label>Token <input type="password" name="token" autocomplete="current-password" required autofocus></label> <button>Log in</button></form></html>`)
}

// loginByURL exchanges /?token=TOKEN for the login cookie and redirects to the page, so that the token does not stay in
// the address bar. Without that parameter it serves next.
func (a *auth) loginByURL(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token := r.URL.Query().Get("token")
		switch {
		case !r.URL.Query().Has("token"):
			next(w, r)
			return
		case constantTimeEqual(token, a.token):
			http.SetCookie(w, &http.Cookie{
				Name: cookieName, Value: a.derive("cookie"), Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: a.secureCookie,
			})
		case !a.admits(r):
			a.writeUnauthorized(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
			// After a link from another site a browser sends no SameSite=Strict cookie along a redirect; after a refresh it does.
			w.Header().Set("Refresh", "0; url=/")
			writeText(w, http.StatusOK, "Welcome.")
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}

// audioToken is the path element that authorizes an audio file: speakers cannot log in.
func (a *auth) audioToken() string { return a.derive("audio") }

// requireAudioToken answers 404 where the path element {token} is wrong.
func (a *auth) requireAudioToken(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !constantTimeEqual(r.PathValue("token"), a.audioToken()) {
			writeText(w, http.StatusNotFound, "there is nothing here; the addresses of the routines' files are on the page and in /api/routines")
			return
		}
		next(w, r)
	}
}
