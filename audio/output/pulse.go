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

// pulseOutput is the output "pulse:SINK": PulseAudio, or PipeWire, which speaks its protocol. No sink is the server's
// default one, wherever the user moves it; a named one is never replaced by another.
type pulseOutput struct {
	sink string
	log  *slog.Logger
}

func (o *pulseOutput) open(ctx context.Context) (device, error) {
	d := &pulseDevice{requestedSink: o.sink, log: o.log, changed: make(chan struct{}, 1)}
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

// pulseDevice is one stream of one connection. The server asks for bytes as it has room for them; that is the pace.
type pulseDevice struct {
	requestedSink string // the sink, empty for the default
	log           *slog.Logger
	conn          *pulseConn
	stream        uint32
	changed       chan struct{} // there is room, or the stream is lost

	mu        sync.Mutex // what the connection's reader tells
	writable  int        // bytes
	err       error
	sink      string
	suspended bool
	underruns int

	written  int // frames
	seekBack int // frames taken back, not yet written anew
	timing   timingInfo
}

// minRequest is how many frames the server's sink takes at a time, and onTheWay how many it may take while a message
// travels to the server: what lies that near to the speaker is not taken back.
const (
	minRequest   = audio.Rate * 10 / 1000
	rewindMargin = audio.Rate * 20 / 1000
)

// timingInfo is how far the server was at a moment; in between, time tells.
type timingInfo struct {
	at        time.Time
	heard     float64 // frames
	readIndex int     // frames that the sink has taken
	running   bool
}

func (d *pulseDevice) createStream() error {
	volume := proto.ChannelVolumes{proto.VolumeNorm, proto.VolumeNorm} // the server's own, unless VolumeSet
	request := &proto.CreatePlaybackStream{
		SampleSpec:            proto.SampleSpec{Format: proto.FormatInt16LE, Channels: 2, Rate: audio.Rate},
		ChannelMap:            proto.ChannelMap{proto.ChannelLeft, proto.ChannelRight},
		SinkIndex:             proto.Undefined,
		SinkName:              d.requestedSink,
		BufferMaxLength:       proto.Undefined,
		BufferTargetLength:    audio.Reserve * audio.FrameBytes,
		BufferPrebufferLength: 2 * audio.Block * audio.FrameBytes, // the rest follows faster than it plays
		BufferMinimumRequest:  minRequest * audio.FrameBytes,
		EarlyRequests:         true, // the sink holds no more than the minimum request; the rest can be taken back
		ChannelVolumes:        volume,
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

// noSinkError tells which sinks there are.
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
	hint := ""
	if near := routines.Nearest(d.requestedSink, names); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return fmt.Errorf("the sound server has no sink %q, only %s%s", d.requestedSink, strings.Join(names, ", "), hint)
}

// handleMessage is called by the connection's reader.
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

// reserve is how many of n bytes there is room for.
func (d *pulseDevice) reserve(n int) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n = min(n, d.writable) / audio.FrameBytes * audio.FrameBytes
	d.writable -= n
	return n, d.err
}

func (d *pulseDevice) write(ctx context.Context, block []byte) error {
	late := time.NewTimer(stallTimeout)
	defer late.Stop()
	for len(block) > 0 {
		n, err := d.reserve(len(block))
		if err != nil {
			return err
		}
		if n == 0 {
			if err := d.waitForChange(ctx, late.C); err != nil {
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

// waitForChange ends when the server has told something.
func (d *pulseDevice) waitForChange(ctx context.Context, late <-chan time.Time) error {
	select {
	case <-d.changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-d.conn.ended:
		return d.conn.failure()
	case <-late:
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.suspended {
		return fmt.Errorf("the sink %s is suspended; wake it with: pactl suspend-sink %[1]s 0", d.sink)
	}
	return fmt.Errorf("the sink %s has taken no sound for %v", d.sink, stallTimeout)
}

// delay asks the server now and then, and counts on by the clock in between; until the sound runs, it asks each time.
func (d *pulseDevice) delay() (int, error) {
	const every = 60 * time.Millisecond
	if !d.timing.running || time.Since(d.timing.at) > every {
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

func (d *pulseDevice) queryTiming() error {
	asked := time.Now()
	var reply proto.GetPlaybackLatencyReply
	if err := d.conn.request(&proto.GetPlaybackLatency{StreamIndex: d.stream}, &reply); err != nil {
		if _, lost := d.reserve(0); lost != nil {
			return lost
		}
		return fmt.Errorf("asking the sound server how far it is: %w", err)
	}
	now := time.Now()
	inSink := toFrames(time.Duration(reply.Latency) * time.Microsecond)
	d.timing = timingInfo{
		at:        asked.Add(now.Sub(asked) / 2),
		heard:     max(0, float64(reply.ReadIndex/audio.FrameBytes)-inSink),
		readIndex: int(reply.ReadIndex / audio.FrameBytes),
		running:   reply.Running,
	}
	return nil
}

// rewind asks where the server is, and lets the next block be written there. Of its stream the server gives a sink
// only what ReadIndex tells; what lies behind that, and a little more, is still ours.
func (d *pulseDevice) rewind(most int) (int, error) {
	if err := d.queryTiming(); err != nil {
		return 0, err
	}
	n := min(most, d.written-d.timing.readIndex-rewindMargin) / audio.Block * audio.Block
	if n <= 0 {
		return 0, nil
	}
	d.written -= n
	d.seekBack += n
	d.mu.Lock()
	d.writable += n * audio.FrameBytes // the server counts on having it again (module-protocol-native: a relative seek)
	d.mu.Unlock()
	return n, nil
}

func (d *pulseDevice) close(int) error {
	d.conn.close()
	logUnderruns(d.log, "pulse:"+d.sink, d.underruns)
	return nil
}
