package e2e

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guided/audio"
)

const (
	clickCount   = 10
	clickSpacing = audio.Rate / 2
	clickFrames  = audio.Rate / 100
	cueCount     = 400
	cueSpacing   = 2250 // ms: 400 of them are a quarter of an hour
	longSeconds  = cueCount * cueSpacing / 1000
)

// makeInputs writes the sounds into a folder, the same bytes on every machine and in every run.
func makeInputs(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	tone := func(i int) float64 { return 0.5 * math.Sin(2*math.Pi*440*float64(i)/audio.Rate+0.5) } // loud from its first frame
	noise := newNoise(1)
	writeSound(t, filepath.Join(dir, "tone60.wav"), audio.Rate, 2, 60*audio.Rate, tone)
	writeSound(t, filepath.Join(dir, "tone.wav"), audio.Rate, 2, 4*audio.Rate/10, tone)
	writeSound(t, filepath.Join(dir, "bed.wav"), audio.Rate, 2, longSeconds*audio.Rate, func(int) float64 { return 0.1 * noise() })
	writeSound(t, filepath.Join(dir, "clicks.wav"), audio.Rate, 2, clickCount*clickSpacing, func(i int) float64 {
		if i%clickSpacing < clickFrames {
			return tone(i % clickSpacing)
		}
		return 0
	})
	writeSound(t, filepath.Join(dir, "gap.wav"), audio.Rate, 2, 2*audio.Rate, func(i int) float64 {
		if i >= audio.Rate && i < audio.Rate+audio.Rate/100 {
			return 0
		}
		return math.Copysign(0.1, noise()) + 0.3*noise()
	})
	for n := range cueCount {
		const rate = 24000
		noise, seconds := newNoise(uint64(n)+2), 0.8+0.6*float64(n%7)/6
		smooth := 0.0
		writeSound(t, filepath.Join(dir, fmt.Sprintf("cue%03d.wav", n)), rate, 1, int(seconds*rate), func(i int) float64 {
			smooth += 0.3 * (noise() - smooth) // darker, and in syllables: as much work as speech
			return smooth * math.Pow(math.Sin(math.Pi*4*float64(i)/rate), 2)
		})
	}
}

func newNoise(seed uint64) func() float64 {
	random := rand.New(rand.NewPCG(seed, seed))
	return func() float64 { return 2*random.Float64() - 1 }
}

// writeSound writes a WAV file of 16 bits, with the same in each channel.
func writeSound(t *testing.T, file string, rate, channels, frames int, at func(i int) float64) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<16)
	_, _ = w.Write(audio.WAVFormat{Rate: rate, Channels: channels, Bits: 16}.Header(frames)) // Flush tells
	var b []byte
	for i := range frames {
		b = b[:0]
		for range channels {
			b = binary.LittleEndian.AppendUint16(b, uint16(int16(math.Round(32767*at(i)))))
		}
		_, _ = w.Write(b) // Flush tells
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// addRoutines writes the routines that are measured, with links to their sounds.
func (l *lab) addRoutines(inputs string) {
	l.t.Helper()
	dir := l.path("routines")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		l.t.Fatal(err)
	}
	for _, name := range []string{"tone60.wav", "tone.wav", "bed.wav"} {
		l.link(filepath.Join(inputs, name), filepath.Join(dir, name))
	}
	for name, text := range map[string]string{
		"tone60": "title = \"A tone\"\n[[step]]\nsound = \"tone60.wav\"\n",
		"tone":   "title = \"A short tone\"\n[[step]]\nsound = \"tone.wav\"\n",
		"bell":   "title = \"A bell\"\n[[step]]\nsound = \"bell\"\n",
		"swells": "title = \"Swells\"\nbed = \"waves\"\nswell = true\ncount = \"swells\"\n[[step]]\nbreathe = \"4-4-6\"\nfor = \"1h\"\n",
		"noise":  "title = \"Noise\"\nbed = \"brown\"\n[[step]]\nhold = \"1h\"\n",
	} {
		writeFile(l.t, filepath.Join(dir, name+".toml"), text)
	}
}

// addCues writes the routine of a quarter of an hour: each of its 400 sounds is a step of its own, as a person writes it.
func (l *lab) addCues(inputs, bed string) {
	l.t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "title = \"Long\"\n%s", bed)
	for n := range cueCount {
		name := fmt.Sprintf("cue%03d.wav", n)
		l.link(filepath.Join(inputs, name), filepath.Join(l.path("routines"), name))
		fmt.Fprintf(&text, "[[step]]\nname = \"Cue %d\"\nrest = \"%dms\"\nsound = %q\n", n, cueSpacing, name)
	}
	writeFile(l.t, filepath.Join(l.path("routines"), "long.toml"), text.String())
}

// link gives a file a second name, or a copy where that cannot be.
func (l *lab) link(from, to string) {
	l.t.Helper()
	if os.Link(from, to) == nil {
		return
	}
	data, err := os.ReadFile(from)
	if err != nil {
		l.t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o644); err != nil {
		l.t.Fatal(err)
	}
}
