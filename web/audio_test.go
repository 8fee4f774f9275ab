package web_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"guided/player"
	"guided/routines"
)

func TestAudioFileEqualsRender(t *testing.T) {
	p := newTestServer(t)
	base := p.audioPath()
	for query, o := range map[string]routines.Options{
		"":                             {},
		"?for=2m":                      {For: 2 * time.Minute},
		"?fade_in=1m&fade_out=2m":      {FadeIn: time.Minute, FadeOut: 2 * time.Minute},
		"?verbosity=minimal&holds=off": {Verbosity: routines.Minimal, NoHolds: true},
		"?bed=rain&for=1m&volume=100":  {Bed: "rain", For: time.Minute},
	} {
		t.Run("4-4-6"+query, func(t *testing.T) {
			got, want := p.get(base+"4-4-6.wav"+query), p.renderWAV("4-4-6", o)
			if d := difference(got.body, want); got.status != http.StatusOK || d != "" {
				t.Errorf("%d: %s", got.status, d)
			}
			if got.header.Get("Content-Length") != fmt.Sprint(len(want)) || got.header.Get("Content-Type") != "audio/wav" || got.header.Get("Accept-Ranges") != "bytes" {
				t.Errorf("%v", got.header)
			}
		})
	}
}

func TestAudioFileByTitle(t *testing.T) {
	p := newTestServer(t)
	if got := p.get(p.audioPath() + "a%20short%20one.wav"); got.status != http.StatusOK {
		t.Errorf("%d: %s", got.status, got.body)
	}
}

func TestAudioFileVolumeScales(t *testing.T) {
	p := newTestServer(t)
	base := p.audioPath()
	loud, soft := peak(p.get(base+"short.wav").body), peak(p.get(base+"short.wav?volume=50").body)
	if soft < loud/9 || soft > loud/7 {
		t.Errorf("the loudest sample is %d at volume 50 and %d without, want an eighth", soft, loud)
	}
}

func peak(wav string) int {
	most := 0
	for i := 44; i+1 < len(wav); i += 2 {
		x := int(int16(uint16(wav[i]) | uint16(wav[i+1])<<8))
		most = max(most, x, -x)
	}
	return most
}

func TestAudioFileRanges(t *testing.T) {
	p := newTestServer(t)
	path, whole := p.audioPath()+"short.wav", p.renderWAV("short", routines.Options{})
	n := len(whole)
	tag := p.get(path).header.Get("ETag")
	for name, tt := range map[string]struct {
		headers  []string
		status   int
		from, to int
	}{
		"the whole":                        {nil, 200, 0, n},
		"the first byte":                   {[]string{"Range: bytes=0-0"}, 206, 0, 1},
		"the whole as a range":             {[]string{"Range: bytes=0-"}, 206, 0, n},
		"from within the header":           {[]string{"Range: bytes=40-50"}, 206, 40, 51},
		"from the middle":                  {[]string{fmt.Sprintf("Range: bytes=%d-", n/2)}, 206, n / 2, n},
		"an odd range of the middle":       {[]string{fmt.Sprintf("Range: bytes=%d-%d", n/2+1, n/2+100003)}, 206, n/2 + 1, n/2 + 100004},
		"the last seven bytes":             {[]string{"Range: bytes=-7"}, 206, n - 7, n},
		"beyond the end":                   {[]string{fmt.Sprintf("Range: bytes=%d-%d", n-5, n+5)}, 206, n - 5, n},
		"after the end":                    {[]string{fmt.Sprintf("Range: bytes=%d-", n)}, 416, 0, 0},
		"several ranges get the whole":     {[]string{"Range: bytes=0-1,5-6"}, 200, 0, n},
		"the last no bytes get the whole":  {[]string{"Range: bytes=-0"}, 200, 0, n},
		"If-Range with the same ETag":      {[]string{"Range: bytes=9-", "If-Range: " + tag}, 206, 9, n},
		"If-Range with another ETag":       {[]string{"Range: bytes=9-", `If-Range: "other"`}, 200, 0, n},
		"If-None-Match with the same ETag": {[]string{"If-None-Match: " + tag}, 304, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got := p.get(path, tt.headers...)
			if got.status != tt.status {
				t.Fatalf("%d, want %d", got.status, tt.status)
			}
			if got.status < 300 {
				if d := difference(got.body, whole[tt.from:tt.to]); d != "" {
					t.Error(d)
				}
			}
			head := p.request("HEAD", path, "", tt.headers...)
			for _, name := range []string{"Content-Length", "Content-Range", "Content-Type", "Etag"} {
				if head.status != got.status || head.header.Get(name) != got.header.Get(name) || head.body != "" {
					t.Errorf("HEAD differs: %d, %s %q, want %q", head.status, name, head.header.Get(name), got.header.Get(name))
				}
			}
		})
	}
}

func TestAudioFileFromBeginsAtWholeBreath(t *testing.T) {
	p := newTestServer(t)
	base, whole := p.audioPath(), p.renderWAV("short", routines.Options{})
	r, err := p.library.Load(t.Context(), "short")
	if err != nil {
		t.Fatal(err)
	}
	score, err := routines.Compile(t.Context(), r, p.bank.Measure, routines.Options{})
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, m := range score.Marks {
		if m.Kind == routines.BreathMark && m.N == 2 {
			at = m.At + m.Len/2
		}
	}
	for _, from := range []string{fmt.Sprintf("%.3f", float64(at)/routines.Rate), routines.Duration(at).String()} {
		got, begin := p.get(base+"short.wav?from="+from), score.ResumePoint(at)
		if begin == at || got.status != http.StatusOK || difference(got.body[44:], whole[44+4*begin:]) != "" {
			t.Errorf("from %s: %d, %d bytes, want the tail from sample %d", from, got.status, len(got.body), begin)
		}
	}
}

func TestAudioFileETagChangesWithSamples(t *testing.T) {
	p := newTestServer(t)
	base, seen := p.audioPath(), map[string]string{}
	for _, query := range []string{"", "?for=30s", "?voice=michael", "?volume=40", "?from=2", "?bed=rain", "?fade_in=5s&fade_out=10s"} {
		tag := p.request("HEAD", base+"short.wav"+query, "").header.Get("ETag")
		if other, has := seen[tag]; has || tag == "" {
			t.Errorf("%q and %q have the ETag %s", query, other, tag)
		}
		seen[tag] = query
		if again := p.request("HEAD", base+"short.wav"+query, "").header.Get("ETag"); again != tag {
			t.Errorf("%q: %s, then %s", query, tag, again)
		}
	}
	p.writeRoutine("short.toml", strings.Replace(shortRoutine, "Sit tall.", "Sit down.", 1))
	if tag := p.request("HEAD", base+"short.wav", "").header.Get("ETag"); seen[tag] == "" && tag == "" {
		t.Error("no ETag")
	} else if _, has := seen[tag]; has {
		t.Error("the routine has changed, and its ETag has not")
	}
}

func TestAudioFileErrors(t *testing.T) {
	p := newTestServer(t)
	p.writeRoutine("broken.toml", "title = \"Broken\"\n[[step]]\nhold = 5\n")
	base := p.audioPath()
	for name, tt := range map[string]struct {
		path   string
		status int
		says   string
	}{
		"a name with a typo":            {base + "4-4-7.wav", 404, `did you mean "4-4-6"?`},
		"an unknown extension":          {base + "4-4-6.mp3", 404, "NAME.wav"},
		"no extension":                  {base + "4-4-6", 404, "NAME.wav"},
		"a wrong token":                 {"/audio/00000000000000000000000000000000/4-4-6.wav", 404, "nothing here"},
		"a routine with problems":       {base + "broken.wav", 422, "hold"},
		"for that is not a length":      {base + "4-4-6.wav?for=soon", 400, `"5m"`},
		"for that is too short":         {base + "4-4-6.wav?for=3s", 400, "at least"},
		"volume above 100":              {base + "4-4-6.wav?volume=101", 400, "from 0 to 100"},
		"verbosity with a typo":         {base + "4-4-6.wav?verbosity=shrot", 400, `did you mean "short"?`},
		"an unknown voice":              {base + "4-4-6.wav?voice=hart", 400, "heart"},
		"a folder as a voice":           {base + "4-4-6.wav?voice=/etc", 400, "heart"},
		"a bed outside the library":     {base + "4-4-6.wav?bed=../x.wav", 400, "bed"},
		"a key with a typo":             {base + "4-4-6.wav?vioce=heart", 400, `did you mean "voice"?`},
		"a key of another verb":         {base + "4-4-6.wav?text=hello", 400, "unknown parameter"},
		"until, as a file has no clock": {base + "4-4-6.wav?until=08:10", 400, "unknown parameter"},
		"a key twice":                   {base + "4-4-6.wav?for=1m&for=2m", 400, "more than once"},
		"from after the end":            {base + "4-4-6.wav?from=9999", 400, "after the end"},
		"from that is no position":      {base + "4-4-6.wav?from=-Inf", 400, "no place"},
		"a malformed query":             {base + "4-4-6.wav?%zz", 400, "question mark"},
		"a path out of the library":     {base + "..%2f..%2fetc%2fpasswd.wav", 404, "no such routine"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := p.get(tt.path); got.status != tt.status || !strings.Contains(got.body, tt.says) {
				t.Errorf("%d, want %d: %s", got.status, tt.status, got.body)
			}
		})
	}
}

func TestAudioFileDLNAHeaders(t *testing.T) {
	p := newTestServer(t)
	path := p.audioPath() + "short.wav"
	plain := p.request("HEAD", path, "")
	asked := p.request("HEAD", path, "", "getcontentFeatures.dlna.org: 1", "transferMode.dlna.org: Streaming")
	if plain.header.Get("contentFeatures.dlna.org") != "" || !strings.Contains(asked.header.Get("contentFeatures.dlna.org"), "DLNA.ORG_OP=01") || asked.header.Get("transferMode.dlna.org") != "Streaming" {
		t.Errorf("%v, then %v", plain.header, asked.header)
	}
}

func FuzzAudioFileQuery(f *testing.F) {
	for _, q := range []string{"", "for=5m", "from=312", "volume=40&voice=heart", "verbosity=short&holds=off&bed=rain", "from=NaN", "for=1m&for=2m", "%00=%ff", "from=1e308"} {
		f.Add(q)
	}
	p := newTestServer(f)
	base := p.audioPath()
	f.Fuzz(func(t *testing.T, query string) {
		if strings.ContainsAny(query, "#\x00\r\n \x7f") || len(query) > 1000 {
			t.Skip()
		}
		r, err := http.NewRequest("HEAD", p.url+base+"short.wav?"+query, nil)
		if err != nil {
			t.Skip()
		}
		answer, err := p.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != 200 && answer.StatusCode != 400 {
			t.Errorf("%q: %d", query, answer.StatusCode)
		}
	})
}

func TestLiveStreamHasSound(t *testing.T) {
	p := newTestServer(t)
	answer, err := p.client.Get(p.url + "/live.wav")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	header := make([]byte, 44)
	if _, err := io.ReadFull(answer.Body, header); err != nil || binary.LittleEndian.Uint32(header[40:]) != 0xFFFFFFFF || len(answer.TransferEncoding) > 0 || answer.Header.Get("Content-Type") != "audio/wav" {
		t.Fatalf("%v: % x, %v", err, header, answer.Header)
	}
	p.request("POST", "/api/start", `{"routine":"short"}`)
	sound := make([]byte, 19200)
	for end := time.Now().Add(20 * time.Second); peak(string(header)+string(sound)) < 1000; {
		if _, err := io.ReadFull(answer.Body, sound); err != nil || time.Now().After(end) {
			t.Fatalf("nothing was heard: %v", err)
		}
	}
}

func TestLiveStreamFiftyListeners(t *testing.T) {
	p := newTestServer(t)
	p.request("POST", "/api/start", `{"routine":"short"}`)
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
		t.Errorf("half a second of live sound came in %v", d)
	}
}

// The stalled connections read one byte of the response, and then nothing.
func TestStalledClientsDoNotBlockOthers(t *testing.T) {
	p := newTestServer(t)
	base := p.audioPath()
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
	p.request("POST", "/api/start", `{"routine":"short"}`)
	p.waitFor("it plays", func() bool { return p.player.State().State == player.Playing })
}

func TestAudioFileStreamLimit(t *testing.T) {
	p := newTestServer(t)
	path := p.audioPath() + "yoga.wav"
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
	p.waitFor("a stream is free again", func() bool { return p.request("HEAD", path, "").status == http.StatusOK })
}
