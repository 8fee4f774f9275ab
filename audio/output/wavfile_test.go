package output

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"guided/audio"
	"guided/audio/audiotest"
)

// A session with a pause is one file, of what was heard.
func TestWAVFileAppendsLaterPlays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "heard.wav")
		if err := os.WriteFile(path, bytes.Repeat([]byte("old"), 1<<20), 0o644); err != nil {
			t.Fatal(err)
		}
		out := openOutput(t, "wav:"+path, 1000)
		src := audiotest.NewNoise(2*audio.Rate + 5)
		ctx, cancel := context.WithCancel(t.Context())
		heard := 0
		err := out.Play(ctx, src, eachBlock(func(n int) {
			readWAV(t, path)
			if heard = n; n > audio.Rate {
				cancel()
			}
		}))
		if err != context.Canceled {
			t.Fatal(err)
		}
		sound := readWAV(t, path)
		if len(sound) != (1000+heard)*audio.FrameBytes {
			t.Errorf("%d frames are kept, of %d heard", len(sound)/audio.FrameBytes, 1000+heard)
		}
		checkRecording(t, sound, rendered(heard))
		rest := src.Frames - src.At
		if err := out.Play(t.Context(), src, farAhead); err != nil {
			t.Fatal(err)
		}
		if got := readWAV(t, path); len(got) != len(sound)+(1000+rest)*audio.FrameBytes || !bytes.HasPrefix(got, sound) {
			t.Errorf("%d frames are kept, want %d", len(got)/audio.FrameBytes, len(sound)/audio.FrameBytes+1000+rest)
		}
	})
}

// readWAV reads a WAV file and checks that its header fits.
func readWAV(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) < audio.WAVHeaderBytes || int(binary.LittleEndian.Uint32(b[40:])) != len(b)-audio.WAVHeaderBytes || int(binary.LittleEndian.Uint32(b[4:])) != len(b)-8 {
		t.Fatalf("the header does not fit a file of %d bytes", len(b))
	}
	if _, rate, err := audio.DecodeWAV(b); err != nil || rate != audio.Rate {
		t.Errorf("the file cannot be decoded: %v", err)
	}
	return b[audio.WAVHeaderBytes:]
}

func TestWAVFileRemovedBetweenPlays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "heard.wav")
		out := openOutput(t, "wav:"+path, 0)
		for range 2 {
			if err := out.Play(t.Context(), audiotest.NewNoise(audio.Rate), farAhead); err != nil {
				t.Fatal(err)
			}
			if sound := readWAV(t, path); !bytes.Equal(sound, rendered(audio.Rate)) {
				t.Errorf("%d frames are kept", len(sound)/audio.FrameBytes)
			}
			os.Remove(path)
		}
	})
}

func TestWAVFileCannotBeCreated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "heard.wav")
	err := openOutput(t, "wav:"+path, 0).Play(t.Context(), audiotest.NewNoise(1), farAhead)
	if err == nil || !strings.Contains(err.Error(), "no such file or directory; choose a folder") {
		t.Errorf("the error is %v", err)
	}
}
