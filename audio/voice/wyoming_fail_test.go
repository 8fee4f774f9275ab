package voice

import (
	"context"
	"errors"
	"guided/audio/audiotest"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestWyomingThatFails(t *testing.T) {
	uri := wyomingServer(t)
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
			v := wyomingVoice(t, uri, "")
			_, err := v.Speak(t.Context(), text)
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), uri) {
				t.Errorf("says %.300v, want %q", err, want)
			}
			if _, has := v.Measure(text); has {
				t.Error("is kept")
			}
			if _, err := v.Speak(t.Context(), "Hold."); err != nil {
				t.Errorf("the next text fails too: %v", err)
			}
		})
	}
	t.Run("a voice that is not there: those that are", func(t *testing.T) {
		_, err := wyomingVoice(t, uri, "amy").Speak(t.Context(), "Hold.")
		if err == nil || !strings.Contains(err.Error(), "no amy.onnx") || !strings.Contains(err.Error(), "48000-2-2") {
			t.Errorf("got %v", err)
		}
	})
}

func TestWyomingThatIsAway(t *testing.T) {
	t.Run("nobody listens", func(t *testing.T) {
		door, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		door.Close()
		_, err = wyomingVoice(t, "tcp://"+door.Addr().String(), "").Speak(t.Context(), "Hold.")
		if err == nil || !strings.Contains(err.Error(), "voice.wyoming") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("one that hangs is not waited for again with every text", func(t *testing.T) {
		w := mustWyoming(t, wyomingServer(t), "")
		w.load, w.speak = 300*time.Millisecond, 300*time.Millisecond
		v := NewSpeech(w, NewCache(filepath.Join(t.TempDir(), "speech"), audiotest.Logger(t)))
		for _, text := range []string{"sleep", "Hold.", "Rest."} { // the others would be spoken at once
			if _, err := v.Speak(t.Context(), text); err == nil || !strings.Contains(err.Error(), "took longer than") {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}

func TestWyomingIsCancelled(t *testing.T) {
	uri := wyomingServer(t)
	audiotest.NoLeaks(t)
	v := wyomingVoice(t, uri, "")
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 3)
	for _, text := range []string{"sleep", "sleep", "sleep more"} { // one is asked for, the others wait
		go func() {
			_, err := v.Speak(ctx, text)
			result <- err
		}()
	}
	audiotest.Eventually(t, "the server speaks", func() bool {
		_, err := mustWyoming(t, uri, "").Say(t.Context(), Recipe{Text: "how many at once"})
		return err != nil && strings.Contains(err.Error(), "2 at once")
	})
	cancel()
	for range 3 {
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
}
