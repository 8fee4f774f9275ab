package voice

import (
	"bufio"
	"fmt"
	"guided/audio"
	"guided/audio/audiotest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// wyomingServer runs a server made of the real library, and tells its address. ./test installs the library.
func wyomingServer(t testing.TB) string {
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
		_ = cmd.Process.Kill() // one that still speaks would not end by itself
		_ = cmd.Wait()
	})
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return "tcp://127.0.0.1:" + strings.TrimSpace(port)
}

func wyomingVoice(t testing.TB, uri, voice string) *Speech {
	t.Helper()
	w, err := NewWyoming(uri, voice)
	if err != nil {
		t.Fatal(err)
	}
	return NewSpeech(w, NewCache(filepath.Join(t.TempDir(), "speech"), audiotest.Logger(t)))
}

func TestWyomingSpeaks(t *testing.T) {
	uri := wyomingServer(t)
	audiotest.NoLeaks(t)
	for _, voice := range []string{"", "16000-2-1", "48000-2-2", "8000-1-1", "44100-4-1"} {
		t.Run("in the form "+voice, func(t *testing.T) {
			v := wyomingVoice(t, uri, voice)
			if _, has := v.Measure("Hold."); has {
				t.Error("measured before it was spoken")
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
			other := NewSpeech(mustWyoming(t, uri, "another"), v.cache)
			if _, has := other.Measure("Hold."); has {
				t.Error("another voice has the same recording")
			}
		})
	}
	t.Run("events that nobody knows are passed over", func(t *testing.T) {
		if _, err := wyomingVoice(t, uri, "").Speak(t.Context(), "other events"); err != nil {
			t.Error(err)
		}
	})
	t.Run("a recipe's voice comes before the engine's", func(t *testing.T) {
		file, err := mustWyoming(t, uri, "22050-2-1").Say(t.Context(), Recipe{Text: "Hold.", Voice: "16000-2-1"})
		if err != nil {
			t.Fatal(err)
		}
		if _, rate, err := audio.Decode(file); rate != 16000 || err != nil {
			t.Errorf("%d samples a second: %v", rate, err)
		}
	})
	t.Run("one text at a time", func(t *testing.T) {
		v := wyomingVoice(t, uri, "")
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

func mustWyoming(t testing.TB, uri, voice string) *Wyoming {
	t.Helper()
	w, err := NewWyoming(uri, voice)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWyomingAddress(t *testing.T) {
	if w := mustWyoming(t, "tcp://piper.local", ""); w.address != "piper.local:10200" {
		t.Errorf("without a port it is %s", w.address)
	}
	for _, uri := range []string{"", "127.0.0.1:10200", "localhost", "http://localhost", "tcp://", "tcp://host/path", "unix:///run/piper"} {
		if _, err := NewWyoming(uri, ""); err == nil {
			t.Errorf("%q is taken", uri)
		}
	}
}

func TestBuildWithWyoming(t *testing.T) {
	audiotest.NeedProgram(t, "opusenc")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, recipeFile), []byte(`[{"text":"two.","voice":"48000-2-2"}]`), 0o644); err != nil {
		t.Fatal(err)
	}
	b := Builder{Dir: dir, Engine: mustWyoming(t, wyomingServer(t), "22050-2-1")}
	err := b.Build(t.Context(), []string{"Hold.", "Rest.", "an error", "half"})
	if err == nil || !strings.Contains(err.Error(), `"an error": the model is broken`) || !strings.Contains(err.Error(), `"half": it closed`) {
		t.Errorf("says %v", err)
	}
	v, err := OpenFolder(os.DirFS(dir))
	if err != nil || len(v.Clips) != 3 {
		t.Errorf("%d clips: %v", len(v.Clips), err)
	}
}
