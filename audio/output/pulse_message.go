package output

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"

	"github.com/jfreymuth/pulse/proto"
)

// PulseAudio's protocol (src/pulsecore/pstream.c and tagstruct.c). A packet is a header of five numbers of 32 bits, big
// endian: the length of what follows, the stream or controlIndex, an offset of 64 bits, and flags. What follows is sound,
// or a message: a tagged command, a tagged number of the request, and tagged values. Package proto declares the messages;
// its reader trusts every length in them, so they are read and written here.

// Limits of what a server sends. PulseAudio refuses packets above 16 MiB itself (FRAME_SIZE_MAX_ALLOW); a message of 4 MiB
// holds three thousand sinks.
const (
	pulseHeaderBytes  = 20
	maxPulsePacket    = 4 << 20
	maxPulseListItems = 4096
	maxPulseNesting   = 4
)

// controlIndex stands in place of a stream's index in packets that are messages.
const controlIndex = proto.Undefined

var errPulseProtocol = errors.New("it does not speak PulseAudio's protocol")

// readPulsePacket reads one packet. Memory grows with what arrives, not with what the header announces.
func readPulsePacket(r io.Reader) (index uint32, payload []byte, err error) {
	var header [pulseHeaderBytes]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return 0, nil, err
	}
	length := binary.BigEndian.Uint32(header[:])
	if length > maxPulsePacket {
		return 0, nil, fmt.Errorf("it sends a packet of %d bytes, and %d is the most: %w", length, maxPulsePacket, errPulseProtocol)
	}
	payload, err = io.ReadAll(io.LimitReader(r, int64(length)))
	if err == nil && len(payload) < int(length) {
		err = io.ErrUnexpectedEOF
	}
	return binary.BigEndian.Uint32(header[4:]), payload, err
}

// appendPulsePacket appends a packet with a payload. offset is in bytes, from the end of what was written last.
func appendPulsePacket(b []byte, index uint32, offset int64, payload []byte) []byte {
	const relative = 0 // seek mode
	b = slices.Grow(b, pulseHeaderBytes+len(payload))
	b = binary.BigEndian.AppendUint32(b, uint32(len(payload)))
	b = binary.BigEndian.AppendUint32(b, index)
	b = binary.BigEndian.AppendUint64(b, uint64(offset))
	b = binary.BigEndian.AppendUint32(b, relative)
	return append(b, payload...)
}

// pulseCommand is the number of a request.
func pulseCommand(request any) uint32 {
	switch request.(type) {
	case *proto.Auth:
		return proto.OpAuth
	case *proto.SetClientName:
		return proto.OpSetClientName
	case *proto.CreatePlaybackStream:
		return proto.OpCreatePlaybackStream
	case *proto.CreateRecordStream:
		return proto.OpCreateRecordStream
	case *proto.SetPlaybackStreamBufferAttr:
		return proto.OpSetPlaybackStreamBufferAttr
	case *proto.GetPlaybackLatency:
		return proto.OpGetPlaybackLatency
	case *proto.GetServerInfo:
		return proto.OpGetServerInfo
	case *proto.GetSinkInfo:
		return proto.OpGetSinkInfo
	case *proto.GetSinkInfoList:
		return proto.OpGetSinkInfoList
	case *proto.GetSinkInputInfo:
		return proto.OpGetSinkInputInfo
	case *proto.Subscribe:
		return proto.OpSubscribe
	}
	panic(fmt.Sprintf("output: no command for %T", request))
}

// pulseEvent is an empty message for a command that the server sends unasked, nil for those that are ignored.
func pulseEvent(command uint32) any {
	switch command {
	case proto.OpRequest:
		return &proto.Request{}
	case proto.OpUnderflow:
		return &proto.Underflow{}
	case proto.OpPlaybackStreamKilled:
		return &proto.PlaybackStreamKilled{}
	case proto.OpRecordStreamKilled:
		return &proto.RecordStreamKilled{}
	case proto.OpPlaybackStreamSuspended:
		return &proto.PlaybackStreamSuspended{}
	case proto.OpPlaybackStreamMoved:
		return &proto.PlaybackStreamMoved{}
	case proto.OpPlaybackStreamEvent:
		return &proto.PlaybackStreamEvent{}
	case proto.OpSubscribeEvent:
		return &proto.SubscribeEvent{}
	}
	return nil
}

// isOfVersion tells whether a field is sent in a version of the protocol: its tag is the first version with it.
func isOfVersion(tag reflect.StructTag, version int) bool {
	first, err := strconv.Atoi(string(tag))
	return err != nil || first <= version
}

// appendPulse appends the values of a message, which is a pointer to a struct.
func appendPulse(b []byte, message any, version int) []byte {
	v := reflect.ValueOf(message).Elem()
	for i := range v.NumField() {
		if isOfVersion(v.Type().Field(i).Tag, version) {
			b = appendPulseValue(b, v.Field(i).Interface())
		}
	}
	return b
}

func appendPulseValue(b []byte, value any) []byte {
	number := binary.BigEndian.AppendUint32
	switch x := value.(type) {
	case string:
		if x == "" {
			return append(b, 'N')
		}
		return append(append(append(b, 't'), x...), 0)
	case uint32:
		return number(append(b, 'L'), x)
	case proto.Version:
		return number(append(b, 'L'), uint32(x))
	case proto.SubscriptionMask:
		return number(append(b, 'L'), uint32(x))
	case bool:
		if x {
			return append(b, '1')
		}
		return append(b, '0')
	case []byte:
		return append(number(append(b, 'x'), uint32(len(x))), x...)
	case proto.SampleSpec:
		return number(append(b, 'a', x.Format, x.Channels), x.Rate)
	case proto.ChannelMap:
		return append(append(b, 'm', byte(len(x))), x...)
	case proto.ChannelVolumes:
		b = append(b, 'v', byte(len(x)))
		for _, volume := range x {
			b = number(b, uint32(volume))
		}
		return b
	case proto.Time:
		return number(number(append(b, 'T'), x.Seconds), x.Microseconds)
	case proto.PropList:
		b = append(b, 'P')
		for key, entry := range x {
			b = append(append(append(b, 't'), key...), 0)
			b = number(append(b, 'L'), uint32(len(entry)))
			b = append(number(append(b, 'x'), uint32(len(entry))), entry...)
		}
		return append(b, 'N')
	case []proto.FormatInfo:
		b = append(b, 'B', byte(len(x)))
		for _, f := range x {
			b = appendPulseValue(append(b, 'f', 'B', f.Encoding), f.Properties)
		}
		return b
	}
	panic(fmt.Sprintf("output: %T cannot be sent", value))
}

// decodePulse fills a message, which is a pointer to a struct or to a list of such pointers, from its values. What a newer
// server appends is ignored.
func decodePulse(b []byte, message any, version int) error {
	r := &pulseReader{b: b}
	v := reflect.ValueOf(message).Elem()
	if v.Kind() != reflect.Slice {
		r.message(v, version, 0)
		return r.err
	}
	for len(r.b) > 0 && r.err == nil {
		if v.Len() == maxPulseListItems {
			return fmt.Errorf("it lists more than %d devices", maxPulseListItems)
		}
		item := reflect.New(v.Type().Elem().Elem())
		r.message(item.Elem(), version, 0)
		v.Set(reflect.Append(v, item))
	}
	return r.err
}

// pulseReader reads tagged values. After the first error all reads give zero.
type pulseReader struct {
	b   []byte
	err error
}

func (r *pulseReader) fail() { r.b, r.err = nil, errPulseProtocol }

// take returns the next n bytes, or zeros of that number where fewer are left. n is at most a few KiB, or checked before.
func (r *pulseReader) take(n int) []byte {
	if n > len(r.b) {
		r.fail()
		return make([]byte, min(n, 256))
	}
	taken := r.b[:n:n]
	r.b = r.b[n:]
	return taken
}

func (r *pulseReader) byte() byte     { return r.take(1)[0] }
func (r *pulseReader) uint32() uint32 { return binary.BigEndian.Uint32(r.take(4)) }
func (r *pulseReader) uint64() uint64 { return binary.BigEndian.Uint64(r.take(8)) }

// tag reads the type of the next value, which must be one of those that its field may have.
func (r *pulseReader) tag(wanted ...byte) byte {
	got := r.byte()
	for _, w := range wanted {
		if got == w && r.err == nil {
			return got
		}
	}
	r.fail()
	return 0
}

// text reads a text that ends with a zero byte.
func (r *pulseReader) text() string {
	for i, c := range r.b {
		if c == 0 {
			text := string(r.b[:i])
			r.b = r.b[i+1:]
			return text
		}
	}
	r.fail()
	return ""
}

// data reads bytes after their number.
func (r *pulseReader) data() []byte {
	n := r.uint32()
	if r.err != nil || uint64(n) > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	return r.take(int(n))
}

// properties reads a property list; its entries are copied, so that a name does not hold the whole packet.
func (r *pulseReader) properties() proto.PropList {
	list := proto.PropList{}
	for r.tag('t', 'N') == 't' {
		key := r.text()
		r.tag('L')
		r.uint32()
		r.tag('x')
		list[key] = append(proto.PropListEntry(nil), r.data()...)
	}
	return list
}

func (r *pulseReader) format() proto.FormatInfo {
	r.tag('f')
	r.tag('B')
	encoding := r.byte()
	r.tag('P')
	return proto.FormatInfo{Encoding: encoding, Properties: r.properties()}
}

// message reads the fields of a struct in order.
func (r *pulseReader) message(v reflect.Value, version, depth int) {
	if depth > maxPulseNesting {
		r.fail()
	}
	for i := range v.NumField() {
		if r.err != nil {
			return
		}
		if isOfVersion(v.Type().Field(i).Tag, version) {
			r.value(v.Field(i), version, depth)
		}
	}
}

// value reads one field. The type of the field says which tags it may have.
func (r *pulseReader) value(f reflect.Value, version, depth int) {
	switch f.Interface().(type) {
	case proto.SampleSpec:
		r.tag('a')
		f.Set(reflect.ValueOf(proto.SampleSpec{Format: r.byte(), Channels: r.byte(), Rate: r.uint32()}))
		return
	case proto.Time:
		r.tag('T')
		f.Set(reflect.ValueOf(proto.Time{Seconds: r.uint32(), Microseconds: r.uint32()}))
		return
	case proto.FormatInfo:
		f.Set(reflect.ValueOf(r.format()))
		return
	case proto.PropList:
		r.tag('P')
		f.Set(reflect.ValueOf(r.properties()))
		return
	case proto.ChannelVolumes:
		r.tag('v')
		list := make(proto.ChannelVolumes, r.byte())
		for i := range list {
			list[i] = proto.Volume(r.uint32())
		}
		f.Set(reflect.ValueOf(list))
		return
	case []proto.FormatInfo:
		r.tag('B')
		list := make([]proto.FormatInfo, r.byte())
		for i := range list {
			list[i] = r.format()
		}
		f.Set(reflect.ValueOf(list))
		return
	}
	switch f.Kind() {
	case reflect.String:
		if r.tag('t', 'N') == 't' {
			f.SetString(r.text())
		}
	case reflect.Uint8:
		r.tag('B')
		f.SetUint(uint64(r.byte()))
	case reflect.Uint32:
		r.tag('L', 'V')
		f.SetUint(uint64(r.uint32()))
	case reflect.Uint64:
		r.tag('R', 'U')
		f.SetUint(r.uint64())
	case reflect.Int64:
		r.tag('r')
		f.SetInt(int64(r.uint64()))
	case reflect.Bool:
		f.SetBool(r.tag('1', '0') == '1')
	case reflect.Slice:
		r.list(f, version, depth)
	default:
		panic(fmt.Sprintf("output: a field of type %v cannot be read", f.Type()))
	}
}

// list reads bytes, or structs after their number.
func (r *pulseReader) list(f reflect.Value, version, depth int) {
	if f.Type().Elem().Kind() == reflect.Uint8 {
		var b []byte
		if r.tag('m', 'x') == 'm' {
			b = r.take(int(r.byte()))
		} else {
			b = r.data()
		}
		f.SetBytes(append([]byte(nil), b...))
		return
	}
	r.tag('L')
	n := r.uint32()
	for i := uint32(0); i < n && r.err == nil; i++ {
		item := reflect.New(f.Type().Elem()).Elem()
		r.message(item, version, depth+1)
		f.Set(reflect.Append(f, item))
	}
}
