package output

import (
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

// openPulse opens the output "pulse:SINK": PulseAudio, or PipeWire, which speaks its protocol. An empty sink is the
// server's default, and the stream goes wherever the user moves it; a named sink is never replaced by another.
func openPulse(ctx context.Context, sink string, log *slog.Logger) (device, error) {
	d := &pulseDevice{requestedSink: sink, log: log, changed: make(chan struct{}, 1)}
	var err error
	if d.conn, err = dialPulse(ctx, d.handleMessage); err != nil {
		return nil, err
	}
	if err := d.createStream(); err != nil {
		d.conn.close()
		return nil, err
	}
	return d, nil
}

// pulseDevice is one stream on a connection of its own. The server requests bytes when it has room for them; that is the
// pace.
type pulseDevice struct {
	requestedSink string // empty for the server's default
	log           *slog.Logger
	conn          *pulseConn
	stream        uint32
	changed       chan struct{} // handleMessage has changed something

	mu        sync.Mutex // for what follows, which handleMessage writes
	writable  int        // bytes that the server has requested and not got
	err       error      // why the stream is lost
	sink      string
	suspended bool
	underruns int

	written  int // frames
	seekBack int // frames by which the next write seeks back
	timing   timingInfo
}

// timingInfo is the position of the stream at a moment.
type timingInfo struct {
	at        time.Time
	heard     float64 // frames
	readIndex int     // frames that the sink has taken
	running   bool
}

func (d *pulseDevice) createStream() error {
	request := &proto.CreatePlaybackStream{
		SampleSpec:            proto.SampleSpec{Format: proto.FormatInt16LE, Channels: 2, Rate: audio.Rate},
		ChannelMap:            proto.ChannelMap{proto.ChannelLeft, proto.ChannelRight},
		SinkIndex:             proto.Undefined,
		SinkName:              d.requestedSink,
		BufferMaxLength:       proto.Undefined,
		BufferTargetLength:    audio.RewindDepth * audio.FrameBytes,
		BufferPrebufferLength: 2 * audio.Block * audio.FrameBytes, // the rest is written faster than it plays
		BufferMinimumRequest:  minRequest * audio.FrameBytes,
		EarlyRequests:         true,                                                     // the sink holds no more than the minimum request; the rest can be rewound
		ChannelVolumes:        proto.ChannelVolumes{proto.VolumeNorm, proto.VolumeNorm}, // unused unless VolumeSet
		NoMove:                d.requestedSink != "",
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
	d.stream, d.sink, d.suspended = reply.StreamIndex, reply.SinkName, reply.SinkSuspended
	d.writable += int(reply.Missing)
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
	if d.requestedSink == "" {
		return errors.New("the sound server has no default sink; choose one with: pactl set-default-sink NAME")
	}
	var names []string
	for _, s := range sinks {
		names = append(names, s.SinkName)
	}
	if len(names) == 0 {
		return fmt.Errorf("the sound server has no sink at all, so none named %q; connect a speaker", d.requestedSink)
	}
	hint := ""
	if near := routines.Nearest(d.requestedSink, names); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return fmt.Errorf("the sound server has no sink %q, only %s%s", d.requestedSink, strings.Join(names, ", "), hint)
}

// handleMessage runs on the goroutine that reads the connection.
func (d *pulseDevice) handleMessage(message any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch m := message.(type) {
	case *proto.Request:
		d.writable += int(m.Length)
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
		d.sink, d.suspended = m.DestName, m.Suspended
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
	n = min(n, d.writable) / audio.FrameBytes * audio.FrameBytes
	d.writable -= n
	return n, d.err
}

func (d *pulseDevice) write(ctx context.Context, block []byte) error {
	timeout := time.NewTimer(stallTimeout)
	defer timeout.Stop()
	for len(block) > 0 {
		n, err := d.reserve(len(block))
		if err != nil {
			return err
		}
		if n == 0 {
			if err := d.waitForChange(ctx, timeout.C); err != nil {
				return err
			}
			continue
		}
		if err := d.conn.writeStream(d.stream, -d.seekBack*audio.FrameBytes, block[:n]); err != nil {
			return err
		}
		d.seekBack = 0
		d.written += n / audio.FrameBytes
		block = block[n:]
	}
	return nil
}

// waitForChange waits for a message of the server; timeout makes the stream count as lost.
func (d *pulseDevice) waitForChange(ctx context.Context, timeout <-chan time.Time) error {
	select {
	case <-d.changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-d.conn.ended:
		return d.conn.failure()
	case <-timeout:
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.suspended {
		return fmt.Errorf("the sink %s is suspended; wake it with: pactl suspend-sink %[1]s 0", d.sink)
	}
	return fmt.Errorf("the sink %s has taken no sound for %v", d.sink, stallTimeout)
}

// delay extrapolates the last timing of the server. It asks for a new one when that is old, or the sound did not run.
func (d *pulseDevice) delay() (int, error) {
	const maxAge = 60 * time.Millisecond
	if !d.timing.running || time.Since(d.timing.at) > maxAge {
		if err := d.queryTiming(); err != nil {
			return 0, err
		}
	}
	heard := d.timing.heard
	if d.timing.running {
		heard += toFrames(time.Since(d.timing.at))
	}
	return d.written - min(d.written, int(heard)), nil
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
	inSink := toFrames(time.Duration(reply.Latency) * time.Microsecond)
	d.timing = timingInfo{
		at:        asked.Add(roundTrip / 2),
		heard:     max(0, float64(reply.ReadIndex/audio.FrameBytes)-inSink),
		readIndex: int(reply.ReadIndex / audio.FrameBytes),
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
	n := min(limit, d.written-d.timing.readIndex-rewindMargin) / audio.Block * audio.Block
	if n <= 0 {
		return 0, nil
	}
	d.written -= n
	d.seekBack += n
	d.mu.Lock()
	d.writable += n * audio.FrameBytes // after a relative seek the server expects these bytes again (protocol-native.c)
	d.mu.Unlock()
	return n, nil
}

func (d *pulseDevice) close(int) error {
	d.conn.close()
	logUnderruns(d.log, "pulse:"+d.sink, d.underruns)
	return nil
}

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
	for _, s := range sinks {
		list = append(list, DeviceInfo{
			Spec:    "pulse:" + s.SinkName,
			Name:    s.Device,
			Default: s.SinkName == server.DefaultSinkName,
		})
	}
	if len(list) == 0 {
		return []DeviceInfo{{Spec: "pulse", Problem: "the sound server has no sink to play to; plug in a speaker"}}
	}
	return list
}
