package output

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"guided/audio"
	"guided/routines"
)

// snapcastForms is what the output "snapcast:URL" may say.
const snapcastForms = "snapcast:tcp://HOST:4953 or snapcast:pipe:///run/snapserver/guided"

// snapcastOutput is the output "snapcast:URL": a source of a Snapcast server, tcp or pipe, that expects 48000:16:2. The
// server plays what it is given a fixed time later, in all rooms at once. What was given it keeps: a pause is heard
// that much later, and nothing is taken back.
type snapcastOutput struct {
	pipe    bool
	address string // HOST:PORT, or the path of the FIFO
	buffer  int    // frames from the server to the ear
	groups  *snapcastGroups
	log     *slog.Logger
}

// newSnapcast reads the URL, whose query may hold
//
//	buffer   the server's setting stream.buffer, such as 1500ms; 1s without
//	groups   the groups that a Play switches to our stream, by name, id or client, with commas; or all
//	stream   the name of our stream there; guided without
//	control  HOST:PORT of its control; port 1705 of the same host without
func newSnapcast(arg string, log *slog.Logger) (*snapcastOutput, error) {
	u, err := url.Parse(arg)
	if err != nil {
		return nil, fmt.Errorf("snapcast:%s: %w; use %s", arg, err, snapcastForms)
	}
	o := &snapcastOutput{buffer: audio.Rate, log: log}
	switch {
	case u.Scheme == "tcp" && u.Hostname() != "" && strings.Trim(u.Path, "/") == "":
		o.address = hostPort(u.Host, "4953")
	case u.Scheme == "pipe" && u.Host == "" && len(u.Path) > 1:
		o.pipe, o.address = true, u.Path
	case u.Scheme == "pipe" && u.Host != "":
		return nil, fmt.Errorf("snapcast:%s: a path begins with a third slash; use snapcast:pipe:///%s%s", arg, u.Host, u.Path)
	default:
		return nil, fmt.Errorf("snapcast:%s names no source of a Snapcast server; use %s", arg, snapcastForms)
	}
	if err := o.read(u); err != nil {
		return nil, fmt.Errorf("snapcast:%s: %w", arg, err)
	}
	return o, nil
}

// read takes the settings of the query.
func (o *snapcastOutput) read(u *url.URL) error {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return err
	}
	keys := []string{"buffer", "groups", "stream", "control"}
	for key := range query {
		if !slices.Contains(keys, key) {
			return fmt.Errorf("there is no setting %q, only %s", key, strings.Join(keys, ", "))
		}
	}
	if text := query.Get("buffer"); query.Has("buffer") {
		buffer, err := time.ParseDuration(text)
		if err != nil || buffer < 0 || buffer > 10*time.Second {
			return fmt.Errorf(`the buffer %q is not a time of up to ten seconds; write one such as "1s"`, text)
		}
		o.buffer = routines.Samples(buffer)
	}
	if !query.Has("groups") {
		if query.Has("stream") || query.Has("control") {
			return errors.New("stream and control are for switching groups; add groups=NAME,NAME or groups=all")
		}
		return nil
	}
	g := &snapcastGroups{stream: "guided", before: map[string]string{}, log: o.log}
	if text := query.Get("groups"); text != "all" {
		for name := range strings.SplitSeq(text, ",") {
			if name = strings.TrimSpace(name); name == "" {
				return fmt.Errorf("the groups %q lack a name; write groups=kitchen,bath or groups=all", text)
			}
			g.names = append(g.names, name)
		}
	}
	if query.Has("stream") {
		g.stream = query.Get("stream")
	}
	host := u.Hostname()
	if host == "" {
		host = "127.0.0.1"
	}
	g.address = net.JoinHostPort(host, "1705")
	if query.Has("control") {
		g.address = hostPort(query.Get("control"), "1705")
	}
	o.groups = g
	return nil
}

// hostPort completes an address that may lack its port.
func hostPort(address, port string) string {
	if _, _, err := net.SplitHostPort(address); err == nil {
		return address
	}
	return net.JoinHostPort(strings.Trim(address, "[]"), port)
}

func (o *snapcastOutput) open(ctx context.Context) (device, error) {
	d := &snapcastDevice{output: o}
	var err error
	if o.pipe {
		d.conn, err = openFIFO(ctx, o.address)
	} else {
		d.conn, err = dialSnapcast(ctx, o.address)
	}
	if err != nil {
		o.groups.giveBack()
		return nil, err
	}
	d.unhook = context.AfterFunc(ctx, func() { _ = d.conn.SetWriteDeadline(time.Unix(1, 0)) })
	return d, nil
}

// dialSnapcast connects to a tcp source in the server's mode.
func dialSnapcast(ctx context.Context, address string) (*net.TCPConn, error) {
	dialer := net.Dialer{Timeout: stall}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("no Snapcast server takes sound at %s: %w; give it the source tcp://0.0.0.0:4953?name=guided&mode=server&sampleformat=48000:16:2", address, err)
	}
	tcp := conn.(*net.TCPConn)
	const most = 64 << 10 // bytes on the way; with more, a server that vanished is noticed late
	if err := tcp.SetWriteBuffer(most); err != nil {
		_ = tcp.Close() // nothing was written
		return nil, fmt.Errorf("connecting to the Snapcast server: %w", err)
	}
	return tcp, nil
}
