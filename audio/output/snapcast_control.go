package output

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	"guided/resolve"
	"guided/routines"
)

// snapcastControl is a connection to a server's control: JSON-RPC 2.0 over TCP, one message a line
// (https://github.com/badaix/snapcast/blob/master/doc/json_rpc_api/control.md).
type snapcastControl struct {
	conn         net.Conn
	replies      *json.Decoder
	stopWatching func() bool
	lastID       int
}

// dialSnapcastControl connects for one second, after which the connection times out.
func dialSnapcastControl(ctx context.Context, address string) (*snapcastControl, error) {
	deadline := time.Now().Add(time.Second)
	conn, err := resolve.Dial(ctx, &net.Dialer{Deadline: deadline}, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("its control does not answer: %w; set control=HOST:PORT to where it listens%s", err, lookupHint(err))
	}
	if err := conn.SetDeadline(deadline); err != nil {
		_ = conn.Close() // nothing was sent
		return nil, fmt.Errorf("talking to its control: %w", err)
	}
	return &snapcastControl{
		conn: conn, replies: newReplyDecoder(conn),
		stopWatching: context.AfterFunc(ctx, func() { _ = conn.Close() }),
	}, nil
}

// maxReplies is how many bytes of replies are read of one connection. A client takes about 700 of a status, so it holds
// six thousand of them.
const maxReplies = 4 << 20

var errLongReplies = fmt.Errorf("its answers are longer than %d MB, and so they are not read", maxReplies>>20)

// newReplyDecoder decodes up to maxReplies bytes.
func newReplyDecoder(r io.Reader) *json.Decoder { return json.NewDecoder(&replyReader{r, maxReplies}) }

// replyReader reads left bytes at most, and then fails.
type replyReader struct {
	r    io.Reader
	left int
}

func (r *replyReader) Read(b []byte) (int, error) {
	if r.left == 0 {
		return 0, errLongReplies
	}
	n, err := r.r.Read(b[:min(len(b), r.left)])
	r.left -= n
	return n, err
}

func (c *snapcastControl) close() {
	c.stopWatching()
	_ = c.conn.Close() // no request is pending
}

// call sends a request and waits for its reply; notifications before it are skipped.
func (c *snapcastControl) call(method string, params, result any) error {
	c.lastID++
	line, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": c.lastID, "method": method, "params": params})
	if err == nil {
		_, err = c.conn.Write(append(line, '\r', '\n'))
	}
	for err == nil {
		var reply struct {
			ID     *int
			Result json.RawMessage
			Error  *struct{ Message, Data string }
		}
		if err = c.replies.Decode(&reply); err != nil || reply.ID == nil || *reply.ID != c.lastID {
			continue
		}
		if reply.Error != nil {
			return fmt.Errorf("%s: %s %s", method, reply.Error.Message, reply.Error.Data)
		}
		return json.Unmarshal(reply.Result, result)
	}
	return fmt.Errorf("%s: %w", method, err)
}

// snapcastStatus is what Server.GetStatus returns.
type snapcastStatus struct {
	Groups  []snapcastGroup
	Streams []snapcastStream
}

type snapcastStream struct {
	ID  string
	URI struct {
		Scheme, Path, Raw string
		Query             map[string]any
	}
}

type snapcastGroup struct {
	ID      string
	Name    string
	Stream  string `json:"stream_id"`
	Clients []struct {
		ID     string
		Config struct{ Name string }
		Host   struct{ Name string }
	}
}

func (c *snapcastControl) status() (snapcastStatus, error) {
	var result struct{ Server snapcastStatus }
	err := c.call("Server.GetStatus", map[string]any{}, &result)
	return result.Server, err
}

func (c *snapcastControl) setStream(group, stream string) error {
	var result struct{}
	return c.call("Group.SetStream", map[string]any{"id": group, "stream_id": stream}, &result)
}

// hasName tells whether name is one of the group's, in any case.
func (g snapcastGroup) hasName(name string) bool {
	return slices.ContainsFunc(g.names(), func(known string) bool { return strings.EqualFold(known, name) })
}

// names are the names that a user may know the group by, the best first. Most groups have none of their own, and are known
// by a client.
func (g snapcastGroup) names() []string {
	list := []string{g.Name}
	for _, c := range g.Clients {
		list = append(list, c.Config.Name, c.Host.Name, c.ID)
	}
	return append(list, g.ID)
}

// groupNames is the best name of each group.
func (s snapcastStatus) groupNames() []string {
	var list []string
	for _, g := range s.Groups {
		for _, name := range g.names() {
			if name != "" {
				list = append(list, name)
				break
			}
		}
	}
	return list
}

// checkStream is nil when the server has the stream.
func (s snapcastStatus) checkStream(stream string) error {
	var names []string
	for _, known := range s.Streams {
		if known.ID == stream {
			return nil
		}
		names = append(names, known.ID)
	}
	if len(names) == 0 {
		return fmt.Errorf("it has no stream at all, so none named %q; add a source to snapserver.conf", stream)
	}
	hint := ""
	if near := routines.Nearest(stream, names); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return fmt.Errorf("it has no stream %q, only %s%s", stream, listNames(names), hint)
}

// snapcastGroups switches groups of a Snapcast server to our stream during a Play, and back after it. What fails is logged
// and the sound goes on. A nil *snapcastGroups does nothing.
type snapcastGroups struct {
	address string   // HOST:PORT of the server's control
	stream  string   // ours
	names   []string // of the groups; nil for all
	log     *slog.Logger

	previous      map[string]string // the stream before ours of each group that was switched, by group ID
	restoreFailed bool              // the last restore failed and that is logged
}

// switchToStream switches the groups to our stream.
func (g *snapcastGroups) switchToStream(ctx context.Context) {
	if g == nil {
		return
	}
	if err := g.trySwitch(ctx); err != nil && ctx.Err() == nil {
		g.log.Warn("groups of the Snapcast server were not switched", "server", g.address, "err", err)
	}
}

func (g *snapcastGroups) trySwitch(ctx context.Context) error {
	c, err := dialSnapcastControl(ctx, g.address)
	if err != nil {
		return err
	}
	defer c.close()
	s, err := c.status()
	if err != nil {
		return err
	}
	if err := s.checkStream(g.stream); err != nil {
		return err
	}
	missing := slices.Clone(g.names)
	for _, group := range s.Groups {
		missing = slices.DeleteFunc(missing, group.hasName)
		if g.names != nil && !slices.ContainsFunc(g.names, group.hasName) || group.Stream == g.stream {
			continue
		}
		if err := c.setStream(group.ID, g.stream); err != nil {
			return err
		}
		g.previous[group.ID] = group.Stream
	}
	if len(missing) > 0 {
		g.log.Warn("the Snapcast server has no such group", "groups", strings.Join(missing, ", "), "there are", listNames(s.groupNames()))
	}
	return nil
}

// restore switches the groups that still play our stream back to their previous one; a group that plays another was switched
// by a user. When the server is away, the next restore tries again. The context of the Play has ended by now.
func (g *snapcastGroups) restore() {
	if g == nil || len(g.previous) == 0 {
		return
	}
	err := g.tryRestore(context.Background())
	if err != nil && !g.restoreFailed {
		g.log.Warn("groups of the Snapcast server were not switched back; that is tried again after the next sound", "server", g.address, "err", err)
	}
	g.restoreFailed = err != nil
}

func (g *snapcastGroups) tryRestore(ctx context.Context) error {
	c, err := dialSnapcastControl(ctx, g.address)
	if err != nil {
		return err
	}
	defer c.close()
	s, err := c.status()
	if err != nil {
		return err
	}
	for _, group := range s.Groups {
		stream, ours := g.previous[group.ID]
		if ours && group.Stream == g.stream && s.checkStream(stream) == nil {
			if err := c.setStream(group.ID, stream); err != nil {
				return err
			}
		}
		delete(g.previous, group.ID)
	}
	clear(g.previous) // groups that no longer exist
	return nil
}
