package mqtt

import (
	"context"
	"log/slog"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// welcome lets everybody on this machine in, to every topic: without such a hook mochi lets nobody in. (Its own
// package for it brings a YAML reader along.)
type welcome struct{ mochi.HookBase }

func (*welcome) ID() string { return "welcome" }

func (*welcome) Provides(what byte) bool {
	return what == mochi.OnConnectAuthenticate || what == mochi.OnACLCheck
}

func (*welcome) OnConnectAuthenticate(*mochi.Client, packets.Packet) bool { return true }

func (*welcome) OnACLCheck(*mochi.Client, string, bool) bool { return true }

// whisper passes on mochi's log as details: what matters of it is seen and told by our own client.
type whisper struct{ slog.Handler }

func (w whisper) Enabled(ctx context.Context, _ slog.Level) bool {
	return w.Handler.Enabled(ctx, slog.LevelDebug)
}

func (w whisper) Handle(ctx context.Context, r slog.Record) error {
	r.Level = slog.LevelDebug
	return w.Handler.Handle(ctx, r)
}

func (w whisper) WithAttrs(a []slog.Attr) slog.Handler { return whisper{w.Handler.WithAttrs(a)} }
func (w whisper) WithGroup(name string) slog.Handler   { return whisper{w.Handler.WithGroup(name)} }
