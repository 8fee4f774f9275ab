// Package satellite lowers or pauses the routine while a voice assistant on the same machine listens or speaks.
//
// Linux Voice Assistant sends every client of its peripheral API an event when it detects its wake word, listens, thinks
// or speaks. [Run] ducks or pauses the player for that time. It is one more remote of the player; its only rule is that
// it undoes what it did itself, never what a person did.
//
// https://github.com/OHF-Voice/linux-voice-assistant/blob/main/docs/peripheral_api.md
//
// Begin reading at [Run], which keeps the connection, and client.serveConnection, which handles its events.
package satellite

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"guided/player"
)

// What is done while the assistant is busy.
const (
	Duck  = "duck"
	Pause = "pause"
)

// Config is the section [satellite] of the settings.
type Config struct {
	URL    string `toml:"url"`    // of the assistant, such as ws://127.0.0.1:6055; "": off
	Action string `toml:"action"` // Duck or Pause
	Listen bool   `toml:"listen"` // the assistant listens, without its wake word, where a routine waits for next
}

// Check returns every problem of the settings, one sentence each.
func (c Config) Check() (wrong []string) {
	if u, err := url.Parse(c.URL); c.URL != "" && (err != nil || u.Host == "" || u.Scheme != "ws" && u.Scheme != "wss") {
		wrong = append(wrong, fmt.Sprintf(`satellite.url: %q is not an address such as "ws://127.0.0.1:6055"`, c.URL))
	}
	if c.Action != Duck && c.Action != Pause {
		wrong = append(wrong, fmt.Sprintf("satellite.action: %q is not known; use %s or %s", c.Action, Duck, Pause))
	}
	return wrong
}

// timing holds the timeouts and waits of this package.
type timing struct {
	dialTimeout  time.Duration // for connecting, and for sending a message
	minRetry     time.Duration // the wait after the first failure; it doubles with each one
	maxRetry     time.Duration // the longest wait
	stableAfter  time.Duration // a connection that lasted longer resets the wait to minRetry
	pingInterval time.Duration // between questions whether the assistant is there; it is gone after three
	idleTimeout  time.Duration // an assistant that sent no event for so long counts as idle
}

// Run follows the assistant until ctx ends, and reconnects with backoff. It returns at once where the assistant is off.
// do carries out a command, feed is the player's, and commands are the verbs that people asked for elsewhere; some of
// them may be missing.
func Run(ctx context.Context, cfg Config, do func(player.Command) player.Response, feed player.Feed, commands <-chan string, log *slog.Logger) {
	if cfg.URL == "" {
		return
	}
	t := timing{dialTimeout: 5 * time.Second, minRetry: time.Second, maxRetry: time.Minute, stableAfter: 30 * time.Second, pingInterval: time.Minute, idleTimeout: 20 * time.Second}
	newClient(cfg, t, do, feed, commands).run(ctx, log)
}
