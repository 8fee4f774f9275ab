package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// leastToken is the fewest characters a token of the user's own may have.
const leastToken = 12

// cookie is the name of the one that a browser keeps.
const cookie = "guided"

// login knows who may come in. Cookies and the paths of speakers hold values made from the token, never the token.
type login struct {
	token  string
	place  string // where the token is to be found, for people
	asked  bool   // people need it on this address
	secure bool   // people come over https
}

func newLogin(cfg Config, at net.Addr, log *slog.Logger) (*login, error) {
	l := &login{token: cfg.Token, place: "the setting web.token", asked: !cfg.Open && (cfg.Token != "" || !ipOf(at).IsLoopback())}
	if l.token == "" {
		l.token, l.place = keptToken(cfg.State, log)
	}
	public, err := parsePublicURL(cfg.PublicURL)
	if err != nil {
		return nil, err
	}
	l.secure = public != nil && public.Scheme == "https"
	return l, nil
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

// told is where to find the token, for the log.
func (l *login) told() string { return "in " + l.place }

// made is a value that only who has the token can make.
func (l *login) made(what string) string {
	h := hmac.New(sha256.New, []byte(l.token))
	h.Write([]byte(what))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// same compares in a time that tells nothing of where two texts differ.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return hmac.Equal(x[:], y[:])
}

// knows tells whether a request brings the token, or the cookie made from it.
func (l *login) knows(r *http.Request) bool {
	if token, is := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); is {
		return same(token, l.token)
	}
	c, err := r.Cookie(cookie)
	return err == nil && same(c.Value, l.made("cookie"))
}

// only lets in who is known, where a token is asked for.
func (l *login) only(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		entering := r.URL.Path == "/" && r.URL.Query().Has("token") && r.Method == http.MethodGet
		if l.asked && !entering && !l.knows(r) {
			l.refuse(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (l *login) refuse(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("WWW-Authenticate", "Bearer")
	w.Header().Set("Cache-Control", "no-store")
	if r.URL.Path != "/" {
		answer(w, http.StatusUnauthorized, failure{Error: "this needs the token: open the first page and log in, or send it as Authorization: Bearer …"})
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusUnauthorized)
	fmt.Fprintln(w, `<!DOCTYPE html><html lang="en"><meta name="viewport" content="width=device-width"><title>guided</title>
<h1>guided</h1><p>The token is in a file on the machine that runs guided; its log tells where.</p>
<form action="/"><label>Token <input type="password" name="token" autocomplete="current-password" required autofocus></label> <button>Log in</button></form></html>`)
}

// enter takes the token from the address of the first page, and puts it away into a cookie.
func (l *login) enter(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token := r.URL.Query().Get("token")
		switch {
		case !r.URL.Query().Has("token"):
			next(w, r)
			return
		case l.asked && !same(token, l.token):
			l.refuse(w, r)
			return
		case l.asked:
			http.SetCookie(w, &http.Cookie{
				Name: cookie, Value: l.made("cookie"), Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: l.secure,
			})
		}
		w.Header().Set("Cache-Control", "no-store")
		if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
			// A browser does not send a strict cookie along the redirect of a link on another site; it does after this.
			w.Header().Set("Refresh", "0; url=/")
			say(w, http.StatusOK, "Welcome.")
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}

// speakers is the part of a path that stands for a login.
func (l *login) speakers() string { return l.made("audio") }

// speaker lets in who knows the path.
func (l *login) speaker(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !same(r.PathValue("token"), l.speakers()) {
			say(w, http.StatusNotFound, "there is nothing here; the addresses of the routines' files are on the page and in /api/routines")
			return
		}
		next(w, r)
	}
}
