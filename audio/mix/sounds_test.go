package mix

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"guided/audio"
	"guided/audio/audiotest"
	"guided/audio/voice"
	"guided/routines"
)

// What is no file, or too large a one, is refused at once as a cue and as a bed, and told once.
func TestBankRefusesWhatIsNoSoundFile(t *testing.T) {
	audiotest.NoLeaks(t)
	dir := t.TempDir()
	for _, err := range []error{
		syscall.Mkfifo(filepath.Join(dir, "pipe.wav"), 0o644),
		os.Symlink("/dev/zero", filepath.Join(dir, "zero.wav")),
		os.Symlink("loop.wav", filepath.Join(dir, "loop.wav")),
		os.Mkdir(filepath.Join(dir, "folder.wav"), 0o755),
		os.WriteFile(filepath.Join(dir, "large.wav"), nil, 0o644),
		os.Truncate(filepath.Join(dir, "large.wav"), 1200<<20), // sparse
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var logs bytes.Buffer
	bank := NewBank(nil, nil, audio.InFolders(os.DirFS(dir)), slog.New(slog.NewTextHandler(&logs, nil)))
	for _, name := range []string{"pipe.wav", "zero.wav", "loop.wav", "folder.wav", "large.wav"} {
		logs.Reset()
		begun := time.Now()
		for range 3 {
			if _, has := bank.Measure(sound(name)); has {
				t.Errorf("%s is measured", name)
			}
		}
		if n := strings.Count(logs.String(), "cannot be played"); n != 1 {
			t.Errorf("%s is told %d times:\n%s", name, n, logs.String())
		}
		for range 3 {
			if _, err := bank.Load(t.Context(), bedScore(name, 10)); err != nil {
				t.Error(err)
			}
		}
		if n := strings.Count(logs.String(), "the bed is silent"); n != 1 {
			t.Errorf("%s as a bed is told %d times:\n%s", name, n, logs.String())
		}
		if took := time.Since(begun); took > audio.FileTimeout {
			t.Errorf("%s took %v", name, took)
		}
	}
}

// countingFolder counts the bytes that are read of a file.
type countingFolder struct {
	fs.FS
	read atomic.Int64
}

type countingFile struct {
	fs.File
	folder *countingFolder
}

func (c *countingFolder) Open(name string) (fs.File, error) {
	f, err := c.FS.Open(name)
	return countingFile{f, c}, err
}

func (c countingFile) ReadAt(b []byte, at int64) (int, error) {
	n, err := c.File.(io.ReaderAt).ReadAt(b, at)
	c.folder.read.Add(int64(n))
	return n, err
}

// A file is read again only when it has changed.
func TestBankReadsASoundFileOnceUntilItChanges(t *testing.T) {
	files := fstest.MapFS{}
	folder := &countingFolder{FS: files}
	write := func(samples int, at time.Time) {
		files["a.wav"] = &fstest.MapFile{Data: audiotest.WAVFile(audio.Rate, audiotest.WhiteNoise(samples, 0.1)), ModTime: at}
	}
	write(5000, time.Unix(1, 0))
	bank := NewBank(nil, nil, func(_ context.Context, name string) (fs.File, error) { return folder.Open(name) }, audiotest.Logger(t))
	measure := func(want int) (read int64) {
		folder.read.Store(0)
		if e, has := bank.Measure(sound("a.wav")); !has || e.Len != want {
			t.Errorf("measured %+v, want %d", e, want)
		}
		return folder.read.Load()
	}
	sum, _ := bank.HashSound(t.Context(), "a.wav")
	for range 3 {
		if n := measure(5000); n != 0 {
			t.Errorf("%d bytes were read of a known file", n)
		}
	}
	write(5001, time.Unix(1, 0)) // another size
	if n := measure(5001); n == 0 {
		t.Error("a file of another size was not read")
	}
	write(5001, time.Unix(2, 0)) // another time
	if n := measure(5001); n == 0 {
		t.Error("a file of another time was not read")
	}
	if other, _ := bank.HashSound(t.Context(), "a.wav"); other == sum {
		t.Error("another content has the same hash")
	}
}

// A long bed is never in memory as a whole, however many play it, and not at all when nobody does.
func TestBankHoldsPartsOfALongSound(t *testing.T) {
	const minutes = 4
	dir := t.TempDir()
	file, err := os.Create(filepath.Join(dir, "long.wav"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(audio.WriteWAV(file, audiotest.NewNoise(minutes*60*audio.Rate), minutes*60*audio.Rate, nil), file.Close()); err != nil {
		t.Fatal(err)
	}
	bank := NewBank(nil, nil, audio.InFolders(os.DirFS(dir)), audiotest.Logger(t))
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	bank.PrepareBed(t.Context(), routines.Bed{Sound: "long.wav"})
	before := heap()
	var sessions []*LiveRenderer
	for range 3 {
		live, err := bank.RenderLive(t.Context(), bedScore("long.wav", 60), func(func()) {})
		if err != nil {
			t.Fatal(err)
		}
		sessions = append(sessions, live)
	}
	const pcm = minutes * 60 * audio.Rate * 2
	if used := heap() - before; used > pcm/10 {
		t.Errorf("three sessions take %d KiB, the samples are %d", used>>10, pcm>>10)
	}
	runtime.KeepAlive(sessions)
	sessions = nil
	if used := heap() - before; used > pcm/40 {
		t.Errorf("%d KiB are kept of a bed that nobody plays", used>>10)
	}
}

// The loudness of a long bed is measured in two parts, and is that of the whole loop.
func TestLoopShapeMeasuresTheWholeLoop(t *testing.T) {
	for _, n := range []int{30, shortLoop - 1, shortLoop, shortLoop + 1, shortLoop + 4799, shortLoop + 3*audio.Rate + 17, 40 * audio.Rate} {
		samples := audiotest.WhiteNoise(n, 0.1)
		for i := range samples { // its beginning and its end are louder than the rest
			if i < loopFade || i > n-loopFade {
				samples[i] *= 3
			}
		}
		var shape loopShape
		for at := 0; at < n; at += 1999 {
			if err := shape.add(samples[at:min(n, at+1999)]); err != nil {
				t.Fatal(err)
			}
		}
		fade := min(loopFade, n/3)
		loop := append([]float64(nil), samples[:n-fade]...)
		fadeInto(loop[:fade], samples[n-fade:])
		if got, want := shape.loudness(), audio.Loudness(loop); got-want > 1e-9 || want-got > 1e-9 {
			t.Errorf("%d samples: %v LUFS, want %v", n, got, want)
		}
	}
}

// Sounds that overlap beyond all measure are left out, and the others are heard.
func TestLiveLimitsTheSoundsInMemory(t *testing.T) {
	var logs bytes.Buffer
	bank := newTestBank(t, slog.New(slog.NewTextHandler(&logs, nil)))
	var cues []routines.Cue
	for i := range 800 {
		cues = append(cues, routines.Cue{At: i, Len: maxLoaded/10 + i, Clip: sound("gong.wav")})
		cues[i].Clip.Len = i // distinct
	}
	live, err := bank.RenderLive(t.Context(), scoreOf(cues...), func(func()) {})
	if err != nil {
		t.Fatal(err)
	}
	if live.samples > maxLoaded || live.samples < maxLoaded/2 {
		t.Errorf("%d samples are in memory", live.samples)
	}
	if !live.Ready(0) || !strings.Contains(logs.String(), "fewer long sounds") {
		t.Errorf("ready: %v; %s", live.Ready(0), logs.String())
	}
}

// waitingVoice never answers.
type waitingVoice struct{ *fakeEngine }

func (waitingVoice) Speak(ctx context.Context, _ string) (voice.Recording, error) {
	<-ctx.Done()
	return voice.Recording{}, ctx.Err()
}

func TestBankPrepareForStartIsBounded(t *testing.T) {
	bank := newTestBank(t, audiotest.Logger(t), voiceOf(t, "hold", 1111), waitingVoice{newFakeEngine(t)})
	bank.startTimeout = 200 * time.Millisecond
	var clips []routines.Clip
	for i := range 12 {
		clips = append(clips, speech(fmt.Sprint("text ", i)))
	}
	begun := time.Now()
	err := bank.PrepareForStart(t.Context(), clips)
	if err == nil || !strings.Contains(err.Error(), "12 phrases were not spoken within 200ms") {
		t.Errorf("got %v", err)
	}
	if _, err := bank.Say(t.Context(), "Come to the door."); err == nil || !strings.Contains(err.Error(), "200ms") {
		t.Errorf("a message: %v", err)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := bank.PrepareForStart(ctx, clips); !errors.Is(err, context.Canceled) {
		t.Errorf("a start that was cancelled: %v", err)
	}
}
