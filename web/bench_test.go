package web_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkFirstByte requests the first bytes of a range of a routine of 15 minutes, at its beginning and in its middle.
func BenchmarkFirstByte(b *testing.B) {
	p := newTestServer(b)
	url := p.url + p.audioPath() + "yoga.wav"
	for name, at := range map[string]string{"beginning": "bytes=0-99", "middle": "bytes=50000000-50000099"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				fetch(b, p.client, url, at)
			}
		})
	}
}

// BenchmarkThroughput reads a whole long routine: as WAV, which is rendered each time, and as FLAC, without a cached file.
func BenchmarkThroughput(b *testing.B) {
	p := newTestServer(b)
	base := p.url + p.audioPath()
	for name, file := range map[string]string{"wav": "yoga.wav", "wav over a bed": "yoga.wav?bed=rain"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			sound := 0.0
			for b.Loop() {
				sound += float64(fetch(b, p.client, base+file, "bytes=0-")) / 4 / 48000
			}
			b.ReportMetric(sound/b.Elapsed().Seconds(), "×realtime")
		})
	}
	b.Run("flac", func(b *testing.B) {
		b.ReportAllocs()
		bytes := int64(0)
		for b.Loop() {
			if err := os.RemoveAll(filepath.Join(p.cacheDir, "flac")); err != nil {
				b.Fatal(err)
			}
			bytes = fetch(b, p.client, base+"yoga.flac", "bytes=0-")
		}
		b.ReportMetric(float64(bytes)/1e6, "MB")
	})
}

// BenchmarkPage requests what a browser reads: the page and its script, the state, and the list of routines.
func BenchmarkPage(b *testing.B) {
	p := newTestServer(b)
	p.audioPath() // until the library is read
	for name, path := range map[string]string{"page": "/", "script": "/page/app.js", "state": "/api/state", "list of routines": "/api/routines"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if answer := p.get(path); answer.status != http.StatusOK {
					b.Fatalf("%d: %s", answer.status, answer.body)
				}
			}
		})
	}
}

// BenchmarkLive reads 20 ms of the live sound. The output is paced, so the time is that of the sound: it is for the allocations.
func BenchmarkLive(b *testing.B) {
	p := newTestServer(b)
	p.audioPath() // until the library is read
	if answer := p.request("POST", "/api/start", `{"routine":"yoga"}`); answer.status != http.StatusOK {
		b.Fatal(answer.body)
	}
	answer, err := p.client.Get(p.url + "/live.wav")
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close()
	block := make([]byte, 960*4)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := io.ReadFull(answer.Body, block); err != nil {
			b.Fatal(err)
		}
	}
}

func fetch(b *testing.B, client *http.Client, url, part string) int64 {
	b.Helper()
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Range", part)
	answer, err := client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close()
	n, err := io.Copy(io.Discard, answer.Body)
	if err != nil || answer.StatusCode != http.StatusPartialContent {
		b.Fatalf("%d: %v", answer.StatusCode, err)
	}
	return n
}
