package voice

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"guided/audio"
	"guided/audio/audiotest"
)

// startWyomingServer runs a server made of the real Wyoming library, which ./test installs, and returns its URI.
func startWyomingServer(t testing.TB) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	python := filepath.Join(cache, "guided-test", "wyoming-1.9.0", "bin", "python")
	if _, err := os.Stat(python); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%v; ./test installs it", err)
		}
		t.Skip(err)
	}
	cmd := exec.Command(python, filepath.Join("testdata", "wyoming_server.py"))
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Process.Kill() // it would not exit while it answers
		_ = cmd.Wait()
	})
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return "tcp://127.0.0.1:" + strings.TrimSpace(port)
}

func newWyomingVoice(t testing.TB, uri, voice string) *SynthesizedVoice {
	t.Helper()
	w, err := NewWyoming(uri, voice)
	if err != nil {
		t.Fatal(err)
	}
	return NewSynthesizedVoice(w, NewCache(filepath.Join(t.TempDir(), "speech"), audiotest.Logger(t)))
}

func TestWyomingSpeak(t *testing.T) {
	uri := startWyomingServer(t)
	audiotest.NoLeaks(t)
	for _, voice := range []string{"", "16000-2-1", "48000-2-2", "8000-1-1", "44100-4-1"} {
		t.Run("as "+voice, func(t *testing.T) {
			v := newWyomingVoice(t, uri, voice)
			if _, has := v.Measure("Hold."); has {
				t.Error("measured before it was synthesized")
			}
			r, err := v.Speak(t.Context(), "Hold.")
			if err != nil {
				t.Fatal(err)
			}
			if ms := len(r.PCM) * 1000 / audio.Rate; ms < 380 || ms > 450 {
				t.Errorf("lasts %d ms", ms)
			}
			if loud := audio.Loudness(audiotest.Floats(r.PCM)); loud > audio.PhraseLUFS+1 || loud < audio.PhraseLUFS-1 {
				t.Errorf("%.1f LUFS", loud)
			}
			if e, has := v.Measure("Hold."); !has || e != r.Extent() {
				t.Errorf("measured %+v, is %+v", e, r.Extent())
			}
			other := NewSynthesizedVoice(newWyoming(t, uri, "another"), v.cache)
			if _, has := other.Measure("Hold."); has {
				t.Error("another voice has the same recording")
			}
		})
	}
	t.Run("unknown events are ignored", func(t *testing.T) {
		if _, err := newWyomingVoice(t, uri, "").Speak(t.Context(), "other events"); err != nil {
			t.Error(err)
		}
	})
	t.Run("the recipe's voice overrides the engine's", func(t *testing.T) {
		file, err := newWyoming(t, uri, "22050-2-1").Synthesize(t.Context(), Recipe{Text: "Hold.", Voice: "16000-2-1"})
		if err != nil {
			t.Fatal(err)
		}
		if _, rate, err := audio.Decode(file); rate != 16000 || err != nil {
			t.Errorf("%d samples a second: %v", rate, err)
		}
	})
	t.Run("one text at a time", func(t *testing.T) {
		v := newWyomingVoice(t, uri, "")
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				if _, err := v.Speak(t.Context(), fmt.Sprint(i)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if _, err := v.Speak(t.Context(), "how many at once"); err == nil || !strings.Contains(err.Error(), " 1 at once") {
			t.Errorf("got %v", err)
		}
	})
}

func newWyoming(t testing.TB, uri, voice string) *Wyoming {
	t.Helper()
	w, err := NewWyoming(uri, voice)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestNewWyomingAddress(t *testing.T) {
	if w := newWyoming(t, "tcp://piper.local", ""); w.address != "piper.local:10200" {
		t.Errorf("without a port it is %s", w.address)
	}
	for _, uri := range []string{"", "127.0.0.1:10200", "localhost", "http://localhost", "tcp://", "tcp://host/path", "unix:///run/piper"} {
		if _, err := NewWyoming(uri, ""); err == nil {
			t.Errorf("%q is accepted", uri)
		}
	}
}

func TestBuilderBuildWithWyoming(t *testing.T) {
	audiotest.RequireProgram(t, "opusenc")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, recipeFile), []byte(`[{"text":"two.","voice":"48000-2-2"}]`), 0o644); err != nil {
		t.Fatal(err)
	}
	b := Builder{Dir: dir, Engine: newWyoming(t, startWyomingServer(t), "22050-2-1")}
	err := b.Build(t.Context(), []string{"Hold.", "Rest.", "an error", "half"})
	if err == nil || !strings.Contains(err.Error(), `"an error": the model is broken`) || !strings.Contains(err.Error(), `"half": it closed`) {
		t.Errorf("says %v", err)
	}
	v, err := OpenRecordedVoice(os.DirFS(dir))
	if err != nil || len(v.Clips) != 3 {
		t.Errorf("%d clips: %v", len(v.Clips), err)
	}
}

func TestWyomingSpeakErrors(t *testing.T) {
	uri := startWyomingServer(t)
	audiotest.NoLeaks(t)
	for text, want := range map[string]string{
		"an error":                "the model is broken",
		"an error without words":  "does not say why",
		" ":                       "nothing to say",
		"silence":                 "silent",
		"half":                    "closed the connection before",
		"a closed door":           "closed the connection before",
		"long line":               "longer than 64 KiB",
		"endless line":            "longer than 64 KiB",
		"garbage":                 `"HTTP/1.1 400`,
		"JSON of another kind":    "[1, 2, 3]",
		"data that is none":       "format of its sound",
		"a payload of an exabyte": "too large",
		"a negative length":       "too large",
		"a length of text":        "does not speak Wyoming",
		"a rate of 0":             "0 samples a second",
		"a new format":            "changes its format",
		"no end":                  "more than 20 MiB",
		"how long" + strings.Repeat(" is a line", 7000): "70008 letters",
	} {
		name := text[:min(len(text), 40)]
		t.Run(name, func(t *testing.T) {
			v := newWyomingVoice(t, uri, "")
			_, err := v.Speak(t.Context(), text)
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), uri) {
				t.Errorf("says %.300v, want %q", err, want)
			}
			if _, has := v.Measure(text); has {
				t.Error("a failed text is cached")
			}
			if _, err := v.Speak(t.Context(), "Hold."); err != nil {
				t.Errorf("the next text fails too: %v", err)
			}
		})
	}
	t.Run("an unknown voice: the error lists the known ones", func(t *testing.T) {
		_, err := newWyomingVoice(t, uri, "amy").Speak(t.Context(), "Hold.")
		if err == nil || !strings.Contains(err.Error(), "no amy.onnx") || !strings.Contains(err.Error(), "48000-2-2") {
			t.Errorf("got %v", err)
		}
	})
}

func TestWyomingUnavailable(t *testing.T) {
	t.Run("connection refused", func(t *testing.T) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listener.Close()
		_, err = newWyomingVoice(t, "tcp://"+listener.Addr().String(), "").Speak(t.Context(), "Hold.")
		if err == nil || !strings.Contains(err.Error(), "voice.wyoming") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("after a timeout the next texts fail at once", func(t *testing.T) {
		w := newWyoming(t, startWyomingServer(t), "")
		w.loadTimeout, w.speakTimeout = 300*time.Millisecond, 300*time.Millisecond
		v := NewSynthesizedVoice(w, NewCache(filepath.Join(t.TempDir(), "speech"), audiotest.Logger(t)))
		for _, text := range []string{"sleep", "Hold.", "Rest."} { // the server would answer the others
			if _, err := v.Speak(t.Context(), text); err == nil || !strings.Contains(err.Error(), "took longer than") {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}

// Whatever a server does instead of speaking, a text costs one time-out and little memory.
func TestWyomingServersThatDoNotSpeak(t *testing.T) {
	audiotest.NoLeaks(t)
	endless := func(part string, every time.Duration) func(net.Conn) {
		return func(conn net.Conn) {
			for {
				if _, err := conn.Write([]byte(part)); err != nil {
					return
				}
				time.Sleep(every)
			}
		}
	}
	chunk := `{"type":"audio-chunk","data":{"rate":22050,"width":2,"channels":1},"payload_length":2}` + "\n\x00\x00"
	largeChunk := `{"type":"audio-chunk","data":{"rate":22050,"width":2,"channels":1},"payload_length":65536}` + "\n" + strings.Repeat("x", 65536)
	for name, c := range map[string]struct {
		serve func(net.Conn)
		want  string
	}{
		"says nothing":             {func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }, "longer than"},
		"a byte at a time":         {endless("{", 10*time.Millisecond), "longer than"},
		"a line without an end":    {endless(strings.Repeat("x", 4096), 0), "a line is longer"},
		"small chunks for ever":    {endless(chunk, 5*time.Millisecond), "longer than"},
		"more chunks than allowed": {endless(largeChunk, 0), "more than 20 MiB"},
		"empty events for ever":    {endless("{\"type\":\"x\"}\n", 5*time.Millisecond), "longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var served sync.WaitGroup
			t.Cleanup(func() {
				listener.Close()
				served.Wait()
			})
			served.Go(func() {
				for {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					served.Go(func() {
						defer conn.Close()
						c.serve(conn)
					})
				}
			})
			w := newWyoming(t, "tcp://"+listener.Addr().String(), "")
			w.loadTimeout, w.speakTimeout = time.Minute, time.Minute
			if c.want == "longer than" {
				w.loadTimeout, w.speakTimeout = 300*time.Millisecond, 300*time.Millisecond
			}
			v := NewSynthesizedVoice(w, NewCache(filepath.Join(t.TempDir(), "speech"), audiotest.Logger(t)))
			if _, err := v.Speak(t.Context(), "Hold."); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("says %v, want %q", err, c.want)
			}
		})
	}
}

func TestWyomingSpeakCancelled(t *testing.T) {
	uri := startWyomingServer(t)
	audiotest.NoLeaks(t)
	v := newWyomingVoice(t, uri, "")
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 3)
	for _, text := range []string{"sleep", "sleep", "sleep more"} { // the first is sent, the others wait
		go func() {
			_, err := v.Speak(ctx, text)
			result <- err
		}()
	}
	audiotest.Eventually(t, "the server speaks", func() bool {
		_, err := newWyoming(t, uri, "").Synthesize(t.Context(), Recipe{Text: "how many at once"})
		return err != nil && strings.Contains(err.Error(), "2 at once")
	})
	cancel()
	for range 3 {
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
}

// FuzzWyoming reads any bytes as a server's answer: the reader returns an error or events that hold no more bytes than
// were sent, and the WAV file made of an answer decodes to all of its samples. FuzzImportSpeech takes it from there;
// importing is slow, so only short answers are imported here too.
func FuzzWyoming(f *testing.F) {
	var answer bytes.Buffer
	for _, e := range []wyomingEvent{
		{Type: "audio-start", Data: []byte(`{"rate":22050,"width":2,"channels":1}`)},
		{Type: "audio-chunk", Data: []byte(`{"rate":22050,"width":2,"channels":1}`), Payload: make([]byte, 64)},
		{Type: "audio-stop"},
	} {
		if err := e.write(&answer); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(answer.Bytes())
	f.Add([]byte("{\"type\":\"error\",\"data\":{\"text\":\"no\"}}\n"))
	f.Add([]byte("{\"type\":\"info\",\"data_length\":4194304}\n{}"))
	f.Add([]byte("{\"type\":\"audio-chunk\",\"payload_length\":-9223372036854775808}\n"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		in := bufio.NewReader(bytes.NewReader(sent))
		var answer wyomingAudio
		for read, done := 0, false; !done; {
			e, err := readWyomingEvent(in)
			if err != nil {
				return
			}
			if read += len(e.Payload) + len(e.Data); read > len(sent) {
				t.Fatalf("%d bytes were read of %d", read, len(sent))
			}
			if done, err = answer.handle(e); err != nil {
				return
			}
		}
		samples, rate, err := audio.Decode(answer.wav())
		if err != nil {
			return // a rate that the resampler refuses, or less than one frame
		}
		frames := len(answer.pcm) / (answer.format.Width * answer.format.Channels)
		if rate != answer.format.Rate || len(samples) != frames {
			t.Fatalf("%d frames at %d became %d at %d", frames, answer.format.Rate, len(samples), rate)
		}
		if len(samples)*100 < rate {
			_, _ = importSpeech(answer.wav(), Recipe{}) // it may be no speech, but must not panic
		}
	})
}
