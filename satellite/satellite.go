// Package satellite keeps the player out of the way of a voice assistant on the same machine.
//
// Linux Voice Assistant tells everybody who connects to it what it does: that it heard its wake word, listens, thinks
// or speaks. [Run] lowers or pauses the routine for as long as that goes on. It is one more remote of the player, and
// has no logic of its own but for this: what it did it undoes, and what a person did it leaves.
//
// https://github.com/OHF-Voice/linux-voice-assistant/blob/main/docs/peripheral_api.md
package satellite

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"guided/player"
)

// What may be done while the assistant is busy.
const (
	Duck  = "duck"
	Pause = "pause"
)

// Config says where the assistant is, and what to do.
type Config struct {
	URL    string `toml:"url"`    // ws://127.0.0.1:6055; "" is off
	Action string `toml:"action"` // Duck or Pause
	Listen bool   `toml:"listen"` // let it listen where a routine waits for next
}

// Check tells every problem of the settings.
func (c Config) Check() (wrong []string) {
	if u, err := url.Parse(c.URL); c.URL != "" && (err != nil || u.Host == "" || u.Scheme != "ws" && u.Scheme != "wss") {
		wrong = append(wrong, fmt.Sprintf(`satellite.url: %q is not an address such as "ws://127.0.0.1:6055"`, c.URL))
	}
	if c.Action != Duck && c.Action != Pause {
		wrong = append(wrong, fmt.Sprintf("satellite.action: %q is not known; use %s or %s", c.Action, Duck, Pause))
	}
	return wrong
}

// Run follows the assistant until ctx ends, and looks for it again for as long as it is away. Do carries out a command;
// feed is the player's; heard is what persons have asked of the player, by verb, and may lose some of it. It returns
// at once where the assistant is off.
func Run(ctx context.Context, cfg Config, do func(player.Command) player.Response, feed player.Feed, heard <-chan string, log *slog.Logger) {
	p := timing{dialTimeout: 5 * time.Second, minRetry: time.Second, maxRetry: time.Minute, stableAfter: 30 * time.Second, idleTimeout: 20 * time.Second}
	run(ctx, cfg, p, do, feed, heard, log)
}

func run(ctx context.Context, cfg Config, p timing, do func(player.Command) player.Response, feed player.Feed, heard <-chan string, log *slog.Logger) {
	if cfg.URL == "" {
		return
	}
	w := &client{cfg: cfg, timing: p, interruption: interruption{action: cfg.Action, do: do}, states: feed.States, commands: heard}
	wait, away := p.minRetry, false
	for ctx.Err() == nil {
		began := time.Now()
		err := w.serveConnection(ctx, func() {
			log.Info("the voice assistant is there", "url", cfg.URL)
			away = false
		})
		if ctx.Err() != nil {
			return
		}
		if !away {
			log.Warn("the voice assistant is away; it is looked for again and again", "url", cfg.URL, "err", err)
			away = true
		}
		if time.Since(began) > p.stableAfter {
			wait = p.minRetry
		}
		pause := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
		wait = min(2*wait, p.maxRetry)
	}
}
