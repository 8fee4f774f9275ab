package cli

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// feedWatchdog tells systemd that the daemon works, as often as its watchdog wants it (systemd.service(5), WatchdogSec),
// until ctx ends; without a watchdog it returns at once. It tells so only after every check: when one of them
// is not answered, the log says which, systemd ends the process with SIGABRT, which prints what each goroutine waits for, and starts
// it again. A broker, a device or a network that is away answers for itself: a restart would not bring it back.
func feedWatchdog(ctx context.Context, log *slog.Logger, checks ...func(context.Context) error) {
	limit, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("systemd's watchdog is not fed: what it asks for is not understood", "err", err)
	}
	if err != nil || limit <= 0 {
		return
	}
	keepFed(ctx, limit, func() {
		if _, err := daemon.SdNotify(false, daemon.SdNotifyWatchdog); err != nil {
			log.Warn("systemd's watchdog could not be fed", "err", err)
		}
	}, log, checks...)
}

// keepFed calls feed within each limit, when every check was answered since the last call. A process that wakes seldom is fed after
// two thirds of the time; the rest is for the answers.
func keepFed(ctx context.Context, limit time.Duration, feed func(), log *slog.Logger, checks ...func(context.Context) error) {
	for {
		if err := checkAll(ctx, limit/4, checks); err == nil {
			feed()
		} else if ctx.Err() == nil {
			log.Error("a part of guided does not answer; systemd will start it again", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(limit * 2 / 3):
		}
	}
}

// checkAll runs checks at the same time, and waits for their answers or until a timeout: a check that hangs is left behind, as
// the process ends because of it.
func checkAll(ctx context.Context, timeout time.Duration, checks []func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no answer within %v", timeout))
	defer cancel()
	answers := make(chan error, len(checks))
	for _, check := range checks {
		go func() { answers <- check(ctx) }()
	}
	for range checks {
		select {
		case err := <-answers:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
