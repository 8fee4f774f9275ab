package output

import (
	"context"
	"fmt"
	"math"
	"net"
	"net/url"
	"strings"
	"time"

	"guided/audio"
)

// snapcastFormat is the sample format that is sent to a Snapcast server. Its source must have the same one: the server
// does not convert, so that 44100:16:2 is heard too low and too slow, and 48000:24:2 as noise.
const snapcastFormat = "48000:16:2"

// formatPatience is how long open waits for the server to tell its format. An answer that comes later still ends the
// Play, before much of the sound has left the server's buffer.
const formatPatience = 250 * time.Millisecond

// formatCheck asks the server's control for the format of our source while the sound begins.
type formatCheck struct {
	cancel context.CancelFunc
	result chan error    // gets one result: nil where the format is right or cannot be known
	known  bool          // the result was taken
	ended  chan struct{} // closed when the goroutine has returned
}

// startFormatCheck begins the check; endFormatCheck ends it.
func (d *snapcastDevice) startFormatCheck(ctx context.Context) {
	f := &d.format
	f.result, f.ended = make(chan error, 1), make(chan struct{})
	ctx, f.cancel = context.WithCancel(ctx)
	go func() {
		defer close(f.ended)
		f.result <- d.output.askFormat(ctx)
	}()
}

func (d *snapcastDevice) endFormatCheck() {
	d.format.cancel()
	<-d.format.ended
}

// checkFormat returns the error of a wrong format as soon as it is known, and waits for that up to patience.
func (d *snapcastDevice) checkFormat(patience time.Duration) error {
	f := &d.format
	if f.known {
		return nil
	}
	if patience == 0 {
		select {
		case err := <-f.result:
			f.known = true
			return err
		default:
			return nil
		}
	}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case err := <-f.result:
		f.known = true
		return err
	case <-timeout.C:
		return nil
	}
}

// askFormat asks the server for its sources. It is nil where the server does not tell.
func (o *snapcastOutput) askFormat(ctx context.Context) error {
	c, err := dialSnapcastControl(ctx, o.control)
	if err != nil {
		return nil
	}
	defer c.close()
	status, err := c.status()
	if err != nil {
		return nil
	}
	stream, ok := o.findStream(status)
	if !ok {
		return nil
	}
	return o.checkStreamFormat(stream)
}

// findStream finds our source by its port or path, else by its name.
func (o *snapcastOutput) findStream(s snapcastStatus) (snapcastStream, bool) {
	_, port, _ := net.SplitHostPort(o.address)
	name := "guided"
	if o.groups != nil {
		name = o.groups.stream
	}
	found := -1
	for i, stream := range s.Streams {
		if o.pipe && stream.URI.Scheme == "pipe" && stream.URI.Path == o.address || !o.pipe && stream.URI.Scheme == "tcp" && stream.port() == port {
			return stream, true
		}
		if stream.ID == name {
			found = i
		}
	}
	if found < 0 {
		return snapcastStream{}, false
	}
	return s.Streams[found], true
}

// port is the port of a tcp source.
func (s snapcastStream) port() string {
	u, err := url.Parse(s.URI.Raw)
	if err != nil {
		return ""
	}
	if u.Port() == "" {
		return "4953"
	}
	return u.Port()
}

// checkStreamFormat is nil when a source has our format, or does not tell. A part of it may be *, for any.
func (o *snapcastOutput) checkStreamFormat(s snapcastStream) error {
	format, _ := s.URI.Query["sampleformat"].(string)
	ours, theirs := strings.Split(snapcastFormat, ":"), strings.Split(format, ":")
	if len(theirs) != len(ours) {
		return nil
	}
	same := true
	for i := range ours {
		same = same && (theirs[i] == ours[i] || theirs[i] == "*")
	}
	if same {
		return nil
	}
	line := fmt.Sprintf("source = tcp://0.0.0.0:%s?name=%s&mode=server&sampleformat=%s", s.port(), url.QueryEscape(s.ID), snapcastFormat)
	if o.pipe {
		line = fmt.Sprintf("source = pipe://%s?name=%s&mode=create&sampleformat=%s", o.address, url.QueryEscape(s.ID), snapcastFormat)
	}
	return fmt.Errorf("the source %.40q of the Snapcast server has the sample format %.40s, which would sound wrong, as guided plays %s; write in snapserver.conf: %.200s", s.ID, format, snapcastFormat, line)
}

// paceMeter finds a server that takes less sound than a second holds, by the writes that wait for it: for good, and not
// only for a moment. It is how a wrong sample format is seen where the control does not answer.
type paceMeter struct {
	behind bool // a write had to wait, and since then the device was never filled again

	began   time.Time // of this window
	waited  time.Duration
	frames  int
	windows int // in which writes waited, one after the other
	inRun   time.Duration
	taken   int // frames in these windows
}

// Each of slowWindows windows in a row must have waited for a thirtieth of its time, and all together must have taken at
// least 3 % too little: a network that fails and recovers does not do that, and 44.1 in place of 48 kHz is 8 %.
const (
	paceWindow  = 2 * time.Second
	slowWindows = 5
	blockedFor  = 5 * time.Millisecond // a write that does not wait takes microseconds
)

// add takes a write that began at a time and ended at another. It returns the rate at which the server takes frames when
// that is clearly too low, else 0.
func (m *paceMeter) add(began, ended time.Time, frames int) int {
	if m.began.IsZero() {
		m.began = began
	}
	took := ended.Sub(began)
	if took > blockedFor {
		m.behind = true
		m.waited += took
	}
	m.frames += frames
	window := ended.Sub(m.began)
	if window < paceWindow {
		return 0
	}
	if m.waited < window/30 {
		m.windows, m.inRun, m.taken = 0, 0, 0
	} else {
		m.windows++
		m.inRun += window
		m.taken += m.frames
	}
	m.began, m.waited, m.frames = ended, 0, 0
	rate := float64(m.taken) / max(1, m.inRun.Seconds())
	if m.windows < slowWindows || rate > 0.97*audio.Rate {
		return 0
	}
	return int(math.Round(rate))
}

// measurePace logs once that the server takes less than it is given.
func (d *snapcastDevice) measurePace(began time.Time, frames int) {
	rate := d.pace.add(began, time.Now(), frames)
	if rate == 0 || d.output.toldSlow {
		return
	}
	d.output.toldSlow = true
	d.output.log.Warn("the Snapcast server takes less sound than it is given, so it is heard too low and too slow: its source seems to have another sample format, or the network to it is too slow; write sampleformat="+snapcastFormat+" in its line in snapserver.conf",
		"server", d.output.address, "frames a second", rate, "given", audio.Rate)
}
