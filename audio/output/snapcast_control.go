package output

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"guided/routines"
)

// snapcastControl is a short talk with a server's control: JSON-RPC 2.0 over TCP, a message a line
// (https://github.com/badaix/snapcast, doc/json_rpc_api/control.md).
type snapcastControl struct {
	conn   net.Conn
	answer *json.Decoder
	unhook func() bool
	asked  int
}

// dialControl begins a talk that is over within a second.
func dialControl(ctx context.Context, address string) (*snapcastControl, error) {
	until := time.Now().Add(time.Second)
	conn, err := (&net.Dialer{Deadline: until}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("its control does not answer: %w; set control=HOST:PORT to where it listens", err)
	}
	if err := conn.SetDeadline(until); err != nil {
		_ = conn.Close() // nothing was said
		return nil, fmt.Errorf("talking to its control: %w", err)
	}
	const most = 4 << 20 // bytes of all it says; a client is described in 400
	return &snapcastControl{
		conn: conn, answer: json.NewDecoder(io.LimitReader(conn, most)),
		unhook: context.AfterFunc(ctx, func() { _ = conn.Close() }),
	}, nil
}

func (c *snapcastControl) close() {
	c.unhook()
	_ = c.conn.Close() // every request was answered, or is given up
}

// call asks, and reads over what the server tells of its own accord.
func (c *snapcastControl) call(method string, params, result any) error {
	c.asked++
	line, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": c.asked, "method": method, "params": params})
	if err == nil {
		_, err = c.conn.Write(append(line, '\r', '\n'))
	}
	for err == nil {
		var reply struct {
			ID     *int
			Result json.RawMessage
			Error  *struct{ Message, Data string }
		}
		if err = c.answer.Decode(&reply); err != nil || reply.ID == nil || *reply.ID != c.asked {
			continue
		}
		if reply.Error != nil {
			return fmt.Errorf("%s: %s %s", method, reply.Error.Message, reply.Error.Data)
		}
		return json.Unmarshal(reply.Result, result)
	}
	return fmt.Errorf("%s: %w", method, err)
}

// snapcastStatus is what there is on a server.
type snapcastStatus struct {
	Groups  []snapcastGroup
	Streams []struct{ ID string }
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

// is tells whether somebody may call the group so: most have no name of their own, but the one of a speaker.
func (g snapcastGroup) is(name string) bool {
	for _, known := range g.names() {
		if strings.EqualFold(known, name) {
			return true
		}
	}
	return false
}

func (g snapcastGroup) names() []string {
	list := []string{g.Name}
	for _, c := range g.Clients {
		list = append(list, c.Config.Name, c.Host.Name, c.ID)
	}
	return append(list, g.ID)
}

// groupNames is one name of each group, the best it has.
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

// knows is nil when the server has a stream.
func (s snapcastStatus) knows(stream string) error {
	var names []string
	for _, known := range s.Streams {
		if known.ID == stream {
			return nil
		}
		names = append(names, known.ID)
	}
	hint := ""
	if near := routines.Nearest(stream, names); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return fmt.Errorf("it has no stream %q, only %s%s", stream, strings.Join(names, ", "), hint)
}
