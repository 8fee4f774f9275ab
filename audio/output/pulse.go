package output

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/jfreymuth/pulse/proto"

	"guided/audio"
	"guided/routines"
)

// minRequest is how many frames the server requests at least, and its sink takes at a time. rewindMargin is how many it
// may take while a message travels to the server; frames that near to the speaker are not rewound.
const (
	minRequest   = audio.Rate * 10 / 1000
	rewindMargin = audio.Rate * 20 / 1000
)

// pulseOutput is the output "pulse:SINK": PulseAudio, or PipeWire, which speaks its protocol. An empty sink is the user's or
// the server's default, and the stream goes wherever the user moves it; a named sink is never replaced by another.
type pulseOutput struct {
	sink  string
	log   *slog.Logger
	mixer mixerReport
}

// open is called by one goroutine at a time.
func (o *pulseOutput) open(ctx context.Context) (device, error) {
	d := &pulseDevice{requestedSink: o.sink, log: o.log, mixer: &o.mixer, changed: make(chan struct{}, 1)}
	var err error
	if d.conn, err = dialPulse(ctx, d.handleMessage); err != nil {
		return nil, err
	}
	if err = d.createStream(); err == nil {
		err = d.watchMixer()
	}
	if err != nil {
		d.conn.close()
		return nil, err
	}
	return d, nil
}

// pulseDevice is one stream on a connection of its own. The server requests bytes when it has room for them; that is the
// pace.
type pulseDevice struct {
	requestedSink string // empty for the default
	log           *slog.Logger
	mixer         *mixerReport
	conn          *pulseConn
	stream        uint32
	input         uint32        // the stream's index in the server's mixer
	changed       chan struct{} // handleMessage has changed something
	alarm         alarm

	mu           sync.Mutex // for what follows, which handleMessage writes
	writable     int64      // bytes that the server has requested and not got
	requestedAt  time.Time  // when it did last
	err          error      // why the stream is lost
	sink         string
	suspended    bool
	underruns    int
	mixerChanged bool // volumes are to be read again
	silencedFor  bool // a stream of another role has asked for silence

	mixerRead time.Time // when volumes were read
	written   int64     // frames
	seekBack  int       // frames by which the next write seeks back
	timing    timingInfo
}

// timingInfo is the position of the stream at a moment.
type timingInfo struct {
	at        time.Time
	heard     float64 // frames
	readIndex int64   // frames that the sink has taken
	running   bool
}

func (d *pulseDevice) createStream() error {
	request := &proto.CreatePlaybackStream{
		SampleSpec:            proto.SampleSpec{Format: proto.FormatInt16LE, Channels: 2, Rate: audio.Rate},
		ChannelMap:            proto.ChannelMap{proto.ChannelLeft, proto.ChannelRight},
		SinkIndex:             proto.Undefined,
		SinkName:              cmp.Or(d.requestedSink, d.conn.defaultSink),
		BufferMaxLength:       proto.Undefined,
		BufferTargetLength:    audio.RewindDepth * audio.FrameBytes,
		BufferPrebufferLength: 2 * audio.Block * audio.FrameBytes, // the rest is written faster than it plays
		BufferMinimumRequest:  minRequest * audio.FrameBytes,
		EarlyRequests:         true, // the sink holds no more than the minimum request; the rest can be rewound
		NoMove:                d.requestedSink != "",

		// The volume of our stream is set, in relation to that of the sink, which stays as it is. Otherwise the server would
		// give the stream what it remembers (module-stream-restore): muted once, guided would be muted for good.
		ChannelVolumes: proto.ChannelVolumes{proto.VolumeNorm, proto.VolumeNorm},
		VolumeSet:      true,
		RelativeVolume: true,
		Muted:          false,
		MutedSet:       true,

		Properties: proto.PropList{
			"media.name": proto.PropListString("guided"),
			"media.role": proto.PropListString("music"),
		},
	}
	var reply proto.CreatePlaybackStreamReply
	err := d.conn.request(request, &reply)
	if errors.Is(err, proto.ErrNoSuchEntity) {
		return d.noSinkError()
	}
	if err != nil {
		return fmt.Errorf("the sound server offers no stream: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stream, d.input, d.sink, d.suspended = reply.StreamIndex, reply.SinkInputIndex, reply.SinkName, reply.SinkSuspended
	d.writable += int64(reply.Missing)
	d.requestedAt = time.Now()
	return nil
}

// noSinkError explains that the requested sink is missing, and names those that exist.
func (d *pulseDevice) noSinkError() error {
	var sinks proto.GetSinkInfoListReply
	if err := d.conn.request(&proto.GetSinkInfoList{}, &sinks); err != nil {
		return fmt.Errorf("asking the sound server for its sinks: %w", err)
	}
	if len(sinks) == 0 {
		return errors.New("the sound server has no sink to play to; plug in a speaker")
	}
	wanted, from := d.requestedSink, ""
	if wanted == "" {
		wanted, from = d.conn.defaultSink, ", which PULSE_SINK or default-sink in client.conf names"
	}
	if wanted == "" {
		return errors.New("the sound server has no default sink; choose one with: pactl set-default-sink NAME")
	}
	var names []string
	hint := ""
	for _, s := range sinks {
		if names = append(names, s.SinkName); s.MonitorSourceName == wanted {
			hint = fmt.Sprintf("; that is its monitor, which can only be recorded: use %q", "pulse:"+s.SinkName)
		}
	}
	if near := routines.Nearest(wanted, names); near != "" && hint == "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return fmt.Errorf("the sound server has no sink %q%s, only %s%s", wanted, from, listNames(names), hint)
}

// listNames lists names in a message, the first maxNames of them.
func listNames(names []string) string {
	const maxNames = 20
	if more := len(names) - maxNames; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNames], ", "), more)
	}
	return strings.Join(names, ", ")
}

// handleMessage runs on the goroutine that reads the connection.
func (d *pulseDevice) handleMessage(message any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch m := message.(type) {
	case *proto.Request:
		d.writable += int64(m.Length)
		d.requestedAt = time.Now()
	case *proto.Underflow:
		d.underruns++
	case *proto.PlaybackStreamKilled:
		d.err = fmt.Errorf("the sink %s was removed", d.sink)
	case *proto.PlaybackStreamSuspended:
		d.suspended = m.Suspended
	case *proto.PlaybackStreamMoved:
		if d.requestedSink != "" {
			d.err = fmt.Errorf("the sound was moved from the sink %s to %s", d.requestedSink, m.DestName)
		}
		d.sink, d.suspended, d.mixerChanged = m.DestName, m.Suspended, true
	case *proto.SubscribeEvent:
		d.mixerChanged = true
	case *proto.PlaybackStreamEvent:
		if m.Event == "request-cork" || m.Event == "request-uncork" {
			d.silencedFor, d.mixerChanged = m.Event == "request-cork", true
		}
	}
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// reserve claims up to n of the requested bytes, in whole frames, and returns how many. It fails when the stream is lost.
func (d *pulseDevice) reserve(n int) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n = int(min(int64(n), d.writable)) / audio.FrameBytes * audio.FrameBytes
	d.writable -= int64(n)
	return n, d.err
}

// room is how many frames the server has requested, in whole blocks. It fails when the stream is lost.
func (d *pulseDevice) room() (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return int(min(d.writable/audio.FrameBytes, chunk)) / audio.Block * audio.Block, d.err
}

func (d *pulseDevice) wait(ctx context.Context, limit time.Duration, interrupt <-chan struct{}) (room int, interrupted bool, err error) {
	if room, err := d.room(); room > 0 || err != nil {
		return room, false, err
	}
	interrupted, err = d.waitForChange(ctx, limit, interrupt)
	if interrupted || err != nil {
		return 0, interrupted, err
	}
	room, err = d.room()
	return room, false, err
}

func (d *pulseDevice) write(ctx context.Context, sound []byte) error {
	for len(sound) > 0 {
		n, err := d.reserve(len(sound))
		if err != nil {
			return err
		}
		if n == 0 {
			if _, err := d.waitForChange(ctx, stallTimeout, nil); err != nil {
				return err
			}
			continue
		}
		if err := d.conn.writeStream(d.stream, -d.seekBack*audio.FrameBytes, sound[:n]); err != nil {
			return err
		}
		d.seekBack = 0
		d.written += int64(n / audio.FrameBytes)
		sound = sound[n:]
	}
	return nil
}

// waitForChange waits for a message of the server, or an interrupt, until limit has passed. A stream for which nothing was
// requested for stallTimeout is lost.
func (d *pulseDevice) waitForChange(ctx context.Context, limit time.Duration, interrupt <-chan struct{}) (interrupted bool, err error) {
	d.mu.Lock()
	patience := stallTimeout - time.Since(d.requestedAt)
	d.mu.Unlock()
	select {
	case <-d.changed:
		return false, nil
	case <-interrupt:
		return true, nil
	case <-ctx.Done():
		return false, ctx.Err()
	case <-d.conn.ended:
		return false, d.conn.failure()
	case <-d.alarm.after(min(limit, patience)):
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case time.Since(d.requestedAt) < stallTimeout:
		return false, nil
	case d.suspended:
		return false, fmt.Errorf("the sink %s is suspended; wake it with: pactl suspend-sink %[1]s 0", d.sink)
	}
	return false, fmt.Errorf("the sink %s has taken no sound for %v", d.sink, stallTimeout)
}

// delay extrapolates the last timing of the server. It asks for a new one when that is old, or the sound did not run.
func (d *pulseDevice) delay() (int, error) {
	const maxAge = 60 * time.Millisecond
	if !d.timing.running || time.Since(d.timing.at) > maxAge {
		if err := d.queryTiming(); err != nil {
			return 0, err
		}
		if err := d.checkMixer(); err != nil {
			return 0, err
		}
	}
	heard := d.timing.heard
	if d.timing.running {
		heard += toFrames(time.Since(d.timing.at))
	}
	return int(d.written - min(d.written, int64(heard))), nil
}

// queryTiming asks the server for the position of the stream. The answer is as of the middle of the round trip.
func (d *pulseDevice) queryTiming() error {
	asked := time.Now()
	var reply proto.GetPlaybackLatencyReply
	if err := d.conn.request(&proto.GetPlaybackLatency{StreamIndex: d.stream}, &reply); err != nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.err != nil {
			return d.err
		}
		return fmt.Errorf("asking the sound server how far it is: %w", err)
	}
	roundTrip := time.Since(asked)
	const maxLatency = proto.Microseconds(time.Minute / time.Microsecond) // more is no latency of a sink
	inSink := toFrames(time.Duration(min(reply.Latency, maxLatency)) * time.Microsecond)
	d.timing = timingInfo{
		at:        asked.Add(roundTrip / 2),
		heard:     max(0, float64(reply.ReadIndex/audio.FrameBytes)-inSink),
		readIndex: reply.ReadIndex / audio.FrameBytes,
		running:   reply.Running,
	}
	return nil
}

// rewind makes the next write seek back. Frames before ReadIndex were taken by the sink; those after it, but for
// rewindMargin, can be overwritten.
func (d *pulseDevice) rewind(limit int) (int, error) {
	if err := d.queryTiming(); err != nil {
		return 0, err
	}
	n := int(min(int64(limit), d.written-max(0, d.timing.readIndex)-rewindMargin)) / audio.Block * audio.Block
	if n <= 0 {
		return 0, nil
	}
	d.written -= int64(n)
	d.seekBack += n
	d.mu.Lock()
	d.writable += int64(n) * audio.FrameBytes // after a relative seek the server expects these bytes again (protocol-native.c)
	d.mu.Unlock()
	return n, nil
}

func (d *pulseDevice) close(int) error {
	d.conn.close()
	logUnderruns(d.log, "pulse:"+d.sink, d.underruns)
	return nil
}

// maxListedSinks is how many sinks a list for people shows: more than a machine has, and little enough to read.
const maxListedSinks = 200

// pulseDevices lists the sinks of the sound server.
func pulseDevices(ctx context.Context) []DeviceInfo {
	problem := func(err error) []DeviceInfo { return []DeviceInfo{{Spec: "pulse", Problem: err.Error()}} }
	conn, err := dialPulse(ctx, func(any) {})
	if err != nil {
		return problem(err)
	}
	defer conn.close()
	var server proto.GetServerInfoReply
	if err := conn.request(&proto.GetServerInfo{}, &server); err != nil {
		return problem(err)
	}
	var sinks proto.GetSinkInfoListReply
	if err := conn.request(&proto.GetSinkInfoList{}, &sinks); err != nil {
		return problem(err)
	}
	var list []DeviceInfo
	standard := cmp.Or(conn.defaultSink, server.DefaultSinkName)
	for i, s := range sinks {
		if i == maxListedSinks {
			more := fmt.Sprintf("%d more sinks are not listed; pactl list short sinks names them all", len(sinks)-i)
			list = append(list, DeviceInfo{Spec: "pulse", Problem: more})
			break
		}
		list = append(list, DeviceInfo{Spec: "pulse:" + s.SinkName, Name: s.Device, Default: s.SinkName == standard})
	}
	if len(list) == 0 {
		return []DeviceInfo{{Spec: "pulse", Problem: "the sound server has no sink to play to; plug in a speaker"}}
	}
	return list
}
