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
	d := &pulseDevice{want: o.sink, log: o.log, wake: make(chan struct{}, 1)}
	var err error
	if d.link, err = dialPulse(ctx, d.notice); err != nil {
		return nil, err
	}
	if err := d.start(); err != nil {
		d.link.close()
		return nil, err
	}
	return d, nil
}

// pulseDevice is one stream of one connection. The server asks for bytes as it has room for them; that is the pace.
type pulseDevice struct {
	want   string // the sink, empty for the default
	log    *slog.Logger
	link   *pulseLink
	stream uint32
	wake   chan struct{} // there is room, or the stream is lost

	mu        sync.Mutex // what the connection's reader tells
	room      int        // bytes
	lost      error
	sink      string
	suspended bool
	gaps      int

	written  int // frames
	back     int // frames taken back, not yet written anew
	progress playback
}

// sinkShare is how many frames the server's sink takes at a time, and onTheWay how many it may take while a message
// travels to the server: what lies that near to the speaker is not taken back.
const (
	sinkShare = audio.Rate * 10 / 1000
	onTheWay  = audio.Rate * 20 / 1000
)

// playback is how far the server was at a moment; in between, time tells.
type playback struct {
	at      time.Time
	heard   float64 // frames
	taken   int     // frames that the sink has taken
	running bool
}

func (d *pulseDevice) start() error {
	volume := proto.ChannelVolumes{proto.VolumeNorm, proto.VolumeNorm} // the server's own, unless VolumeSet
	request := &proto.CreatePlaybackStream{
		SampleSpec:            proto.SampleSpec{Format: proto.FormatInt16LE, Channels: 2, Rate: audio.Rate},
		ChannelMap:            proto.ChannelMap{proto.ChannelLeft, proto.ChannelRight},
		SinkIndex:             proto.Undefined,
		SinkName:              d.want,
		BufferMaxLength:       proto.Undefined,
		BufferTargetLength:    audio.Reserve * audio.FrameBytes,
		BufferPrebufferLength: 2 * audio.Block * audio.FrameBytes, // the rest follows faster than it plays
		BufferMinimumRequest:  sinkShare * audio.FrameBytes,
		EarlyRequests:         true, // the sink holds no more than the minimum request; the rest can be taken back
		ChannelVolumes:        volume,
		NoMove:                d.want != "",
		Properties: proto.PropList{
			"media.name": proto.PropListString("guided"),
			"media.role": proto.PropListString("music"),
		},
	}
	var reply proto.CreatePlaybackStreamReply
	err := d.link.ask(request, &reply)
	if errors.Is(err, proto.ErrNoSuchEntity) {
		return d.noSink()
	}
	if err != nil {
		return fmt.Errorf("the sound server offers no stream: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stream, d.sink, d.suspended = reply.StreamIndex, reply.SinkName, reply.SinkSuspended
	d.room += int(reply.Missing)
	return nil
}

// noSink tells which sinks there are.
func (d *pulseDevice) noSink() error {
	var sinks proto.GetSinkInfoListReply
	if err := d.link.ask(&proto.GetSinkInfoList{}, &sinks); err != nil {
		return fmt.Errorf("asking the sound server for its sinks: %w", err)
	}
	if len(sinks) == 0 {
		return errors.New("the sound server has no sink to play to; plug in a speaker")
	}
	if d.want == "" {
		return errors.New("the sound server has no default sink; choose one with: pactl set-default-sink NAME")
	}
	var names []string
	for _, s := range sinks {
		names = append(names, s.SinkName)
	}
	hint := ""
	if near := routines.Nearest(d.want, names); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return fmt.Errorf("the sound server has no sink %q, only %s%s", d.want, strings.Join(names, ", "), hint)
}

// notice is called by the connection's reader.
func (d *pulseDevice) notice(message any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch m := message.(type) {
	case *proto.Request:
		d.room += int(m.Length)
	case *proto.Underflow:
		d.gaps++
	case *proto.PlaybackStreamKilled:
		d.lost = fmt.Errorf("the sink %s was removed", d.sink)
	case *proto.PlaybackStreamSuspended:
		d.suspended = m.Suspended
	case *proto.PlaybackStreamMoved:
		if d.want != "" {
			d.lost = fmt.Errorf("the sound was moved from the sink %s to %s", d.want, m.DestName)
		}
		d.sink, d.suspended = m.DestName, m.Suspended
	}
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// take is how many of n bytes there is room for.
func (d *pulseDevice) take(n int) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n = min(n, d.room) / audio.FrameBytes * audio.FrameBytes
	d.room -= n
	return n, d.lost
}

func (d *pulseDevice) write(ctx context.Context, block []byte) error {
	late := time.NewTimer(stall)
	defer late.Stop()
	for len(block) > 0 {
		n, err := d.take(len(block))
		if err != nil {
			return err
		}
		if n == 0 {
			if err := d.wait(ctx, late.C); err != nil {
				return err
			}
			continue
		}
		if err := d.link.send(d.stream, -d.back*audio.FrameBytes, block[:n]); err != nil {
			return err
		}
		d.back = 0
		d.written += n / audio.FrameBytes
		block = block[n:]
	}
	return nil
}

// wait ends when the server has told something.
func (d *pulseDevice) wait(ctx context.Context, late <-chan time.Time) error {
	select {
	case <-d.wake:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-d.link.ended:
		return d.link.cause()
	case <-late:
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.suspended {
		return fmt.Errorf("the sink %s is suspended; wake it with: pactl suspend-sink %[1]s 0", d.sink)
	}
	return fmt.Errorf("the sink %s has taken no sound for %v", d.sink, stall)
}

// delay asks the server now and then, and counts on by the clock in between; until the sound runs, it asks each time.
func (d *pulseDevice) delay() (int, error) {
	const every = 60 * time.Millisecond
	if !d.progress.running || time.Since(d.progress.at) > every {
		if err := d.look(); err != nil {
			return 0, err
		}
	}
	heard := d.progress.heard
	if d.progress.running {
		heard += framesIn(time.Since(d.progress.at))
	}
	return d.written - min(d.written, int(heard)), nil
}

func (d *pulseDevice) look() error {
	asked := time.Now()
	var reply proto.GetPlaybackLatencyReply
	if err := d.link.ask(&proto.GetPlaybackLatency{StreamIndex: d.stream}, &reply); err != nil {
		if _, lost := d.take(0); lost != nil {
			return lost
		}
		return fmt.Errorf("asking the sound server how far it is: %w", err)
	}
	now := time.Now()
	inSink := framesIn(time.Duration(reply.Latency) * time.Microsecond)
	d.progress = playback{
		at:      asked.Add(now.Sub(asked) / 2),
		heard:   max(0, float64(reply.ReadIndex/audio.FrameBytes)-inSink),
		taken:   int(reply.ReadIndex / audio.FrameBytes),
		running: reply.Running,
	}
	return nil
}

// takeBack asks where the server is, and lets the next block be written there. Of its stream the server gives a sink
// only what ReadIndex tells; what lies behind that, and a little more, is still ours.
func (d *pulseDevice) takeBack(most int) (int, error) {
	if err := d.look(); err != nil {
		return 0, err
	}
	n := min(most, d.written-d.progress.taken-onTheWay) / audio.Block * audio.Block
	if n <= 0 {
		return 0, nil
	}
	d.written -= n
	d.back += n
	d.mu.Lock()
	d.room += n * audio.FrameBytes // the server counts on having it again (module-protocol-native: a relative seek)
	d.mu.Unlock()
	return n, nil
}

func (d *pulseDevice) close(int) error {
	d.link.close()
	tellGaps(d.log, "pulse:"+d.sink, d.gaps)
	return nil
}
