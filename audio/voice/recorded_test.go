package voice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"guided/audio"
	"guided/audio/audiotest"
	"guided/routines"
)

// newVoiceFolder returns a folder of the files and an index of the clips.
func newVoiceFolder(t testing.TB, files map[string][]byte, clips ...Clip) fstest.MapFS {
	t.Helper()
	index, err := json.Marshal(Index{Name: "test", Lang: "en", Clips: clips})
	if err != nil {
		t.Fatal(err)
	}
	folder := fstest.MapFS{indexFile: {Data: index}}
	for name, data := range files {
		folder[name] = &fstest.MapFile{Data: data}
	}
	return folder
}

func TestRecordedVoiceSpeakFitsTheIndex(t *testing.T) {
	pcm := audiotest.Sine(4800, audio.Rate, 500, 0.5)
	for name, n := range map[string]int{"as long as it says": 4800, "cut": 4000, "filled": 6000, "cut to almost nothing": 10} {
		t.Run(name, func(t *testing.T) {
			f, err := OpenRecordedVoice(newVoiceFolder(t, map[string][]byte{"one.wav": audiotest.WAVFile(audio.Rate, pcm)}, Clip{"one,", "one.wav", n, n / 10}))
			if err != nil {
				t.Fatal(err)
			}
			if e, has := f.Measure("one,"); !has || e.Len != n || e.Beat != n/10 {
				t.Errorf("measured %+v", e)
			}
			r, err := f.Speak(context.Background(), "one,")
			if err != nil || len(r.PCM) != n || r.Beat != n/10 {
				t.Fatalf("%d samples, beat %d: %v", len(r.PCM), r.Beat, err)
			}
			if n >= 4000 && (r.PCM[n-1] < -20 || r.PCM[n-1] > 20) {
				t.Errorf("ends at %d, not in silence", r.PCM[n-1])
			}
			if want := mustDecode(t, audiotest.WAVFile(audio.Rate, pcm)); !slices.Equal(r.PCM[:min(n, 4800)-min(n, audio.RampLen)], want[:min(n, 4800)-min(n, audio.RampLen)]) {
				t.Error("is not the recording as it is")
			}
		})
	}
}

func mustDecode(t *testing.T, file []byte) []int16 {
	t.Helper()
	r, err := Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	return r.PCM
}

func TestRecordedVoiceMeasuresHomeRecording(t *testing.T) {
	f, err := OpenRecordedVoice(newVoiceFolder(t, map[string][]byte{"Breathe in.wav": homeRecording()}, Clip{Text: "Breathe in.", File: "Breathe in.wav"}))
	if err != nil {
		t.Fatal(err)
	}
	e, has := f.Measure("Breathe in.")
	if !has || e.Len < audio.Rate*330/1000 || e.Len > audio.Rate*440/1000 {
		t.Errorf("%d ms, want the word alone", e.Len*1000/audio.Rate)
	}
	if ms := e.Beat * 1000 / audio.Rate; ms < 80 || ms > 125 {
		t.Errorf("beat at %d ms, the vowel rises from 80 to 110", ms)
	}
	r, err := f.Speak(context.Background(), "breathe in")
	if err != nil || r.Extent() != e {
		t.Errorf("speaks %+v, measured %+v: %v", r.Extent(), e, err)
	}
	if loud := audio.Loudness(audiotest.Floats(r.PCM)); loud < audio.PhraseLUFS-1 || loud > audio.PhraseLUFS+1 {
		t.Errorf("%.1f LUFS", loud)
	}
}

func TestRecordedVoiceLookup(t *testing.T) {
	clip := func(text string, n int) Clip { return Clip{text, "one.wav", n, 0} }
	f, err := OpenRecordedVoice(newVoiceFolder(t, map[string][]byte{"one.wav": audiotest.WAVFile(audio.Rate, audiotest.Sine(4800, audio.Rate, 500, 0.5))},
		clip("two,", 1), clip("two.", 2), clip("Three", 3), clip("Breathe in,  slowly.", 4), clip("Ready?", 5), clip("four,", 6)))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{
		"two,": 1, "two.": 2, "two": 2, "Two": 2, "TWO, ": 1, "two;": 2, "two!": 2, "two…": 2,
		"three": 3, "three,": 3, "three.": 3, "breathe in, slowly": 4, " Breathe\tin,\nslowly. ": 4, "breathe in slowly": 0,
		"ready": 5, "ready.": 5, "four": 6, "four.": 6, "five": 0, "": 0, ".": 0,
	} {
		e, has := f.Measure(text)
		if has != (want > 0) || e.Len != want {
			t.Errorf("%q gives clip %d, want %d", text, e.Len, want)
		}
		if _, err := f.Speak(context.Background(), text); errors.Is(err, ErrNoRecording) != (want == 0) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestOpenRecordedVoiceReportsEveryUnusableClip(t *testing.T) {
	good := audiotest.WAVFile(audio.Rate, audiotest.Sine(4800, audio.Rate, 500, 0.5))
	files := map[string][]byte{"good.wav": good, "bad.wav": good[:3000], "text.wav": []byte("one"), "silent.wav": audiotest.WAVFile(audio.Rate, make([]float64, audio.Rate)), "sub/x.wav": good}
	for name, c := range map[string]struct {
		clip Clip
		want string
	}{
		"cut short":               {Clip{Text: "a", File: "bad.wav"}, "bad.wav: the WAV file is cut short"},
		"no sound":                {Clip{Text: "a", File: "text.wav"}, "neither WAV"},
		"silent":                  {Clip{Text: "a", File: "silent.wav"}, "silent"},
		"missing":                 {Clip{Text: "a", File: "gone.wav"}, "gone.wav"},
		"missing but measured":    {Clip{"a", "gone.wav", 100, 0}, "gone.wav"},
		"a folder":                {Clip{"a", "sub", 100, 0}, "not a file"},
		"outside":                 {Clip{"a", "../good.wav", 100, 0}, "in the same folder"},
		"at the root":             {Clip{"a", "/etc/passwd", 100, 0}, "in the same folder"},
		"without a file":          {Clip{Text: "a"}, "needs its text"},
		"without a text":          {Clip{File: "good.wav"}, "needs its text"},
		"a text of points":        {Clip{Text: "...", File: "good.wav"}, "needs its text"},
		"negative":                {Clip{"a", "good.wav", -1, 0}, "cannot be"},
		"a beat behind the end":   {Clip{"a", "good.wav", 10, 11}, "cannot be"},
		"longer than can be":      {Clip{"a", "good.wav", 1 << 30, 11}, "cannot be"},
		"the same text once more": {Clip{"SAME", "good.wav", 10, 1}, "listed twice"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := OpenRecordedVoice(newVoiceFolder(t, files, Clip{"same", "good.wav", 100, 0}, c.clip, Clip{Text: "other", File: "nowhere.wav"}))
			if err == nil {
				t.Fatal("opened")
			}
			for _, want := range []string{c.want, "nowhere.wav"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("says %q, want %q", err, want)
				}
			}
		})
	}
	for name, folder := range map[string]fstest.MapFS{
		"no index": {}, "a torn index": {indexFile: {Data: []byte(`{"name":"x","clips":[{"te`)}},
	} {
		if _, err := OpenRecordedVoice(folder); err == nil || !strings.Contains(err.Error(), indexFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOpenRecordedVoiceRefusesTooLargeFile(t *testing.T) {
	dir := t.TempDir()
	for name, data := range newVoiceFolder(t, nil, Clip{Text: "one", File: "one.wav"}) {
		if err := os.WriteFile(filepath.Join(dir, name), data.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	large, err := os.Create(filepath.Join(dir, "one.wav"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(large.Truncate(8<<30), large.Close()); err != nil { // sparse: it takes no disk space
		t.Fatal(err)
	}
	if _, err := OpenRecordedVoice(os.DirFS(dir)); err == nil || !strings.Contains(err.Error(), "larger than 128 MiB") {
		t.Errorf("got %v", err)
	}
}

// A folder of ten thousand recordings opens within its budget, though its index measures none of them: what is left is
// measured when it is asked for.
func TestOpenRecordedVoiceWithThousandsOfRecordings(t *testing.T) {
	files := fstest.MapFS{}
	index := Index{Name: "large", Lang: "en"}
	recording := homeRecording()
	for i := range 10_000 {
		c := Clip{Text: fmt.Sprint("phrase ", i), File: fmt.Sprintf("%d.wav", i)}
		files[c.File] = &fstest.MapFile{Data: recording}
		index.Clips = append(index.Clips, c)
	}
	data, err := json.Marshal(index)
	if err != nil {
		t.Fatal(err)
	}
	files[indexFile] = &fstest.MapFile{Data: data}
	begun := time.Now()
	v, err := OpenRecordedVoice(files)
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took > 3*measureBudget {
		t.Errorf("opening took %v", took)
	}
	want, _ := v.Measure("phrase 0")
	for _, text := range []string{"phrase 0", "phrase 9999"} {
		r, err := v.Speak(t.Context(), text)
		if e, has := v.Measure(text); !has || e != want || r.Extent() != want || err != nil {
			t.Errorf("%s: measured %+v, spoken %+v: %v", text, e, r.Extent(), err)
		}
	}
	delete(files, "9998.wav")
	for range 2 {
		if _, has := v.Measure("phrase 9998"); has {
			t.Error("a recording that is gone is measured")
		}
	}
	if _, err := v.Speak(t.Context(), "phrase 9998"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// The error for a folder whose recordings are all gone is short.
func TestOpenRecordedVoiceReportsAFewOfManyProblems(t *testing.T) {
	var clips []Clip
	for i := range 5000 {
		clips = append(clips, Clip{Text: fmt.Sprint("phrase ", i), File: fmt.Sprintf("%d.wav", i)})
	}
	_, err := OpenRecordedVoice(newVoiceFolder(t, nil, clips...))
	if err == nil || !strings.Contains(err.Error(), "and 4980 more") || strings.Count(err.Error(), "\n") != maxReported {
		t.Errorf("got %.300v", err)
	}
}

func TestVoiceFilesThatAreNone(t *testing.T) {
	for name, make := range map[string]func(file string) error{
		"a pipe":   func(file string) error { return syscall.Mkfifo(file, 0o644) },
		"a device": func(file string) error { return os.Symlink("/dev/zero", file) },
		"a folder": func(file string) error { return os.Mkdir(file, 0o755) },
		"larger than": func(file string) error {
			return errors.Join(os.WriteFile(file, nil, 0o644), os.Truncate(file, 300<<20))
		},
	} {
		for _, file := range []string{indexFile, recipeFile} {
			dir := t.TempDir()
			if err := make(filepath.Join(dir, file)); err != nil {
				t.Fatal(err)
			}
			var err error
			if file == indexFile {
				_, err = OpenRecordedVoice(os.DirFS(dir))
			} else {
				err = (&Builder{Dir: dir}).Build(t.Context(), nil)
			}
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s is %s: %v", file, name, err)
			}
		}
	}
}

// FuzzOpenRecordedVoice reads any bytes as the index of a folder.
func FuzzOpenRecordedVoice(f *testing.F) {
	f.Add([]byte(`{"name":"x","lang":"en","clips":[{"text":"one","file":"one.wav","samples":100,"beat":7},{"text":"two.","file":"one.wav"}]}`))
	f.Add([]byte(`{"clips":[{"text":"one","file":"../one.wav","samples":-1}]}`))
	f.Add([]byte(`[]`))
	recording := audiotest.WAVFile(8000, audiotest.WhiteNoise(200, 0.1))
	f.Fuzz(func(t *testing.T, index []byte) {
		if len(index) > 4<<10 {
			return
		}
		v, err := OpenRecordedVoice(fstest.MapFS{indexFile: {Data: index}, "one.wav": {Data: recording}})
		if err != nil {
			return
		}
		for _, c := range v.Clips {
			e, has := v.Measure(c.Text)
			if !has || e.Len <= 0 || e.Beat < 0 || e.Beat > e.Len {
				t.Fatalf("%q is measured as %+v", c.Text, e)
			}
		}
	})
}

func TestEmbeddedVoicesOpen(t *testing.T) {
	t.Parallel()
	for _, name := range EmbeddedVoices() {
		files, err := EmbeddedFS(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := OpenRecordedVoice(files)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range f.Clips {
			if r, err := f.Speak(context.Background(), c.Text); err != nil || len(r.PCM) != c.Samples {
				t.Errorf("%s, %q: %d samples of %d: %v", name, c.Text, len(r.PCM), c.Samples, err)
			}
		}
	}
	for _, name := range []string{"nobody", "", ".", "..", "../voices/heart"} {
		if _, err := EmbeddedFS(name); err == nil {
			t.Errorf("%q is a voice", name)
		}
	}
}

// forEachClip calls f for the clips of an embedded voice that are shorter than a second, and for one in every of the
// longer ones.
func forEachClip(t *testing.T, voice string, every int, f func(c Clip, r Recording)) {
	t.Helper()
	files, err := EmbeddedFS(voice)
	if err != nil {
		t.Fatal(err)
	}
	v, err := OpenRecordedVoice(files)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range v.Clips {
		if c.Samples >= audio.Rate && i%every != 0 {
			continue
		}
		data, err := fs.ReadFile(files, c.File)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		f(c, r)
	}
}

// The index of an embedded voice agrees with its clips: a wrong beat would make every count uneven.
func TestEmbeddedVoicesAreAsTheirIndexSays(t *testing.T) {
	for _, voice := range EmbeddedVoices() {
		t.Run(voice, func(t *testing.T) {
			t.Parallel()
			forEachClip(t, voice, 10, func(c Clip, r Recording) {
				const step = audio.Rate / 1000
				if b := FindBeat(floats(r.PCM)); len(r.PCM) != c.Samples || b < c.Beat-step || b > c.Beat+step {
					t.Errorf("%q: %d samples with the beat at %d; the index says %d and %d", c.Text, len(r.PCM), b, c.Samples, c.Beat)
				}
				samples := audiotest.Floats(r.PCM)
				tolerance := 1.0
				if len(samples) >= audio.Rate {
					tolerance = 0.5
				}
				if got := audio.Loudness(samples); math.Abs(got-audio.PhraseLUFS) > tolerance {
					t.Errorf("%q is at %.2f LUFS", c.Text, got)
				}
				if got := 20 * math.Log10(audio.TruePeak(samples)); got > audio.MaxTruePeak+0.05 {
					t.Errorf("%q has its peak at %.2f dBTP", c.Text, got)
				}
			})
		})
	}
}

// The beats of the words of a count agree with referenceBeat, and the words are equally loud.
func TestCountWordsOfEmbeddedVoices(t *testing.T) {
	count := map[string]bool{"zero": true, "in": true, "again": true, "hold": true, "out": true, "wait": true}
	for _, number := range strings.Fields("one two three four five six seven eight nine ten eleven twelve") {
		count[number] = true
	}
	for _, voice := range EmbeddedVoices() {
		t.Run(voice, func(t *testing.T) {
			t.Parallel()
			low, high := math.Inf(1), math.Inf(-1)
			forEachClip(t, voice, math.MaxInt, func(c Clip, r Recording) {
				if !count[looseKey(c.Text)] {
					return
				}
				samples := audiotest.Floats(r.PCM)
				reference, share := referenceBeat(samples, c.Beat)
				if off := float64(c.Beat-reference) / audio.Rate * 1000; math.Abs(off) > 10 && share < 0.9 {
					t.Errorf("%q: the beat is %.1f ms off the reference; there it rises %.2f as fast", c.Text, off, share)
				}
				got := audio.Loudness(samples)
				low, high = min(low, got), max(high, got)
				if end := routines.Duration(len(samples) - c.Beat); end.Milliseconds() > 900 {
					t.Errorf("%q goes on for %v after its beat", c.Text, end)
				}
			})
			if high-low > 2 {
				t.Errorf("the softest word is at %.1f LUFS, the loudest at %.1f", low, high)
			}
		})
	}
}

// BenchmarkRecordedVoiceSpeak measures what is done to every embedded clip before a session: read, decode, resample,
// quantize.
func BenchmarkRecordedVoiceSpeak(b *testing.B) {
	files, err := EmbeddedFS("heart")
	if err != nil {
		b.Fatal(err)
	}
	f, err := OpenRecordedVoice(files)
	if err != nil {
		b.Fatal(err)
	}
	extent, _ := f.Measure("Well done.")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Speak(b.Context(), "Well done."); err != nil {
			b.Fatal(err)
		}
	}
	audiotest.ReportRealTime(b, float64(extent.Len)/audio.Rate)
}
