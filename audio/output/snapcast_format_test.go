package output

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"guided/audio"
	"guided/audio/audiotest"
)

// A source of another sample format is refused before anything is heard, with the line to write.
func TestSnapcastSourceOfAnotherFormat(t *testing.T) {
	for _, format := range []string{"44100:16:2", "48000:24:2", "48000:16:1"} {
		t.Run(format, func(t *testing.T) {
			audiotest.NoLeaks(t)
			server := startSnapserverWith(t, format)
			for name, spec := range map[string]string{
				"tcp":             "snapcast:tcp://" + server.source + "?control=" + server.control,
				"tcp with groups": "snapcast:tcp://" + server.source + "?groups=all&control=" + server.control,
				"pipe":            "snapcast:pipe://" + server.fifo + "?control=" + server.control,
			} {
				out := openOutput(t, spec, 0)
				err := play(t, out, audiotest.NewNoise(20*audio.Rate)).wait(t)
				if err == nil || !strings.Contains(err.Error(), "sample format "+format) || !strings.Contains(err.Error(), "sampleformat=48000:16:2") {
					t.Errorf("%s: the error is %v", name, err)
				}
				if strings.Contains(out.log.String(), "busy") {
					t.Errorf("%s: the log is %s", name, out.log.String())
				}
				if err := Probe(t.Context(), spec, audiotest.Logger(t)); err == nil || !strings.Contains(err.Error(), format) {
					t.Errorf("%s: Probe: %v", name, err)
				}
			}
		})
	}
}

func TestSnapcastFindStreamAndItsFormat(t *testing.T) {
	for name, tt := range map[string]struct{ spec, status, want string }{
		"by its port":      {"tcp://hall:77", `[{"id":"a","uri":{"scheme":"tcp","raw":"tcp://0.0.0.0:77?x","query":{"sampleformat":"44100:16:2"}}}]`, `"a"`},
		"the usual port":   {"tcp://hall", `[{"id":"a","uri":{"scheme":"tcp","raw":"tcp://0.0.0.0?x","query":{"sampleformat":"44100:16:2"}}}]`, "44100:16:2"},
		"another port":     {"tcp://hall", `[{"id":"a","uri":{"scheme":"tcp","raw":"tcp://0.0.0.0:1?x","query":{"sampleformat":"44100:16:2"}}}]`, ""},
		"by its name":      {"tcp://hall", `[{"id":"guided","uri":{"scheme":"tcp","raw":"tcp://0.0.0.0:1?x","query":{"sampleformat":"96000:32:2"}}}]`, "96000:32:2"},
		"by its path":      {"pipe:///run/a", `[{"id":"a","uri":{"scheme":"pipe","path":"/run/a","query":{"sampleformat":"48000:16:1"}}}]`, "pipe:///run/a?name=a&mode=create"},
		"ours":             {"tcp://hall", `[{"id":"guided","uri":{"query":{"sampleformat":"48000:16:2"}}}]`, ""},
		"any":              {"tcp://hall", `[{"id":"guided","uri":{"query":{"sampleformat":"48000:*:2"}}}]`, ""},
		"not told":         {"tcp://hall", `[{"id":"guided","uri":{"query":{}}}]`, ""},
		"not understood":   {"tcp://hall", `[{"id":"guided","uri":{"query":{"sampleformat":7}}}]`, ""},
		"a hostile format": {"tcp://hall", `[{"id":"guided","uri":{"raw":"%%","query":{"sampleformat":"` + strings.Repeat("9", 10000) + `:16:2"}}}]`, "sampleformat=48000:16:2"},
	} {
		o, err := parseSnapcast(tt.spec, audiotest.Logger(t))
		if err != nil {
			t.Fatal(err)
		}
		var status snapcastStatus
		if err := json.Unmarshal([]byte(tt.status), &status.Streams); err != nil {
			t.Fatal(err)
		}
		got := ""
		if stream, ok := o.findStream(status); ok {
			if err := o.checkStreamFormat(stream); err != nil {
				got = err.Error()
			}
		}
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) || len(got) > 600 {
			t.Errorf("%s: got %q, want %q in it", name, got, tt.want)
		}
	}
}

// Without a control, a server that takes less than it is given tells its format; one that stumbles does not.
func TestSnapcastServerTakesTooLittle(t *testing.T) {
	steady := func(rate int) func(time.Duration) int {
		return func(time.Duration) int { return rate }
	}
	for name, tt := range map[string]struct {
		rate func(at time.Duration) int // at which the server takes frames
		told bool
	}{
		"48 kHz":   {steady(audio.Rate), false},
		"44.1 kHz": {steady(44100), true},
		"32 kHz":   {steady(32000), true},
		"mono":     {steady(24000), true},
		"a stop of one second in ten": {func(at time.Duration) int {
			if at%(10*time.Second) < time.Second {
				return 0
			}
			return 2 * audio.Rate
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log lockedBuffer
				client, server := net.Pipe()
				began, done := time.Now(), make(chan struct{})
				go func() { // ends with the connection
					defer close(done)
					block := make([]byte, 8*audio.FrameBytes)
					for {
						rate := tt.rate(time.Since(began))
						if rate == 0 {
							time.Sleep(10 * time.Millisecond)
							continue
						}
						if _, err := io.ReadFull(server, block); err != nil {
							return
						}
						if rate <= audio.Rate {
							time.Sleep(8 * time.Second / time.Duration(rate))
						}
					}
				}()
				d := &snapcastDevice{output: &snapcastOutput{address: "hall:4953", log: log.logger()}, conn: client, stopWatching: func() bool { return true }}
				_, d.format.cancel = context.WithCancel(t.Context())
				d.format.known, d.format.ended = true, make(chan struct{})
				close(d.format.ended)
				if err := on(d, 0).Play(t.Context(), audiotest.NewNoise(25*audio.Rate), farAhead); err != nil {
					t.Error(err)
				}
				<-done
				if told := strings.Count(log.String(), "sampleformat=48000:16:2"); told > 1 || (told == 1) != tt.told {
					t.Errorf("the log is %s, want the format told: %v", log.String(), tt.told)
				}
				if strings.Contains(log.String(), "machine was too busy") {
					t.Errorf("the log blames this machine: %s", log.String())
				}
			})
		})
	}
}

// fakeControl is a control that answers each line with what answer returns.
func fakeControl(t testing.TB, answer func(request string) io.Reader) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		listener.Close()
		<-done
	})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			requests := json.NewDecoder(conn)
			for err == nil {
				var request json.RawMessage
				if err = requests.Decode(&request); err == nil {
					_, err = io.Copy(conn, answer(string(request)))
				}
			}
			conn.Close()
		}
	}()
	return listener.Addr().String()
}

// endless repeats a text for ever.
type endless struct {
	text string
	at   int
}

func repeat(text string) *endless { return &endless{text: text} }

func (e *endless) Read(b []byte) (int, error) {
	n := 0
	for n < len(b) {
		m := copy(b[n:], e.text[e.at:])
		e.at = (e.at + m) % len(e.text)
		n += m
	}
	return n, nil
}

// What a control sends too much of is an error within its second, and costs bounded memory.
func TestSnapcastControlAnswersTooMuch(t *testing.T) {
	audiotest.NoLeaks(t)
	group := `{"id":"0123456789abcdef","name":"","stream_id":"music","muted":false,"clients":[{"id":"aa:bb","config":{"name":""},"host":{"name":"room"}}]}`
	for name, answer := range map[string]io.Reader{
		"groups without end":        io.MultiReader(strings.NewReader(`{"id":1,"result":{"server":{"groups":[`), repeat(group+",")),
		"notifications without end": repeat(`{"method":"Client.OnConnect"}` + "\r\n"),
		"a number without end":      repeat("1"),
		"brackets without end":      repeat("["),
		"spaces without end":        repeat(" "),
		"a text without end":        io.MultiReader(strings.NewReader(`"`), repeat("a")),
	} {
		t.Run(name, func(t *testing.T) {
			address := fakeControl(t, func(string) io.Reader { return answer })
			began := time.Now()
			used := allocated(func() {
				c, err := dialSnapcastControl(t.Context(), address)
				if err != nil {
					t.Fatal(err)
				}
				defer c.close()
				if _, err := c.status(); err == nil {
					t.Error("no error")
				} else {
					t.Log(err)
				}
			})
			if took := time.Since(began); took > 10*time.Second || used > 64<<20 {
				t.Errorf("it took %v and %d bytes", took, used)
			}
		})
	}
}

func TestSnapcastServerWithThousandsOfGroups(t *testing.T) {
	audiotest.NoLeaks(t)
	var b bytes.Buffer
	for i := range 3000 {
		fmt.Fprintf(&b, `,{"id":"g%d","name":"room %[1]d","stream_id":"guided","clients":[]}`, i)
	}
	answer := `{"id":1,"result":{"server":{"groups":[` + b.String()[1:] + `],"streams":[{"id":"guided","uri":{"query":{"sampleformat":"48000:16:2"}}}]}}}` + "\r\n"
	address := fakeControl(t, func(string) io.Reader { return strings.NewReader(answer) })
	var log lockedBuffer
	g := &snapcastGroups{address: address, stream: "guided", names: []string{"attic"}, previous: map[string]string{}, log: log.logger()}
	g.switchToStream(t.Context())
	if text := log.String(); !strings.Contains(text, "no such group") || !strings.Contains(text, "2980 more") || len(text) > 1000 {
		t.Errorf("the log is %s", text)
	}
}

// replyConn gives a control's client some data to read and takes what it writes.
type replyConn struct {
	net.Conn
	io.Reader
}

func (replyConn) Write(b []byte) (int, error)  { return len(b), nil }
func (r replyConn) Read(b []byte) (int, error) { return r.Reader.Read(b) }

// FuzzSnapcastReplies reads what a control answers to a status.
func FuzzSnapcastReplies(f *testing.F) {
	f.Add([]byte(`{"id":1,"jsonrpc":"2.0","result":{"server":{"groups":[{"clients":[{"config":{"name":"a"},"host":{"name":"b"},"id":"c"}],"id":"d","name":"","stream_id":"guided"}],"streams":[{"id":"guided","uri":{"path":"","query":{"sampleformat":"44100:16:2"},"raw":"tcp://0.0.0.0:4953?name=guided","scheme":"tcp"}}]}}}`))
	f.Add([]byte(`{"method":"x"}{"id":1,"error":{"message":"no","data":"x"}}`))
	f.Add([]byte(`{"id":1,"result":null}`))
	f.Add([]byte(`[[[[`))
	output, err := parseSnapcast("tcp://hall:4953?groups=all", audiotest.Logger(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		conn := replyConn{Reader: bytes.NewReader(data)}
		c := &snapcastControl{conn: conn, replies: newReplyDecoder(conn)}
		status, err := c.status()
		if err != nil {
			return
		}
		_ = status.checkStream("guided")
		_ = status.groupNames()
		for _, g := range status.Groups {
			_ = g.hasName("kitchen")
		}
		if stream, ok := output.findStream(status); ok {
			_ = output.checkStreamFormat(stream)
		}
	})
}
