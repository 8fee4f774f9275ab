package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
)

// minTokenLength is the fewest characters that a token of the settings may have.
const minTokenLength = 12

// cookieName is the name of the login cookie.
const cookieName = "guided"

// auth decides who may use the server. Cookies and the paths of audio files hold values derived from the token, never
// the token itself.
type auth struct {
	token        string
	tokenSource  string // where a user finds the token, for the log
	required     bool   // the page and the API need the token
	secureCookie bool   // the public URL is https
}

// newAuth takes the token of the settings, or else the stored one. The page and the API need it where the settings name
// one, or where addr is beyond loopback, unless the server is open. The paths of audio files always hold their own.
func newAuth(cfg Config, stateDir string, addr net.Addr, log *slog.Logger) (*auth, error) {
	a := &auth{token: cfg.Token, tokenSource: "the setting web.token", required: !cfg.Open && (cfg.Token != "" || !ipOf(addr).IsLoopback())}
	if a.token == "" {
		a.token, a.tokenSource = loadOrCreateToken(stateDir, log)
	}
	public, err := parsePublicURL(cfg.PublicURL)
	if err != nil {
		return nil, err
	}
	a.secureCookie = public != nil && public.Scheme == "https"
	return a, nil
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

// requireToken refuses requests without the token or the cookie, where a token is required. A login by URL passes.
func (a *auth) requireToken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		loggingIn := r.URL.Path == "/" && r.URL.Query().Has("token") && r.Method == http.MethodGet
		if a.required && !loggingIn && !a.authenticated(r) {
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
		case a.required && !constantTimeEqual(token, a.token):
			a.writeUnauthorized(w, r)
			return
		case a.required:
			http.SetCookie(w, &http.Cookie{
				Name: cookieName, Value: a.derive("cookie"), Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: a.secureCookie,
			})
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

// TokenFile is the name of the file with the generated token, in the state folder.
const TokenFile = "web-token"

// loadOrCreateToken returns the token generated at the first start, and where a user finds it. Where it cannot be stored,
// each start generates a new one and logs a warning.
func loadOrCreateToken(dir string, log *slog.Logger) (token, source string) {
	file := filepath.Join(dir, TokenFile)
	data, err := os.ReadFile(file)
	if token = strings.TrimSpace(string(data)); err == nil && len(token) >= minTokenLength {
		return token, file
	}
	token = rand.Text()
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(dir, 0o755); err == nil {
			err = renameio.WriteFile(file, []byte(token+"\n"), 0o600)
		}
	}
	if err != nil {
		log.Warn("the web server's token cannot be kept; addresses of files change at every start, until web.token is set", "err", err)
		return token, "no file: set web.token"
	}
	return token, file
}
