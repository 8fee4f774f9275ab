package cli

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"guided/config"
	"guided/player"
)

// takenWhileRunning are the settings that a daemon takes over while it runs; the others count from its next start.
func takenWhileRunning(key string) bool {
	switch key {
	case "log.level", "audio.volume", "audio.quiet", "voice.verbosity", "routines.holds":
		return true
	}
	return false
}

// liveSettings are the settings of a daemon, which are read again when they change.
type liveSettings struct {
	file    string // of --config; "" is the first standard one
	seen    string // settingsText when they were read
	current config.Config
	hangup  <-chan os.Signal
	level   *slog.LevelVar // of the log
	log     *slog.Logger

	quiet atomic.Pointer[config.Config] // the settings whose quiet hours are in force
}

// nightAt reports whether an instant lies in the night of the settings that are in force.
func (l *liveSettings) nightAt(t time.Time) bool { return l.quiet.Load().NightAt(t) }

// follow reads the settings again at every hangup, and after a change of their file, until ctx ends.
func (l *liveSettings) follow(ctx context.Context, play *player.Player) {
	changed := make(chan struct{}, 1)
	changed <- struct{}{} // since they were read
	var watching sync.WaitGroup
	watching.Go(func() {
		watchPath(ctx, config.File(l.file), func() {
			select {
			case changed <- struct{}{}:
			default:
			}
		}, l.log)
	})
	defer watching.Wait()
	for {
		select {
		case <-l.hangup:
		case <-changed:
			if settingsText(l.file) == l.seen { // the change was beside it
				continue
			}
		case <-ctx.Done():
			return
		}
		l.seen = settingsText(l.file)
		l.reload(play)
	}
}

// settingsText is what stands in a settings file, with its name, or why it cannot be read.
func settingsText(file string) string {
	name, data, err := config.Find(file)
	if err != nil {
		return err.Error()
	}
	return name + "\n" + string(data)
}

// reload reads the settings again, and takes over what changed. Everything in them is checked before; with an error the
// old ones stay in force. What plays is not disturbed.
func (l *liveSettings) reload(play *player.Player) {
	l.tellSystemd(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
	c, err := config.Load(l.file)
	if err != nil {
		l.log.Error("the settings were not taken over: those of before stay in force", "err", err)
		l.tellSystemd(daemon.SdNotifyReady + "\nSTATUS=The settings are wrong, those of before stay in force: " + strings.ReplaceAll(err.Error(), "\n", "; "))
		return
	}
	var taken, later []string
	for _, key := range config.Changed(l.current, c) {
		if takenWhileRunning(key) {
			taken = append(taken, key)
		} else {
			later = append(later, key)
		}
	}
	if len(taken) > 0 {
		l.log.Info("settings were taken over", "changed", strings.Join(taken, ", "))
		l.take(c, play)
	}
	if len(later) > 0 {
		l.log.Warn("some of the settings that were changed count from the next start: restart guided", "changed", strings.Join(later, ", "))
	}
	l.current = c
	l.tellSystemd(daemon.SdNotifyReady + "\nSTATUS=")
}

// take puts the settings of takenWhileRunning into force.
func (l *liveSettings) take(c config.Config, play *player.Player) {
	l.level.Set(c.Log.Level.Level)
	l.quiet.Store(&c)
	play.SetDefaults(defaults(c))
	if c.Audio.Volume != l.current.Audio.Volume {
		play.Do(player.Command{Verb: "volume", Volume: &c.Audio.Volume, From: "the settings"})
	}
}

func (l *liveSettings) tellSystemd(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		l.log.Warn("systemd could not be told of the settings", "err", err)
	}
}
