package output

import (
	"context"
	"log/slog"
	"slices"
	"strings"
)

// snapcastGroups lends groups of a Snapcast server to our stream. A group that cannot be switched is told, and the
// sound goes on. nil is no groups.
type snapcastGroups struct {
	address string   // of the server's control
	stream  string   // ours
	names   []string // of the groups, nil for all
	log     *slog.Logger

	before map[string]string // the streams of the groups that are ours for now; kept while the server is away
	failed bool              // giving back, and told so
}

// take switches the groups to our stream.
func (g *snapcastGroups) take(ctx context.Context) {
	if g == nil {
		return
	}
	if err := g.switchAll(ctx); err != nil && ctx.Err() == nil {
		g.log.Warn("groups of the Snapcast server were not switched", "server", g.address, "err", err)
	}
}

func (g *snapcastGroups) switchAll(ctx context.Context) error {
	c, err := dialControl(ctx, g.address)
	if err != nil {
		return err
	}
	defer c.close()
	s, err := c.status()
	if err != nil {
		return err
	}
	if err := s.knows(g.stream); err != nil {
		return err
	}
	missing := slices.Clone(g.names)
	for _, group := range s.Groups {
		missing = slices.DeleteFunc(missing, group.is)
		if g.names != nil && !slices.ContainsFunc(g.names, group.is) || group.Stream == g.stream {
			continue
		}
		if err := c.setStream(group.ID, g.stream); err != nil {
			return err
		}
		g.before[group.ID] = group.Stream
	}
	if len(missing) > 0 {
		g.log.Warn("the Snapcast server has no such group", "groups", strings.Join(missing, ", "), "there are", strings.Join(s.groupNames(), ", "))
	}
	return nil
}

// giveBack switches back the groups that still play our stream; another one is somebody's wish meanwhile. It has a
// context of its own, because it comes after the end of a Play.
func (g *snapcastGroups) giveBack() {
	if g == nil || len(g.before) == 0 {
		return
	}
	err := g.switchBack(context.Background())
	if err != nil && !g.failed {
		g.log.Warn("groups of the Snapcast server were not switched back; that is tried again after the next sound", "server", g.address, "err", err)
	}
	g.failed = err != nil
}

func (g *snapcastGroups) switchBack(ctx context.Context) error {
	c, err := dialControl(ctx, g.address)
	if err != nil {
		return err
	}
	defer c.close()
	s, err := c.status()
	if err != nil {
		return err
	}
	for _, group := range s.Groups {
		stream, ours := g.before[group.ID]
		if ours && group.Stream == g.stream && s.knows(stream) == nil {
			if err := c.setStream(group.ID, stream); err != nil {
				return err
			}
		}
		delete(g.before, group.ID)
	}
	clear(g.before) // of groups that are gone
	return nil
}
