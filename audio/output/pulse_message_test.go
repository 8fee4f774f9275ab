package output

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/jfreymuth/pulse/proto"

	"guided/audio/audiotest"
)

// control is a packet with a message of the server: a reply, or one sent unasked.
func control(command, tag uint32, values []byte) []byte {
	b := binary.BigEndian.AppendUint32([]byte{'L'}, command)
	b = binary.BigEndian.AppendUint32(append(b, 'L'), tag)
	return appendPulsePacket(nil, controlIndex, 0, append(b, values...))
}

// header is the header of a packet that announces a length.
func header(length, index uint32) []byte {
	b := binary.BigEndian.AppendUint32(nil, length)
	return append(binary.BigEndian.AppendUint32(b, index), make([]byte, 12)...)
}

// sinkValues are the values of a sink in a reply, in version 32 of the protocol.
func sinkValues(name string) []byte {
	number := func(b []byte, n uint32) []byte { return binary.BigEndian.AppendUint32(append(b, 'L'), n) }
	b := number(nil, 7)
	b = appendPulseValue(appendPulseValue(b, name), "A speaker")
	b = appendPulseValue(appendPulseValue(b, proto.SampleSpec{Format: 3, Channels: 2, Rate: 48000}), proto.ChannelMap{1, 2})
	b = appendPulseValue(number(b, 1), proto.ChannelVolumes{proto.VolumeNorm, 0})
	b = appendPulseValue(number(appendPulseValue(b, true), 3), name+".monitor")
	b = appendPulseValue(append(b, 'U', 0, 0, 0, 0, 0, 0, 0, 9), "driver")
	b = appendPulseValue(number(b, 0), proto.PropList{"device.bus": proto.PropListString("usb")})
	b = append(b, 'U', 0, 0, 0, 0, 0, 0, 0, 9, 'V', 0, 1, 0, 0)
	b = number(number(number(b, 1), 65536), 2)
	b = appendPulseValue(appendPulseValue(number(b, 1), "port"), "Port")
	b = appendPulseValue(number(number(b, 100), 2), "port")
	return appendPulseValue(b, []proto.FormatInfo{{Encoding: proto.EncodingPCM, Properties: proto.PropList{}}})
}

// pulseReplies are empty replies of each kind that is asked for.
func pulseReplies() []any {
	return []any{
		&proto.AuthReply{}, &proto.SetClientNameReply{}, &proto.CreatePlaybackStreamReply{}, &proto.CreateRecordStreamReply{},
		&proto.GetPlaybackLatencyReply{}, &proto.GetServerInfoReply{}, &proto.GetSinkInfoReply{}, &proto.GetSinkInfoListReply{},
		&proto.GetSinkInputInfoReply{},
	}
}

func TestPulseDecodeSinks(t *testing.T) {
	var list proto.GetSinkInfoListReply
	if err := decodePulse(append(sinkValues("hall"), sinkValues("bath")...), &list, pulseVersion); err != nil {
		t.Fatal(err)
	}
	got := *list[1]
	if len(list) != 2 || got.SinkName != "bath" || !got.Mute || got.MonitorSourceName != "bath.monitor" || got.BaseVolume != proto.VolumeNorm ||
		got.Ports[0].Description != "Port" || got.Properties["device.bus"].String() != "usb" || len(got.Formats) != 1 {
		t.Errorf("got %+v", got)
	}
}

// Every cut of a message is an error, and no cut, length or type in it makes a panic.
func TestPulseDecodeCutOrChanged(t *testing.T) {
	whole := sinkValues("hall")
	for i := range whole {
		var sink proto.GetSinkInfoReply
		if err := decodePulse(whole[:i], &sink, pulseVersion); err == nil {
			t.Errorf("the first %d bytes of %d are no error", i, len(whole))
		}
		for _, value := range []byte{0, 1, 'L', 't', 0x7f, 0xff} {
			changed := bytes.Clone(whole)
			changed[i] = value
			for _, reply := range pulseReplies() {
				_ = decodePulse(changed, reply, pulseVersion) // an error or not
			}
		}
	}
}

func TestPulseDecodeBounds(t *testing.T) {
	var list proto.GetSinkInfoListReply
	many := bytes.Repeat(sinkValues("hall"), maxPulseListItems+1)
	if err := decodePulse(many, &list, pulseVersion); err == nil || !strings.Contains(err.Error(), "more than 4096") {
		t.Errorf("the error of too many sinks is %v", err)
	}
	huge := binary.BigEndian.AppendUint32([]byte{'x'}, 0xfffffff0)
	for name, packet := range map[string][]byte{
		"2 GiB announced":    header(2<<30, controlIndex),
		"4 GiB announced":    header(0xffffffff, controlIndex),
		"4 MiB and no more":  header(maxPulsePacket, controlIndex),
		"2 GiB of sound":     header(2<<30, 1),
		"no message":         header(0, controlIndex),
		"a property of 4 GB": control(proto.OpPlaybackStreamEvent, 0, append([]byte{'L', 0, 0, 0, 1, 't', 0, 'P', 't', 'a', 0, 'L', 0, 0, 0, 1}, huge...)),
		"an HTTP server":     []byte("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\r\n"),
	} {
		used := allocated(func() {
			if err := readAll(packet, nil); err == nil {
				t.Errorf("%s: no error", name)
			}
		})
		if used > 1<<20 {
			t.Errorf("%s: %d bytes were allocated", name, used)
		}
	}
}

// allocated is how many bytes a function allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// readAll reads what a server sends, with a request pending whose tag is 1, and returns why the connection ended; nil at
// the end of the data between two packets.
func readAll(data []byte, reply any) error {
	client, server := net.Pipe()
	go func() { // its end is the end of client
		_, _ = server.Write(data)
		server.Close()
	}()
	events := &pulseDevice{changed: make(chan struct{}, 1), mixer: &mixerReport{}}
	c := &pulseConn{conn: client, version: pulseVersion, onMessage: events.handleMessage, ended: make(chan struct{})}
	c.pending = &pulseRequest{1, reply, make(chan error, 1)}
	c.read()
	if err := c.failure(); strings.HasSuffix(err.Error(), io.EOF.Error()) && !strings.Contains(err.Error(), "unexpected") {
		return nil
	}
	return c.failure()
}

// FuzzPulseMessages reads packets as they arrive from a server.
func FuzzPulseMessages(f *testing.F) {
	reply := control(proto.OpReply, 1, sinkValues("hall"))
	f.Add(reply, byte(6))
	f.Add(append(control(proto.OpRequest, 0, []byte("L\x00\x00\x00\x01L\x00\x00\x10\x00")), reply...), byte(7))
	f.Add(control(proto.OpError, 1, []byte("L\x00\x00\x00\x05")), byte(2))
	f.Add(header(2<<30, controlIndex), byte(0))
	f.Add(header(0xffffffff, 3), byte(0))
	f.Add(append(header(4, 3), 1, 2, 3, 4), byte(0))
	f.Add(control(proto.OpSubscribeEvent, 0, []byte("L\x00\x00\x00\x10L\x00\x00\x00\x01")), byte(0))
	f.Add(control(proto.OpPlaybackStreamMoved, 0, []byte("L\x00\x00\x00\x10L\x00\x00\x00\x01t\x00\x30")), byte(0))
	f.Fuzz(func(t *testing.T, data []byte, kind byte) {
		replies := pulseReplies()
		reply := replies[int(kind)%len(replies)]
		_ = readAll(data, reply) // any error, but no panic and no endless loop
		if v := reflect.ValueOf(reply).Elem(); v.Kind() == reflect.Slice && v.Len() > maxPulseListItems {
			t.Errorf("%d items", v.Len())
		}
	})
}

// fakePulse answers every request of a client with what answer returns, as a server at the address in PULSE_SERVER.
func fakePulse(t testing.TB, answer func(command, tag uint32) []byte) {
	t.Helper()
	dir, err := os.MkdirTemp("", "guided") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(dir, "native"))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		listener.Close()
		<-done
		os.RemoveAll(dir)
	})
	t.Setenv("PULSE_SERVER", listener.Addr().String())
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			for err == nil {
				var index uint32
				var payload []byte
				if index, payload, err = readPulsePacket(conn); err == nil && index == controlIndex {
					_, err = conn.Write(answer(binary.BigEndian.Uint32(payload[1:]), binary.BigEndian.Uint32(payload[6:])))
				}
			}
			conn.Close()
		}
	}()
}

// answerSinks is a server with so many sinks.
func answerSinks(sinks int) func(command, tag uint32) []byte {
	var list []byte
	for i := range sinks {
		list = append(list, sinkValues(fmt.Sprintf("sink%d", i))...)
	}
	return func(command, tag uint32) []byte {
		switch command {
		case proto.OpAuth, proto.OpSetClientName:
			return control(proto.OpReply, tag, []byte("L\x00\x00\x00\x20"))
		case proto.OpGetServerInfo:
			b := appendPulseValue(appendPulseValue(appendPulseValue(appendPulseValue(nil, "fake"), "1"), "user"), "host")
			b = appendPulseValue(appendPulseValue(appendPulseValue(b, proto.SampleSpec{}), "sink1"), "")
			return control(proto.OpReply, tag, appendPulseValue(append(b, 'L', 0, 0, 0, 0), proto.ChannelMap{1, 2}))
		case proto.OpGetSinkInfoList:
			return control(proto.OpReply, tag, list)
		}
		return control(proto.OpError, tag, []byte("L\x00\x00\x00\x05")) // no such entity
	}
}

func TestPulseServerWithThousandsOfSinks(t *testing.T) {
	audiotest.NoLeaks(t)
	fakePulse(t, answerSinks(3000))
	list := pulseDevices(t.Context())
	last := list[len(list)-1]
	if len(list) != maxListedSinks+1 || !list[1].Default || !strings.Contains(last.Problem, "2800 more sinks") {
		t.Errorf("%d devices are listed; the last is %+v", len(list), last)
	}
	err := Probe(t.Context(), "pulse:sink77x", audiotest.Logger(t))
	if err == nil || len(err.Error()) > 1000 || !strings.Contains(err.Error(), "and 2980 more") {
		t.Errorf("the error of a missing sink is %v", err)
	}
}

func TestPulseServerWithTooManySinks(t *testing.T) {
	audiotest.NoLeaks(t)
	for sinks, want := range map[int]string{6000: "more than 4096 devices", 40000: "bytes"} {
		fakePulse(t, answerSinks(sinks))
		used := allocated(func() {
			list := pulseDevices(t.Context())
			if len(list) != 1 || !strings.Contains(list[0].Problem, want) {
				t.Errorf("%d devices are listed, the first is %+v", len(list), list[0])
			}
		})
		t.Logf("%d sinks: %d kB were allocated", sinks, used>>10)
		if used > 64<<20 { // on both sides
			t.Errorf("%d bytes were allocated", used)
		}
	}
}

// A server that sends without end and never answers is given up like one that is silent.
func TestPulseServerSendsWithoutEnd(t *testing.T) {
	audiotest.NoLeaks(t)
	for name, packet := range map[string][]byte{
		"events": control(proto.OpSubscribeEvent, 0, []byte("L\x00\x00\x00\x10L\x00\x00\x00\x01")),
		"sound":  appendPulsePacket(nil, 5, 0, make([]byte, 1<<16)),
		"others": control(9999, 0, nil),
	} {
		t.Run(name, func(t *testing.T) {
			fakePulse(t, func(uint32, uint32) []byte { return bytes.Repeat(packet, 1<<26/len(packet)) })
			devices := pulseDevices(t.Context())
			if len(devices) != 1 || devices[0].Problem == "" {
				t.Errorf("the devices are %+v", devices)
			}
		})
	}
}
