package output

import (
	"errors"
	"fmt"
	"time"

	"github.com/jfreymuth/pulse/proto"

	"guided/audio"
)

// How much of a stream lies in the server, in frames, is a matter of three numbers (fix_playback_buffer_attr in PulseAudio's
// protocol-native.c): the queue, what the server requests at a time, and what the sink takes out of the queue at a time, its
// latency, which is the queue less two requests. A sink that seldom takes much costs little; but what it has taken can only
// be taken back from a sink that rewinds: cards that are scheduled by timers and null sinks do, and Bluetooth, tunnels and
// PipeWire do not. No flag of a sink tells which it is, so it is tried out, in a way that cannot be heard.
//
// A stream goes through these stages, and back to fitting when it was moved to another sink.
type pulseStage int

const (
	starting pulseStage = iota // the queue is being filled; small requests and latency, so that the sound begins at once
	fitting                    // the sink is about to be tried out
	probing                    // it is being tried out
	settled                    // the latency is as long as the sink allows
)

const (
	startQueue   = audio.Rate             // what the server holds while the stream starts
	startRequest = audio.Rate * 10 / 1000 // requests and latency of the sink while the stream starts
	shortLatency = audio.Rate * 20 / 1000 // of a sink that does not rewind
	longLatency  = audio.Rate / 5         // of one that does

	// rewindMargin is how much the sink may play while a message travels to the server and on to the hardware; frames that
	// near to the speaker are not rewound.
	rewindMargin = audio.Rate * 20 / 1000
)

const (
	probeAfter = 100 * time.Millisecond // between a change of the latency and a probe: a few of the sink's turns
	judgeAfter = 50 * time.Millisecond  // between a rewind and the look at what it did
	maxProbes  = 3                      // a sink may just have been empty
)

// rewindCheck is what was known when the server was asked to rewind.
type rewindCheck struct {
	at     time.Time // zero when nothing is to be checked
	replay int64     // timing.replayed then
}

// setLatency lets the sink take up to so many frames at a time.
func (d *pulseDevice) setLatency(frames int) error {
	request := (audio.RewindDepth - 2*frames) / 2
	attributes := &proto.SetPlaybackStreamBufferAttr{
		StreamIndex:           d.stream,
		BufferMaxLength:       proto.Undefined,
		BufferTargetLength:    uint32(frames+2*request) * audio.FrameBytes,
		BufferPrebufferLength: firstChunk * audio.FrameBytes,
		BufferMinimumRequest:  uint32(request) * audio.FrameBytes,
	}
	err := d.conn.request(attributes, &proto.SetPlaybackStreamBufferAttrReply{})
	d.timingAge = 0
	if refused := proto.Error(0); err == nil || errors.As(err, &refused) && d.conn.failure() == nil && d.lostOr(nil) == nil {
		return nil // a server that keeps the buffer as it is costs more, and plays
	}
	return fmt.Errorf("setting the buffer of the stream: %w", d.lostOr(err))
}

// trickle sets the buffer of a stream whose queue is never filled: the sink takes little at a time, as it would run dry otherwise,
// and the server requests much at a time, so that its requests come once a second. Nothing is to be tried out.
func (d *pulseDevice) trickle() error {
	d.enter(settled)
	if err := d.setLatency(shortLatency); err != nil {
		return err
	}
	return d.watchMixer()
}

// advance takes the stream to its next stage when that is due, and returns how long until then.
func (d *pulseDevice) advance() (time.Duration, error) {
	if d.stage != starting && d.wasMoved() {
		return probeAfter, d.fit()
	}
	switch d.stage {
	case starting:
		if d.written < startQueue {
			return stallTimeout, nil
		}
		if err := d.watchMixer(); err != nil {
			return 0, err
		}
		return probeAfter, d.fit()
	case fitting:
		if wait := probeAfter - time.Since(d.stageBegan); wait > 0 {
			return wait, nil
		}
		return judgeAfter, d.probe()
	case probing, settled:
		if d.check.at.IsZero() {
			return stallTimeout, nil
		}
		if wait := judgeAfter - time.Since(d.check.at); wait > 0 {
			return wait, nil
		}
		return stallTimeout, d.judge()
	}
	return stallTimeout, nil
}

func (d *pulseDevice) enter(stage pulseStage) { d.stage, d.stageBegan = stage, time.Now() }

// fit gives the sink a short latency until it is known whether it rewinds, and keeps what is written for the probe.
func (d *pulseDevice) fit() error {
	if d.stage != starting {
		d.kept = d.kept[:0]
	}
	d.rewinds, d.probes, d.check = false, 0, rewindCheck{}
	d.enter(fitting)
	return d.setLatency(shortLatency)
}

// probe writes again what the sink has taken last and not played yet, and everything after it: the same bytes, so that
// nothing is heard of it whatever the sink does.
func (d *pulseDevice) probe() error {
	if err := d.queryTiming(); err != nil {
		return err
	}
	from := max(0, d.timing.readIndex-shortLatency)
	again := int(d.written-from) * audio.FrameBytes
	if !d.timing.running || d.timing.readIndex >= d.written || again > len(d.kept) {
		d.enter(fitting) // not yet
		return nil
	}
	d.probes++
	d.enter(probing)
	d.check = rewindCheck{time.Now(), d.timing.replayed}
	offset := d.seek*audio.FrameBytes - again
	d.seek = 0
	return d.conn.writeStream(d.stream, offset, d.kept[len(d.kept)-again:])
}

// judge looks at what the sink did when it was asked to rewind. Where it did, its latency may be long.
func (d *pulseDevice) judge() error {
	before := d.check.replay
	d.check = rewindCheck{}
	if err := d.queryTiming(); err != nil {
		return err
	}
	rewound := d.timing.replayed > before
	switch {
	case d.stage == settled && rewound:
		return nil
	case d.stage == settled: // what the sink had taken was lost
		return d.fit()
	case !rewound && d.probes < maxProbes:
		d.enter(fitting)
		return nil
	}
	d.rewinds, d.kept = rewound, nil
	d.enter(settled)
	if !rewound {
		return nil
	}
	return d.setLatency(longLatency)
}

// keep keeps what is written for the probe.
func (d *pulseDevice) keep(sound []byte) {
	const most = audio.RewindDepth * audio.FrameBytes
	if d.stage == settled {
		return
	}
	if over := len(d.kept) + len(sound) - most; over > 0 {
		d.kept = d.kept[:copy(d.kept, d.kept[min(over, len(d.kept)):])]
	}
	d.kept = append(d.kept, sound...)
}

// rewind makes the next write seek back: to what is being heard in a sink that rewinds, else to what the sink has taken, and
// in both to rewindMargin after it.
func (d *pulseDevice) rewind(limit int) (int, error) {
	if err := d.queryTiming(); err != nil {
		return 0, err
	}
	kept := max(0, d.timing.readIndex)
	if d.rewinds {
		kept = min(kept, int64(d.timing.heard))
	}
	n := int(min(int64(limit), d.written-kept-rewindMargin))
	if n <= 0 {
		return 0, nil
	}
	d.written -= int64(n)
	d.seek -= n
	d.kept = d.kept[:max(0, len(d.kept)-n*audio.FrameBytes)]
	if d.rewinds && d.written < d.timing.readIndex {
		d.check = rewindCheck{time.Now(), d.timing.replayed}
	}
	d.timingAge = 0
	d.mu.Lock()
	d.writable += int64(n) * audio.FrameBytes // after a relative seek the server expects these bytes again (protocol-native.c)
	d.mu.Unlock()
	return n, nil
}
