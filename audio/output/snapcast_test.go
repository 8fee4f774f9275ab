package output

import (
	"bytes"
	"context"
	"encoding/binary"
	"log/slog"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"guided/audio"
	"guided/audio/audiotest"
)

func TestSnapcastPlaysTheRenderInEveryRoom(t *testing.T) {
	for source, spec := range map[string]func(*snapserver) string{
		"guided": func(s *snapserver) string { return "snapcast:tcp://" + s.source + "?buffer=1s" },
		"fifo":   func(s *snapserver) string { return "snapcast:pipe://" + s.fifo },
	} {
		t.Run(source, func(t *testing.T) {
			server := startSnapserver(t)
			rooms := map[string]*recorder{"kitchen": server.client("kitchen"), "bath": server.client("bath")}
			for room := range rooms {
				server.setStream(room, source)
			}
			const frames = 3 * audio.Rate
			out := openOutput(t, spec(server), audio.Rate/10)
			p := play(t, out, audiotest.NewNoise(frames))
			if err := p.wait(t); err != nil {
				t.Fatal(err)
			}
			if p.heard() != frames {
				t.Errorf("%d frames are heard at the end, want %d", p.heard(), frames)
			}
			for room, recording := range rooms {
				got, want := recording.untilSilent(), rendered(frames)
				if out.underruns() > 0 || server.underran(room) { // this machine is too busy to play without gaps
					checkPieces(t, got, want)
				} else if worst := worstCorrelation(t, got, want); worst < 0.99 {
					t.Errorf("%s: the correlation with the render is %.4f", room, worst)
				}
			}
		})
	}
}

// checkPieces finds most fiftieths of a second of the render, in their order.
func checkPieces(t *testing.T, got, want []byte) {
	t.Helper()
	const size = audio.Rate / 50 * audio.FrameBytes
	found, all := 0, len(want)/size
	for i := range all {
		if at := bytes.Index(got, want[i*size:(i+1)*size]); at >= 0 {
			found++
			got = got[at+size:]
		}
	}
	t.Logf("between gaps, %d of %d pieces are heard whole", found, all)
	if found < all/2 {
		t.Errorf("%d of %d pieces are heard whole", found, all)
	}
}

// worstCorrelation compares each second of a recording with the render, and returns the lowest correlation. A client drops
// or repeats a sample now and then to stay in step with the others, so what is compared is the sum of each millisecond.
func worstCorrelation(t *testing.T, got, want []byte) float64 {
	t.Helper()
	first, _ := audiotest.LoudFrames(got)
	from, _ := audiotest.LoudFrames(want)
	if first < 0 {
		t.Fatal("nothing was heard")
	}
	heard, rendered := millisecondSums(got[first*audio.FrameBytes:]), millisecondSums(want[from*audio.FrameBytes:])
	worst := 1.0
	for at := 0; at+1000 <= len(rendered); at += 1000 {
		if at+1000 > len(heard) {
			t.Fatalf("the sound ends after %d ms, of %d", len(heard), len(rendered))
		}
		worst = min(worst, correlation(heard[at:at+1000], rendered[at:at+1000]))
	}
	return worst
}

// millisecondSums is the sum of the left channel in each millisecond.
func millisecondSums(b []byte) []float64 {
	const ms = audio.Rate / 1000
	list := make([]float64, len(b)/audio.FrameBytes/ms)
	for i := range list {
		for j := i * ms; j < (i+1)*ms; j++ {
			list[i] += float64(int16(binary.LittleEndian.Uint16(b[j*audio.FrameBytes:])))
		}
	}
	return list
}

func correlation(a, b []float64) float64 {
	var ab, aa, bb float64
	for i := range a {
		ab, aa, bb = ab+a[i]*b[i], aa+a[i]*a[i], bb+b[i]*b[i]
	}
	return ab / math.Sqrt(aa*bb)
}

func TestSnapserverKilledAndRestarted(t *testing.T) {
	for source, want := range map[string]string{"tcp": "no Snapcast server takes sound at", "pipe": "no snapserver reads"} {
		t.Run(source, func(t *testing.T) {
			audiotest.NoLeaks(t)
			server := startSnapserver(t)
			out := openOutput(t, "snapcast:pipe://"+server.fifo+"?buffer=0s", 0)
			if source == "tcp" {
				out = openOutput(t, "snapcast:tcp://"+server.source+"?buffer=0s", 0)
			}
			src := audiotest.NewNoise(60 * audio.Rate)
			p := play(t, out, src)
			p.waitHeard(t, audio.Rate/4)
			server.kill()
			err := p.wait(t)
			if err == nil || !strings.Contains(err.Error(), "has gone") {
				t.Errorf("the error is %v", err)
			}
			if err := play(t, out, src).wait(t); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("without a server, the error is %v", err)
			}
			server.start()
			p = play(t, out, src)
			p.waitHeard(t, audio.Rate/4)
			p.cancel()
			if err := p.wait(t); err != context.Canceled {
				t.Errorf("the error of a cancelled Play is %v", err)
			}
		})
	}
}

// A server that accepts and reads nothing is an error, not a hang.
func TestSnapserverHangs(t *testing.T) {
	audiotest.NoLeaks(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(fifo, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	p := play(t, openOutput(t, "snapcast:pipe://"+fifo, 0), audiotest.NewNoise(60*audio.Rate))
	if err := p.wait(t); err == nil || !strings.Contains(err.Error(), "has taken no sound for 2s") {
		t.Errorf("the error is %v", err)
	}
	p = play(t, openOutput(t, "snapcast:tcp://"+l.Addr().String(), 0), audiotest.NewNoise(60*audio.Rate))
	if err := p.wait(t); err == nil || !strings.Contains(err.Error(), "has taken no sound for 2s") {
		t.Errorf("the error is %v", err)
	}
}

// countingConn is the connection of a server that takes everything, and counts the writes.
type countingConn struct {
	writes int
	bytes  int64
	kept   []byte
}

func (c *countingConn) Write(b []byte) (int, error) {
	c.writes++
	c.bytes += int64(len(b))
	c.kept = append(c.kept, b...)
	return len(b), nil
}
func (c *countingConn) Close() error                     { return nil }
func (c *countingConn) SetWriteDeadline(time.Time) error { return nil }

// openedSnapcast is a device on a connection, whose server holds no second and has our format.
func openedSnapcast(t *testing.T, conn *countingConn, log *slog.Logger) *snapcastDevice {
	d := &snapcastDevice{output: &snapcastOutput{address: "hall:4953", log: log}, conn: conn, stopWatching: func() bool { return true }}
	_, d.format.cancel = context.WithCancel(t.Context())
	d.format.known, d.format.ended = true, make(chan struct{})
	close(d.format.ended)
	return d
}

// The server always has enough, and never more than what a pause may be late; and the sound is sent seldom.
func TestSnapcastIsSentAheadInLargePieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := &countingConn{}
		d := openedSnapcast(t, conn, audiotest.Logger(t))
		began := time.Now()
		const frames = 20 * audio.Rate
		err := on(d, 0).Play(t.Context(), audiotest.NewNoise(frames), eachBlock(func(n int) {
			ahead := conn.bytes/audio.FrameBytes - int64(toFrames(time.Since(began)))
			if n > 0 && n < frames && (ahead < snapcastLeast-audio.Block || ahead > snapcastDepth+1) {
				t.Errorf("%v are sent ahead", toDuration(ahead))
			}
		}))
		if err != nil || conn.writes > 110 {
			t.Errorf("%d writes in 20 s: %v", conn.writes, err)
		}
	})
}

func TestSnapcastUnknownURL(t *testing.T) {
	for url, want := range map[string]string{
		"tcp://":                           "names no source of a Snapcast server; use snapcast:tcp://HOST:4953",
		"http://a":                         "names no source of a Snapcast server",
		"tcp://a/b":                        "names no source of a Snapcast server",
		"pipe://run/fifo":                  "use snapcast:pipe:///run/fifo",
		"pipe://":                          "names no source of a Snapcast server",
		"tcp://a?bufer=1s":                 `there is no setting "bufer", only buffer, groups`,
		"tcp://a?buffer=1000":              `write one such as "1s"`,
		"tcp://a?buffer=-1s":               `write one such as "1s"`,
		"tcp://a?stream=b":                 "add groups=",
		"tcp://a?groups=":                  "lack a name",
		"tcp://a?groups=b,,c":              "lack a name",
		"tcp://a?groups=b%zz":              "invalid URL escape",
		"tcp://a:4953 ?groups=kitchen,all": "invalid",
	} {
		if _, err := Open("snapcast:"+url, 0, audiotest.Logger(t)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: the error is %v, want %q in it", url, err, want)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir + "/missing":             "mode=create",
		dir + "/file":                "is no FIFO",
		"/tmp/guided-test-is-absent": "PrivateTmp",
	} {
		if err := Probe(t.Context(), "snapcast:pipe://"+path, audiotest.Logger(t)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error is %v, want %q in it", path, err, want)
		}
	}
}
