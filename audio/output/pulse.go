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
	if err = d.alarm.useKernel(); err == nil {
		err = d.createStream()
	}
	if err != nil {
		d.alarm.close()
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
	moved        bool // to another sink, since wasMoved was asked last
	stale        bool // the sound may not run as it did at the last timing
	mixerChanged bool // volumes are to be read again
	silencedFor  bool // a stream of another role has asked for silence

	mixerRead time.Time // when volumes were read
	written   int64     // frames
	seek      int       // frames by which the next write begins after the last one, negative before its end
	timing    timingInfo
	timingAge time.Duration // how old timing may become

	stage      pulseStage
	stageBegan time.Time
	kept       []byte // what was written last, while the sink is to be tried out
	probes     int
	rewinds    bool // the sink gives back what it has taken
	check      rewindCheck
}

// timingInfo is the position of the stream at a moment.
type timingInfo struct {
	at        time.Time
	heard     float64 // frames, negative while the sink plays what it had before
	readIndex int64   // frames that the sink has taken, and not given back
	replayed  int64   // frames that the sink has given back, and more or less a constant
	running   bool
}

func (d *pulseDevice) createStream() error {
	request := &proto.CreatePlaybackStream{
		SampleSpec:            proto.SampleSpec{Format: proto.FormatInt16LE, Channels: 2, Rate: audio.Rate},
		ChannelMap:            proto.ChannelMap{proto.ChannelLeft, proto.ChannelRight},
		SinkIndex:             proto.Undefined,
		SinkName:              cmp.Or(d.requestedSink, d.conn.defaultSink),
		BufferMaxLength:       proto.Undefined,
		BufferTargetLength:    startQueue * audio.FrameBytes,
		BufferPrebufferLength: firstChunk * audio.FrameBytes, // the rest is written faster than it plays
		BufferMinimumRequest:  startRequest * audio.FrameBytes,
		EarlyRequests:         true, // the sink holds no more than the minimum request
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
		d.stale = true
	case *proto.PlaybackStreamKilled:
		d.err = fmt.Errorf("the sink %s was removed", d.sink)
	case *proto.PlaybackStreamSuspended:
		d.suspended, d.stale = m.Suspended, true
	case *proto.PlaybackStreamMoved:
		if d.requestedSink != "" {
			d.err = fmt.Errorf("the sound was moved from the sink %s to %s", d.requestedSink, m.DestName)
		}
		d.sink, d.suspended, d.mixerChanged, d.moved, d.stale = m.DestName, m.Suspended, true, true, true
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
	due, err := d.advance()
	if err != nil {
		return 0, false, err
	}
	interrupted, err = d.waitForChange(ctx, min(limit, due), interrupt)
	if interrupted || err != nil {
		return 0, interrupted, err
	}
	room, err = d.room()
	return room, false, err
}

// wasMoved tells whether the stream was moved to another sink since it was asked last.
func (d *pulseDevice) wasMoved() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	moved := d.moved
	d.moved = false
	return moved
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
		if err := d.conn.writeStream(d.stream, d.seek*audio.FrameBytes, sound[:n]); err != nil {
			return err
		}
		d.seek = 0
		d.keep(sound[:n])
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
	return false, d.checkStalled()
}

// checkStalled fails when nothing was requested for stallTimeout, unless the sink plays on: it may take much at a time.
func (d *pulseDevice) checkStalled() error {
	d.mu.Lock()
	stalled := time.Since(d.requestedAt) >= stallTimeout
	d.mu.Unlock()
	if !stalled {
		return nil
	}
	before := d.timing.heard
	if err := d.queryTiming(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.timing.heard > before && d.timing.heard < float64(d.written):
		d.requestedAt = time.Now()
		return nil
	case d.suspended:
		return fmt.Errorf("the sink %s is suspended; wake it with: pactl suspend-sink %[1]s 0", d.sink)
	}
	return fmt.Errorf("the sink %s has taken no sound for %v", d.sink, stallTimeout)
}

// delay extrapolates the last timing of the server with the clock of this machine. It asks for a new one when that is old, or
// the sound did not run, or something has happened to it since, and before it says that everything was heard: the server may
// have been late, and the end would be cut off.
func (d *pulseDevice) delay() (int, error) {
	d.mu.Lock()
	stale := d.stale
	d.stale = false
	d.mu.Unlock()
	if stale {
		d.timingAge = 0
	}
	if !d.timing.running || time.Since(d.timing.at) > d.timingAge || d.unheard() == 0 {
		if err := d.queryTiming(); err != nil {
			return 0, err
		}
	}
	if err := d.checkMixer(); err != nil {
		return 0, err
	}
	return d.unheard(), nil
}

// unheard is how many of the frames written were not heard yet, by the last timing and the clock.
func (d *pulseDevice) unheard() int {
	heard := d.timing.heard
	if d.timing.running {
		heard += toFrames(time.Since(d.timing.at))
	}
	return int(d.written - min(d.written, int64(heard)))
}

// A timing may become older with each query: the first ones after a change may be some milliseconds off, and clocks differ
// by some 100 ppm, half a millisecond in the longest time.
const (
	minTimingAge = 60 * time.Millisecond
	maxTimingAge = 5 * time.Second
)

// queryTiming asks the server for the position of the stream. The answer is as of the middle of the round trip.
func (d *pulseDevice) queryTiming() error {
	asked := time.Now()
	var reply proto.GetPlaybackLatencyReply
	if err := d.conn.request(&proto.GetPlaybackLatency{StreamIndex: d.stream}, &reply); err != nil {
		return fmt.Errorf("asking the sound server how far it is: %w", d.lostOr(err))
	}
	roundTrip := time.Since(asked)
	const maxLatency = proto.Microseconds(time.Minute / time.Microsecond) // more is no latency of a sink
	inSink := toFrames(time.Duration(min(reply.Latency, maxLatency)) * time.Microsecond)
	d.timing = timingInfo{
		at:        asked.Add(roundTrip / 2),
		heard:     float64(reply.ReadIndex/audio.FrameBytes) - inSink,
		readIndex: reply.ReadIndex / audio.FrameBytes,
		// The index goes back with a rewind, and the count of what was played since the last underrun does not.
		replayed: (int64(reply.PlayingFor) - reply.ReadIndex) / audio.FrameBytes,
		running:  reply.Running,
	}
	d.timingAge = min(max(minTimingAge, 2*d.timingAge), maxTimingAge)
	return nil
}

// lostOr is why the stream is lost, or err where it is not.
func (d *pulseDevice) lostOr(err error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return d.err
	}
	return err
}

func (d *pulseDevice) close(int) error {
	d.alarm.close()
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
