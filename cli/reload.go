package cli

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"guided/config"
	"guided/history"
	"guided/history/place"
	"guided/keys"
	"guided/player"
	"guided/schedule"
)

// takenWhileRunning are the settings that a daemon takes over while it runs; the others count from its next start.
func takenWhileRunning(key string) bool {
	switch key {
	case "log.level", "audio.volume", "audio.quiet", "voice.verbosity", "routines.holds", "schedule", "history.keep",
		"resume.mode", "resume.within", "keys.devices", "keys.map":
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

// liveParts are the parts of a daemon that take over settings while it runs.
type liveParts struct {
	play     *player.Player
	schedule *schedule.Runner
	history  *history.Keeper
	place    *place.Keeper    // nil: nothing is kept over a restart
	keys     chan keys.Config // has room for one
}

// follow reads the settings again at every hangup, and after a change of their file, until ctx ends.
func (l *liveSettings) follow(ctx context.Context, parts liveParts) {
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
		l.reload(ctx, parts)
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
func (l *liveSettings) reload(ctx context.Context, parts liveParts) {
	l.tellSystemd(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
	c, err := config.Load(l.file)
	if _, data, _ := config.Find(l.file); err == nil && l.current.Source() != "" && len(bytes.TrimSpace(data)) == 0 {
		err = fmt.Errorf("%s is gone or empty, as while it is being saved; restart guided if the defaults are wanted", l.current.Source())
	}
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
	}
	l.take(ctx, c, parts)
	if len(later) > 0 {
		l.log.Warn("some of the settings that were changed count from the next start: restart guided", "changed", strings.Join(later, ", "))
	}
	l.current = c
	l.tellSystemd(daemon.SdNotifyReady + "\nSTATUS=")
}

// take puts the settings of takenWhileRunning into force. None of them is refused: they were checked when they were read.
func (l *liveSettings) take(ctx context.Context, c config.Config, parts liveParts) {
	before := l.current
	l.level.Set(c.Log.Level.Level)
	l.quiet.Store(&c)
	parts.play.SetDefaults(defaults(c))
	if c.Audio.Volume != before.Audio.Volume {
		parts.play.Do(player.Command{Verb: "volume", Volume: &c.Audio.Volume, From: "the settings"})
	}
	if c.History.Keep != before.History.Keep {
		keepHistory(parts.history, c, l.log)
	}
	if parts.place != nil {
		parts.place.Change(resumeOf(c), c.Audio.Volume)
	}
	if !reflect.DeepEqual(c.Keys, before.Keys) {
		select {
		case <-parts.keys: // those before were not taken yet
		default:
		}
		parts.keys <- c.Keys
	}
	// Also where no entry has changed: it may stand in another line.
	if err := parts.schedule.SetEntries(ctx, c.ScheduleEntries()); err != nil && ctx.Err() == nil {
		l.log.Error("the schedule was not taken over: what was planned before stays so", "err", err)
	}
}

func (l *liveSettings) tellSystemd(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		l.log.Warn("systemd could not be told of the settings", "err", err)
	}
}
