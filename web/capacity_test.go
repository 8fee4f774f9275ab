package web_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"guided/player"
	"guided/routines"
	"guided/web"
)

const hourRoutine = "title = \"An hour\"\n[[step]]\nbreathe = \"5-5\"\nfor = \"55m\"\n"

// keptFiles lists the finished FLAC files.
func (p *testServer) keptFiles() []string {
	files, err := filepath.Glob(filepath.Join(p.cacheDir, "flac", "*.flac"))
	if err != nil {
		p.t.Fatal(err)
	}
	return files
}

// The first bytes of a long routine are there before the whole is encoded, with its length in the header.
func TestFLACIsSentWhileItIsEncoded(t *testing.T) {
	p := newTestServer(t)
	p.writeRoutine("hour.toml", hourRoutine)
	path := p.audioPath() + "hour.flac"
	begun := time.Now()
	if got := p.request("HEAD", path, ""); got.status != http.StatusOK || got.header.Get("Content-Type") != "audio/flac" || got.header.Get("Content-Length") != "" {
		t.Errorf("HEAD: %d, %v", got.status, got.header)
	}
	answer, err := p.client.Get(p.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	first := make([]byte, 100_000)
	if _, err := io.ReadFull(answer.Body, first); err != nil || answer.StatusCode != http.StatusOK || answer.Header.Get("ETag") != "" {
		t.Fatalf("%d, %v, %v", answer.StatusCode, answer.Header, err)
	}
	if taken := time.Since(begun); taken > 3*time.Second && len(p.keptFiles()) > 0 {
		t.Errorf("the first bytes came after %v, when the whole was encoded", taken)
	}
	r, err := p.library.Load(t.Context(), "hour")
	if err != nil {
		t.Fatal(err)
	}
	score, err := routines.Compile(t.Context(), r, p.bank.Measure, routines.Options{})
	if err != nil {
		t.Fatal(err)
	}
	frames := int64(first[21]&0x0F)<<32 | int64(binary.BigEndian.Uint32(first[22:]))
	if string(first[:4]) != "fLaC" || frames != int64(score.Len) {
		t.Errorf("the header says %d frames, want %d", frames, score.Len)
	}
}

// What is sent while it is encoded is what is kept, but for the check sum and the frame sizes, which are not known before.
func TestFLACSentEqualsFLACKept(t *testing.T) {
	p := newTestServer(t)
	path := p.audioPath() + "yoga.flac?for=10m"
	sent := p.get(path)
	p.waitFor("it is kept", func() bool { return len(p.keptFiles()) == 1 })
	kept := p.get(path)
	tail := p.get(path, "Range: bytes=1000000-")
	if d := difference(sent.body[42:], kept.body[42:]); d != "" || sent.status != 200 || kept.header.Get("Content-Length") != fmt.Sprint(len(sent.body)) || kept.header.Get("ETag") == "" {
		t.Errorf("%s; %v, then %v", d, sent.header, kept.header)
	}
	if tail.status != http.StatusPartialContent || difference(tail.body, kept.body[1000000:]) != "" {
		t.Errorf("a range: %d", tail.status)
	}
	if got := p.get(path, "If-None-Match: "+kept.header.Get("ETag")); got.status != http.StatusNotModified {
		t.Errorf("If-None-Match: %d", got.status)
	}
}

func TestFLACWithoutCache(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "a-file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := newTestServer(t)
	q := newTestServer(t, func(s *web.Server) { s.CacheDir = blocked })
	want := p.get(p.audioPath() + "short.flac").body
	for range 2 {
		got := q.get(q.audioPath() + "short.flac")
		if d := difference(got.body[42:], want[42:]); got.status != http.StatusOK || d != "" {
			t.Errorf("%d: %s", got.status, d)
		}
	}
	if n := strings.Count(q.log.String(), "cannot be kept"); n != 1 {
		t.Errorf("logged %d times: %s", n, q.log)
	}
}

// A hundred clients that ask for a file each and go away leave room for one that stays, and no encoder.
func TestFLACAbandonedRequests(t *testing.T) {
	p := newTestServer(t)
	p.writeRoutine("hour.toml", hourRoutine)
	base := p.audioPath()
	var clients sync.WaitGroup
	for i := range 100 {
		clients.Go(func() {
			c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			fmt.Fprintf(c, "GET %shour.flac?for=%dm HTTP/1.1\r\nHost: localhost\r\n\r\n", base, 10+i)
			_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
			_, _ = c.Read(make([]byte, 1)) // most have gone before the first byte
		})
	}
	clients.Wait()
	p.waitFor("a file can be had", func() bool { return p.get(base+"short.flac").status == http.StatusOK })
	p.waitFor("no encoder is left", func() bool {
		left, err := filepath.Glob(filepath.Join(p.cacheDir, "flac", ".*"))
		return err == nil && len(left) == 0
	})
}

func TestEventStreamLimit(t *testing.T) {
	p := newTestServer(t)
	var open []*http.Response
	defer func() {
		for _, answer := range open {
			answer.Body.Close()
		}
	}()
	refused := 0
	for range 100 {
		answer, err := p.client.Get(p.url + "/api/events")
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, answer)
		if answer.StatusCode == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") != "" {
			refused++
		}
	}
	if refused != 100-64 {
		t.Errorf("%d of 100 were refused", refused)
	}
	open[0].Body.Close()
	p.waitFor("a stream is free again", func() bool { return p.request("HEAD", "/api/events", "").status == http.StatusOK })
}

func TestLiveListenerLimit(t *testing.T) {
	p := newTestServer(t)
	refused := 0
	for range 80 {
		answer, err := p.client.Get(p.url + "/live.wav")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if answer.StatusCode == http.StatusServiceUnavailable {
			refused++
		}
	}
	if refused != 80-64 {
		t.Errorf("%d of 80 were refused", refused)
	}
}

// A thousand connections that ask for nothing keep nobody out, and most of them are closed.
func TestIdleConnectionsKeepNobodyOut(t *testing.T) {
	p := newTestServer(t)
	var idle []net.Conn
	defer func() {
		for _, c := range idle {
			c.Close()
		}
	}()
	for range 1000 {
		c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		idle = append(idle, c)
	}
	if got := p.get("/api/state"); got.status != http.StatusOK {
		t.Errorf("%d", got.status)
	}
	closed := func() (n int) {
		for _, c := range idle {
			_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
			if _, err := c.Read(make([]byte, 1)); err != nil && !os.IsTimeout(err) {
				n++
			}
		}
		return n
	}
	p.waitFor("most are closed", func() bool { return closed() >= 1000-256 })
}

// Many pictures of a long routine at once are drawn one after another, or refused; a command is carried out meanwhile.
func TestManyPicturesAtOnce(t *testing.T) {
	p := newTestServer(t)
	p.writeRoutine("hour.toml", hourRoutine)
	p.audioPath()
	var clients sync.WaitGroup
	for i := range 60 {
		clients.Go(func() {
			answer, err := p.client.Get(fmt.Sprintf("%s/api/timeline/hour.svg?for=%dm", p.url, 20+i))
			if err != nil {
				t.Error(err)
				return
			}
			defer answer.Body.Close()
			body, err := io.ReadAll(answer.Body)
			whole := answer.StatusCode == http.StatusOK && bytes.HasSuffix(bytes.TrimSpace(body), []byte("</svg>"))
			if err != nil || !whole && (answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "") {
				t.Errorf("%d: %.200s, %v", answer.StatusCode, body, err)
			}
		})
	}
	if got := p.request("POST", "/api/start", `{"routine":"short"}`); got.status != http.StatusOK {
		t.Errorf("%d: %s", got.status, got.body)
	}
	p.waitFor("it plays", func() bool { return p.player.State().State == player.Playing })
	clients.Wait()
}
