package web_test

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"guided/player"
)

// frame is one server-sent event.
type frame struct{ id, kind, data string }

// follow reads server-sent events, until the test ends.
func (p *place) follow() <-chan frame {
	p.t.Helper()
	answer, err := p.client.Get(p.url + "/api/events")
	if err != nil {
		p.t.Fatal(err)
	}
	frames := make(chan frame, 1000)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(frames)
		f := frame{}
		for s := bufio.NewScanner(answer.Body); s.Scan(); {
			key, value, _ := strings.Cut(s.Text(), ": ")
			switch key {
			case "id":
				f.id = value
			case "event":
				f.kind = value
			case "data":
				f.data = value
				frames <- f
			}
		}
	})
	p.t.Cleanup(func() { answer.Body.Close(); reading.Wait() })
	return frames
}

func TestEverythingThatHappensIsTold(t *testing.T) {
	p := newPlace(t)
	frames := p.follow()
	first := <-frames
	var state struct {
		player.State
		Now time.Time
	}
	if err := json.Unmarshal([]byte(first.data), &state); err != nil || first.kind != "state" || first.id != "1" || state.State.State != player.Idle || time.Since(state.Now) > time.Minute {
		t.Fatalf("%v: %+v", err, first)
	}
	p.ask("POST", "/api/start", `{"routine":"short"}`)
	told := map[string]bool{}
	for !told["state playing"] || !told["event routine_started"] || !told["phase in"] || !told["info"] {
		f, open := <-frames
		if !open {
			t.Fatalf("the events have ended: %v", told)
		}
		var v struct {
			State, Phase string
			Type         string `json:"event_type"`
			At           time.Time
		}
		if err := json.Unmarshal([]byte(f.data), &v); err != nil {
			t.Fatal(err)
		}
		told[strings.TrimSpace(f.kind+" "+v.State+v.Type+v.Phase)] = true
		if f.kind == "phase" && time.Until(v.At) < 200*time.Millisecond {
			t.Errorf("a phase is told %v before its time", time.Until(v.At))
		}
	}
}

func TestWhatIsPlayingCanBeHeard(t *testing.T) {
	p := newPlace(t)
	answer, err := p.client.Get(p.url + "/live.wav")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	header := make([]byte, 44)
	if _, err := io.ReadFull(answer.Body, header); err != nil || binary.LittleEndian.Uint32(header[40:]) != 0xFFFFFFFF || answer.Header.Get("Content-Type") != "audio/wav" {
		t.Fatalf("%v: % x, %v", err, header, answer.Header)
	}
	p.ask("POST", "/api/start", `{"routine":"short"}`)
	sound := make([]byte, 19200)
	for end := time.Now().Add(20 * time.Second); loudest(string(header)+string(sound)) < 1000; {
		if _, err := io.ReadFull(answer.Body, sound); err != nil || time.Now().After(end) {
			t.Fatalf("nothing was heard: %v", err)
		}
	}
}

func TestFiftyListeners(t *testing.T) {
	p := newPlace(t)
	p.ask("POST", "/api/start", `{"routine":"short"}`)
	var listeners sync.WaitGroup
	for i := range 50 {
		listeners.Go(func() {
			answer, err := p.client.Get(p.url + "/live.wav")
			if err != nil {
				t.Error(err)
				return
			}
			defer answer.Body.Close()
			if n, err := io.CopyN(io.Discard, answer.Body, 44+4*48000/2); err != nil {
				t.Errorf("listener %d: %d bytes, %v", i, n, err)
			}
		})
	}
	begun := time.Now()
	listeners.Wait()
	if d := time.Since(begun); d < 300*time.Millisecond {
		t.Errorf("half a second of what is playing came in %v", d)
	}
}

// TestASlowReaderHarmsNobody lets connections read nothing at all after their request.
func TestASlowReaderHarmsNobody(t *testing.T) {
	p := newPlace(t)
	base := p.audio()
	for _, path := range []string{base + "yoga.wav", base + "yoga.wav", "/live.wav", "/api/events", base + "short.flac"} {
		c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path)
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	begun := time.Now()
	if got := p.get(base + "short.wav"); got.status != http.StatusOK || time.Since(begun) > 5*time.Second {
		t.Errorf("%d after %v", got.status, time.Since(begun))
	}
	p.ask("POST", "/api/start", `{"routine":"short"}`)
	p.eventually("it plays", func() bool { return p.player.State().State == player.Playing })
}

func TestTooManyAreToldToWait(t *testing.T) {
	p := newPlace(t)
	path := p.audio() + "yoga.wav"
	var open []*http.Response
	defer func() {
		for _, answer := range open {
			answer.Body.Close()
		}
	}()
	for range 64 {
		answer, err := p.client.Get(p.url + path)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, answer)
	}
	if got := p.get(path); got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
		t.Errorf("%d: %s", got.status, got.body)
	}
	open[0].Body.Close()
	p.eventually("there is room again", func() bool { return p.ask("HEAD", path, "").status == http.StatusOK })
}
