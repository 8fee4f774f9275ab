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

// minTokenLength is the fewest characters a token of the user's own may have.
const minTokenLength = 12

// cookieName is the name of the one that a browser keeps.
const cookieName = "guided"

// auth knows who may come in. Cookies and the paths of speakers hold values made from the token, never the token.
type auth struct {
	token        string
	tokenSource  string // where the token is to be found, for people
	required     bool   // people need it on this address
	secureCookie bool   // people come over https
}

func newAuth(cfg Config, at net.Addr, log *slog.Logger) (*auth, error) {
	l := &auth{token: cfg.Token, tokenSource: "the setting web.token", required: !cfg.Open && (cfg.Token != "" || !ipOf(at).IsLoopback())}
	if l.token == "" {
		l.token, l.tokenSource = loadOrCreateToken(cfg.State, log)
	}
	public, err := parsePublicURL(cfg.PublicURL)
	if err != nil {
		return nil, err
	}
	l.secureCookie = public != nil && public.Scheme == "https"
	return l, nil
}

// told is where to find the token, for the log.
func (l *auth) told() string { return "in " + l.tokenSource }

// derive is a value that only who has the token can make.
func (l *auth) derive(what string) string {
	h := hmac.New(sha256.New, []byte(l.token))
	h.Write([]byte(what))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// constantTimeEqual compares in a time that tells nothing of where two texts differ.
func constantTimeEqual(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return hmac.Equal(x[:], y[:])
}

// authenticated tells whether a request brings the token, or the cookie made from it.
func (l *auth) authenticated(r *http.Request) bool {
	if token, is := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); is {
		return constantTimeEqual(token, l.token)
	}
	c, err := r.Cookie(cookieName)
	return err == nil && constantTimeEqual(c.Value, l.derive("cookie"))
}

// requireToken lets in who is known, where a token is asked for.
func (l *auth) requireToken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		entering := r.URL.Path == "/" && r.URL.Query().Has("token") && r.Method == http.MethodGet
		if l.required && !entering && !l.authenticated(r) {
			l.writeUnauthorized(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (l *auth) writeUnauthorized(w http.ResponseWriter, r *http.Request) {
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

// loginByURL takes the token from the address of the first page, and puts it away into a cookie.
func (l *auth) loginByURL(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token := r.URL.Query().Get("token")
		switch {
		case !r.URL.Query().Has("token"):
			next(w, r)
			return
		case l.required && !constantTimeEqual(token, l.token):
			l.writeUnauthorized(w, r)
			return
		case l.required:
			http.SetCookie(w, &http.Cookie{
				Name: cookieName, Value: l.derive("cookie"), Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: l.secureCookie,
			})
		}
		w.Header().Set("Cache-Control", "no-store")
		if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
			// A browser does not send a strict cookie along the redirect of a link on another site; it does after this.
			w.Header().Set("Refresh", "0; url=/")
			writeText(w, http.StatusOK, "Welcome.")
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}

// audioToken is the part of a path that stands for a login.
func (l *auth) audioToken() string { return l.derive("audio") }

// requireAudioToken lets in who knows the path.
func (l *auth) requireAudioToken(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !constantTimeEqual(r.PathValue("token"), l.audioToken()) {
			writeText(w, http.StatusNotFound, "there is nothing here; the addresses of the routines' files are on the page and in /api/routines")
			return
		}
		next(w, r)
	}
}

// TokenFile is where the token is kept that was made at random, in the folder of what is kept.
const TokenFile = "web-token"

// loadOrCreateToken is the token that was made at the first start, and where it is kept. Where nothing can be kept it is a new
// one at every start, which is logged.
func loadOrCreateToken(dir string, log *slog.Logger) (token, place string) {
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
