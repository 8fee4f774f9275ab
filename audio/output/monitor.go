package output

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/jfreymuth/pulse/proto"

	"guided/audio"
)

// Monitor records all that a sink plays, from the sink's monitor source: the last place where software gets the sound.
type Monitor struct {
	Sink string // the name of the sink

	conn *pulseConn
	file *os.File

	mu      sync.Mutex // for what follows, which handleMessage writes
	writer  *bufio.Writer
	bytes   int64
	err     error
	closed  bool
	changed chan struct{}
}

var errNoMonitor = errors.New(`prove needs PulseAudio or PipeWire, whose monitor can be recorded; set output = "pulse" in [audio], or give it a recording with --recording FILE.wav`)

// Record begins to record what the sink of an output plays into file, as WAV of 48 kHz, 16 bit, stereo, until Close or
// until ctx ends. Of "pulse" and "auto" it is the server's default sink. An output without a monitor is an error.
func Record(ctx context.Context, spec string, file *os.File) (*Monitor, error) {
	kind, sink, _ := strings.Cut(strings.TrimSpace(spec), ":")
	if kind != "pulse" && kind != "auto" {
		return nil, fmt.Errorf("the output is %q: %w", spec, errNoMonitor)
	}
	m := &Monitor{file: file, writer: bufio.NewWriterSize(file, audio.Rate*audio.FrameBytes), changed: make(chan struct{}, 1)}
	if _, err := m.writer.Write(audio.WAVHeader(0)); err != nil {
		return nil, err
	}
	var err error
	if m.conn, err = dialPulse(ctx, m.handleMessage); err != nil {
		return nil, fmt.Errorf("%w; %w", errNoMonitor, err)
	}
	if err := m.start(sink); err != nil {
		m.conn.close()
		return nil, err
	}
	return m, nil
}

func (m *Monitor) start(sink string) error {
	if sink == "" {
		var server proto.GetServerInfoReply
		if err := m.conn.request(&proto.GetServerInfo{}, &server); err != nil {
			return fmt.Errorf("asking the sound server for its default sink: %w", err)
		}
		sink = cmp.Or(m.conn.defaultSink, server.DefaultSinkName)
	}
	var info proto.GetSinkInfoReply
	if err := m.conn.request(&proto.GetSinkInfo{SinkIndex: proto.Undefined, SinkName: sink}, &info); err != nil {
		return fmt.Errorf("the sound server has no sink %q: %w; guided devices lists those it has", sink, err)
	}
	m.Sink = info.SinkName
	if info.MonitorSourceIndex == proto.Undefined {
		return fmt.Errorf("the sink %s has no monitor; %w", info.SinkName, errNoMonitor)
	}
	// Without AdjustLatency the recording does not change the latency of the sink.
	request := &proto.CreateRecordStream{
		SampleSpec:         proto.SampleSpec{Format: proto.FormatInt16LE, Channels: 2, Rate: audio.Rate},
		ChannelMap:         proto.ChannelMap{proto.ChannelLeft, proto.ChannelRight},
		SourceIndex:        info.MonitorSourceIndex,
		BufferMaxLength:    proto.Undefined,
		BufferFragSize:     2 * audio.Block * audio.FrameBytes,
		NoMove:             true,
		DirectOnInputIndex: proto.Undefined,
		ChannelVolumes:     proto.ChannelVolumes{proto.VolumeNorm, proto.VolumeNorm},
		Properties: proto.PropList{
			"media.name": proto.PropListString("guided prove"),
		},
	}
	if err := m.conn.request(request, &proto.CreateRecordStreamReply{}); err != nil {
		return fmt.Errorf("recording %s: %w", info.MonitorSourceName, err)
	}
	return nil
}

// handleMessage runs on the goroutine that reads the connection.
func (m *Monitor) handleMessage(message any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch message := message.(type) {
	case *proto.DataPacket:
		if m.err == nil && !m.closed {
			if _, m.err = m.writer.Write(message.Data); m.bytes > audio.MaxWAVFrames*audio.FrameBytes {
				m.err = errors.New("the recording is full after 6 hours")
			}
			m.bytes += int64(len(message.Data))
		}
	case *proto.RecordStreamKilled:
		m.err = fmt.Errorf("the monitor of the sink %s was removed", m.Sink)
	}
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// Frames is how many frames have been recorded so far.
func (m *Monitor) Frames() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return int(m.bytes / audio.FrameBytes)
}

// Await waits until so many frames have been recorded. It fails when the monitor has given no sound for stallTimeout.
func (m *Monitor) Await(ctx context.Context, frames int) error {
	timeout := time.NewTimer(stallTimeout)
	defer timeout.Stop()
	for m.Frames() < frames {
		m.mu.Lock()
		err := m.err
		m.mu.Unlock()
		if err != nil {
			return err
		}
		select {
		case <-m.changed:
			timeout.Reset(stallTimeout)
		case <-ctx.Done():
			return ctx.Err()
		case <-m.conn.ended:
			return m.conn.failure()
		case <-timeout.C:
			return fmt.Errorf("the monitor of the sink %s has given no sound for %v; is the sink suspended?", m.Sink, stallTimeout)
		}
	}
	return nil
}

// Close ends the recording and writes the final header. The file stays open.
func (m *Monitor) Close() error {
	m.conn.close()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	err := m.err
	if e := m.writer.Flush(); err == nil {
		err = e
	}
	if _, e := m.file.WriteAt(audio.WAVHeader(int(min(m.bytes/audio.FrameBytes, audio.MaxWAVFrames))), 0); err == nil {
		err = e
	}
	return err
}
