package mqtt

import (
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// A replay is a connection on which only reading is possible.
type replay struct {
	net.Conn
	io.Reader
}

func (r replay) Read(p []byte) (int, error) { return r.Reader.Read(p) }

func limitedReplay(t *testing.T, sent io.Reader, maxPayload int) *limitedConn {
	t.Helper()
	l := defaultLimits()
	l.maxPayload = maxPayload
	c, err := limitPackets(replay{Reader: sent}, l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.alive.close)
	return c
}

var connack = []byte{typeConnack << 4, 2, 0, 0}

func messagePacket(topic, payload string, qos byte) []byte {
	m := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	m.TopicName, m.Payload, m.Qos, m.MessageID = topic, []byte(payload), qos, 7
	var b bytes.Buffer
	m.Write(&b)
	return b.Bytes()
}

func TestLimitedConnPassesOnWhatIsNotTooLong(t *testing.T) {
	const limit = 1000
	for _, qos := range []byte{0, 1, 2} {
		for _, size := range []int{0, 1, 100, limit - 20, limit, limit + 1, limit + 2, 5000, 100_000} {
			sent := slicesConcat(connack, messagePacket("a/topic", strings.Repeat("x", size), qos), messagePacket("next", "y", 1))
			c := limitedReplay(t, bytes.NewReader(sent), limit)
			if _, err := packets.ReadPacket(c); err != nil {
				t.Fatal(err)
			}
			first, err := packets.ReadPacket(c)
			if err != nil {
				t.Fatalf("QoS %d, %d bytes: %v", qos, size, err)
			}
			m := first.(*packets.PublishPacket)
			if m.TopicName != "a/topic" || m.Qos != qos || qos > 0 && m.MessageID != 7 || len(m.Payload) != min(size, limit+1) {
				t.Errorf("QoS %d, %d bytes: %v, %d bytes", qos, size, m, len(m.Payload))
			}
			second, err := packets.ReadPacket(c)
			if m, ok := second.(*packets.PublishPacket); err != nil || !ok || string(m.Payload) != "y" {
				t.Errorf("QoS %d, %d bytes: the next is %v, %v", qos, size, second, err)
			}
		}
	}
}

func TestLimitedConnWithHugePacketsUsesLittleMemory(t *testing.T) {
	const size = 150 << 20
	head := appendLength([]byte{typePublish << 4}, size)
	sent := io.MultiReader(bytes.NewReader(connack), bytes.NewReader(head), strings.NewReader("\x00\x01t"), io.LimitReader(zeros{}, size-3),
		bytes.NewReader(messagePacket("next", "y", 1)))
	c := limitedReplay(t, sent, 64<<10)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 3 {
		if _, err := packets.ReadPacket(c); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 2<<20 {
		t.Errorf("%d bytes were allocated", used)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestLimitedConnRefusesWhatIsNoMQTT(t *testing.T) {
	for sent, want := range map[string]string{
		"HTTP/1.1 400 Bad Request\r\n":           "a web server",
		"\x15\x03\x03\x00\x02\x02\x32":           "TLS",
		"SSH-2.0-OpenSSH_9.2\r\n":                "SSH",
		string(connack) + "\x30\xff\xff\xff\xff": "length",
		string(connack) + "\x90\xff\x7f":         "type 9",
		string(connack) + "\x32\xff\x7f\xff\xff": "shorter",
	} {
		c := limitedReplay(t, strings.NewReader(sent), 100)
		_, err := io.ReadAll(c)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", sent, err)
		}
		if !strings.HasPrefix(sent, string(connack)) && !errors.Is(err, errNotMQTT) {
			t.Errorf("%q: %v", sent, err)
		}
	}
}

// FuzzLimitedConn checks that no packet that is passed on claims more than the limits, and that what fits is passed on
// unchanged but for the answers to pings.
func FuzzLimitedConn(f *testing.F) {
	f.Add(messagePacket("guided/mat/command", "stop", 1))
	f.Add(messagePacket("t", strings.Repeat("x", 300), 2))
	f.Add([]byte{0x90, 3, 0, 1, 0x80, 0xd0, 0})
	f.Add([]byte("HTTP/1.1 200 OK"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		const limit = 64
		in := slicesConcat(connack, sent)
		passed, err := io.ReadAll(limitedReplay(t, bytes.NewReader(in), limit))
		want := slices.DeleteFunc(split(in), func(p string) bool { return p == "\xd0" }) // the answer to a ping
		if err == nil && len(in) <= limit && !slices.Equal(split(passed), want) {
			t.Fatalf("%x became %x", in, passed)
		}
		for r := bytes.NewReader(passed); r.Len() > 0; {
			kind, _ := r.ReadByte()
			length, err := readLength(r)
			if err != nil {
				break
			}
			if length > 2+65535+2+limit+1 || kind>>4 != typePublish && length > maxControl {
				t.Fatalf("a packet of %d bytes was passed on", length)
			}
			if int64(length) > int64(r.Len()) {
				break
			}
			r.Seek(int64(length), io.SeekCurrent)
		}
	})
}

// split are the packets of a stream without their lengths, which can be written in more than one way.
func split(stream []byte) (all []string) {
	for r := bytes.NewReader(stream); r.Len() > 0; {
		kind, _ := r.ReadByte()
		length, err := readLength(r)
		if err != nil || length > r.Len() {
			return append(all, "incomplete")
		}
		body := make([]byte, length)
		io.ReadFull(r, body)
		all = append(all, string([]byte{kind})+string(body))
	}
	return all
}

func slicesConcat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
