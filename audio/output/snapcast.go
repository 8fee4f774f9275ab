package output

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"guided/audio"
	"guided/resolve"
	"guided/routines"
)

// snapcastForms is what the setting of a Snapcast output may be.
const snapcastForms = "snapcast:tcp://HOST:4953 or snapcast:pipe:///run/snapserver/guided"

// snapcastOutput is the output "snapcast:URL": a source of a Snapcast server, tcp or pipe, with the sample format 48000:16:2.
// The server plays in all rooms at once, a fixed time after it got the sound. It cannot rewind, so a pause is heard that
// much later. A source of another format is refused: it would play at another pitch, or noise.
type snapcastOutput struct {
	pipe    bool
	address string          // HOST:PORT, or the path of the FIFO
	buffer  int             // frames that the server and its clients buffer
	control string          // HOST:PORT of the server's control
	groups  *snapcastGroups // nil to leave the groups alone
	log     *slog.Logger

	toldSlow bool // that the server takes less than it is given
}

// parseSnapcast parses the URL, whose query may hold
//
//	buffer   the server's setting stream.buffer, such as 1500ms; default 1s
//	groups   the groups that Play switches to our stream, by name, id or client, separated by commas; or all
//	stream   the name of our stream on the server; default guided
//	control  HOST:PORT of the server's control; default port 1705 of the same host
func parseSnapcast(arg string, log *slog.Logger) (*snapcastOutput, error) {
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
	if err := o.parseQuery(u); err != nil {
		return nil, fmt.Errorf("snapcast:%s: %w", arg, err)
	}
	return o, nil
}

// parseQuery parses the query of the URL.
func (o *snapcastOutput) parseQuery(u *url.URL) error {
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
	host := u.Hostname()
	if host == "" {
		host = "127.0.0.1"
	}
	o.control = net.JoinHostPort(host, "1705")
	if query.Has("control") {
		o.control = hostPort(query.Get("control"), "1705")
	}
	if !query.Has("groups") {
		if query.Has("stream") {
			return errors.New("stream is for switching groups; add groups=NAME,NAME or groups=all")
		}
		return nil
	}
	g := &snapcastGroups{stream: "guided", previous: map[string]string{}, log: o.log}
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
	g.address = o.control
	o.groups = g
	return nil
}

// hostPort adds the port to an address that has none.
func hostPort(address, port string) string {
	if _, _, err := net.SplitHostPort(address); err == nil {
		return address
	}
	return net.JoinHostPort(strings.Trim(address, "[]"), port)
}

func (o *snapcastOutput) open(ctx context.Context) (device, error) {
	d := &snapcastDevice{output: o}
	d.startFormatCheck(ctx)
	var err error
	if o.pipe {
		d.conn, err = openFIFO(ctx, o.address)
	} else {
		d.conn, err = dialSnapcast(ctx, o.address)
	}
	if err == nil {
		if err = d.checkFormat(formatPatience); err == nil {
			err = d.alarm.useKernel()
		}
		if err != nil {
			_ = d.conn.Close() // nothing was written
		}
	}
	if err != nil {
		d.endFormatCheck()
		o.groups.restore()
		return nil, err
	}
	d.stopWatching = context.AfterFunc(ctx, func() { _ = d.conn.SetWriteDeadline(time.Unix(1, 0)) })
	return d, nil
}

// dialSnapcast connects to a tcp source in mode=server.
func dialSnapcast(ctx context.Context, address string) (*net.TCPConn, error) {
	dialer := net.Dialer{Timeout: stallTimeout}
	conn, err := resolve.Dial(ctx, &dialer, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("no Snapcast server takes sound at %s: %w; give it the source tcp://0.0.0.0:4953?name=guided&mode=server&sampleformat=48000:16:2%s", address, err, lookupHint(err))
	}
	tcp := conn.(*net.TCPConn)
	const sendBuffer = 64 << 10 // bytes; with more, a server that vanished is noticed late
	if err := tcp.SetWriteBuffer(sendBuffer); err != nil {
		_ = tcp.Close() // nothing was written
		return nil, fmt.Errorf("connecting to the Snapcast server: %w", err)
	}
	return tcp, nil
}

// snapcastDevice is an open source. The server reads a chunk every 20 ms from the first on; when one is missing it restarts
// its timing at the next (AsioStream::do_read). So the device is paced by our own clock, from snapcastLeast to snapcastDepth
// ahead of it. After an underrun it does not catch up: the surplus would stay in the server's queue and delay
// everything after it.
type snapcastDevice struct {
	pacedDevice
	output *snapcastOutput
	conn   interface {
		io.WriteCloser
		SetWriteDeadline(time.Time) error
	}
	stopWatching func() bool // detaches the connection from its context
	underruns    int
	stalls       int // times the server took sound too late
	alarm        alarm
	deadline     time.Time // of the connection's writes
	format       formatCheck
	pace         paceMeter
}

// With snapcastLeast frames left ahead of the server, so many are sent that they are snapcastDepth: a fifth of a second at a time. By
// what is ahead a pause is heard later, beside the server's buffer.
const (
	snapcastLeast = audio.Depth
	snapcastDepth = snapcastLeast + 2*audio.Depth
)

// wait passes over interrupt: what was sent cannot be taken back.
func (d *snapcastDevice) wait(ctx context.Context, limit time.Duration, _ <-chan struct{}) (room int, interrupted bool, err error) {
	room = snapcastDepth
	if d.written > 0 {
		ahead := max(0, d.written-d.elapsed())
		room -= int(min(ahead, snapcastDepth))
		if ahead > snapcastLeast {
			room = 0
			limit = min(limit, toDuration(ahead-snapcastLeast))
		}
	}
	if room > 0 {
		return room, false, ctx.Err()
	}
	select {
	case <-ctx.Done():
		return 0, false, ctx.Err()
	case <-d.alarm.after(limit):
		return 0, false, nil
	}
}

func (d *snapcastDevice) write(ctx context.Context, sound []byte) error {
	if err := d.checkFormat(0); err != nil {
		return err
	}
	if d.written == 0 {
		d.output.groups.switchToStream(ctx)
		d.start = time.Now()
	} else if late := d.elapsed() - d.written; late > 0 {
		d.start = d.start.Add(toDuration(late))
		if d.pace.behind { // the server was late, and not this machine
			d.stalls++
		} else {
			d.underruns++
		}
	} else if -late >= snapcastLeast-audio.Block {
		d.pace.behind = false
	}
	began := time.Now()
	if err := d.setDeadline(ctx, began); err != nil {
		return err
	}
	d.written += int64(len(sound) / audio.FrameBytes)
	_, err := d.conn.Write(sound)
	switch {
	case err == nil:
		d.measurePace(began, len(sound)/audio.FrameBytes)
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("the Snapcast server at %s has taken no sound for %v; restart it", d.output.address, stallTimeout)
	}
	return fmt.Errorf("the Snapcast server at %s has gone: %w", d.output.address, err)
}

// setDeadline has a write that begins now fail after stallTimeout or up to half of it more: a deadline that is moved with each
// write would cost more than the write.
func (d *snapcastDevice) setDeadline(ctx context.Context, now time.Time) error {
	if d.deadline.Sub(now) >= stallTimeout {
		return nil
	}
	d.deadline = now.Add(stallTimeout * 3 / 2)
	if err := d.conn.SetWriteDeadline(d.deadline); err != nil {
		return fmt.Errorf("playing to the Snapcast server: %w", err)
	}
	return ctx.Err() // the deadline set at its end may just have been overwritten
}

// delay includes the server's buffer, which the server holds to the millisecond.
func (d *snapcastDevice) delay() (int, error) {
	return int(max(0, d.written-d.elapsed())) + d.output.buffer, nil
}

func (d *snapcastDevice) close(int) error {
	d.stopWatching()
	d.alarm.close()
	_ = d.conn.Close()
	d.endFormatCheck()
	d.output.groups.restore()
	if d.output.toldSlow { // that is the cause of most
		return nil
	}
	logUnderruns(d.output.log, "snapcast:"+d.output.address, d.underruns)
	if d.stalls > 0 {
		d.output.log.Warn("the sound was interrupted: the Snapcast server or the network to it was too slow", "server", d.output.address, "times", d.stalls)
	}
	return nil
}

// openFIFO opens the FIFO of a pipe source for writing. It fails at once when no server reads it.
//
// While a FIFO has no writer, snapserver opens it every 100 ms, reads end-of-file and closes it, so that opening it for
// writing mostly fails although a server runs. Therefore a second descriptor, for reading and writing, holds it open for
// longer than that; by then a running server has opened it and stays. openFIFO creates no FIFO: in /tmp,
// fs.protected_fifos would keep the server from it.
func openFIFO(ctx context.Context, path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err == nil && info.Mode()&fs.ModeNamedPipe == 0 {
		return nil, fmt.Errorf("%s is no FIFO; remove it, and let snapserver create one with the source pipe://%[1]s?name=guided&mode=create&sampleformat=48000:16:2", path)
	}
	if err != nil {
		return nil, fifoError(path, err)
	}
	holder, err := os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fifoError(path, err)
	}
	w, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err == nil {
		err = sleep(ctx, 200*time.Millisecond)
	}
	_ = holder.Close() // nothing was written to it
	if err == nil {
		err = checkFIFOReader(path)
	}
	if err == nil {
		return w, nil
	}
	if w != nil {
		_ = w.Close() // nothing was written to it either
	}
	return nil, fifoError(path, err)
}

// checkFIFOReader is nil when a process has the FIFO open for reading.
func checkFIFOReader(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err == nil {
		err = f.Close()
	}
	return err
}

// fifoError explains why a FIFO does not open, and what to do.
func fifoError(path string, err error) error {
	switch {
	case errors.Is(err, syscall.ENXIO):
		return fmt.Errorf("no snapserver reads %s; start it with the source pipe://%[1]s?name=guided&mode=create&sampleformat=48000:16:2", path)
	case errors.Is(err, fs.ErrNotExist):
		hint := ""
		if strings.HasPrefix(path, "/tmp/") {
			hint = "; a service with PrivateTmp has a /tmp of its own, so choose a place in /run"
		}
		return fmt.Errorf("there is no FIFO %s; start snapserver with the source pipe://%[1]s?name=guided&mode=create&sampleformat=48000:16:2%s", path, hint)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the FIFO %s is closed to this user (%w); let him read and write it: chmod a+rw %[1]s", path, err)
	}
	return fmt.Errorf("opening the FIFO %s: %w", path, err)
}
