package mix

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"guided/audio"
	"guided/audio/audiotest"
)

// BenchmarkSoundFirstBlock takes a session of one minute of a file from the trigger to its first samples: measured, opened, and
// the first moments loaded, with what is known of it in the caches.
func BenchmarkSoundFirstBlock(b *testing.B) {
	dir, cache := b.TempDir(), b.TempDir()
	for name, rate := range map[string]int{"in place": audio.Rate, "from the cache": 24_000} {
		b.Run(name, func(b *testing.B) {
			name := fmt.Sprint(rate, ".wav")
			if err := os.WriteFile(filepath.Join(dir, name), audiotest.WAVFile(rate, audiotest.WhiteNoise(60*rate, 0.5)), 0o644); err != nil {
				b.Fatal(err)
			}
			bank := bankOf(b, dir, cache, audiotest.Logger(b))
			if err := bank.sounds.keep(b.Context(), name, clipKind); err != nil {
				b.Fatal(err)
			}
			score := scoreOfSounds(b, bank, "", name)
			block := make([][2]float64, audio.Block)
			b.ReportAllocs()
			for b.Loop() {
				if _, has := bank.Measure(sound(name)); !has {
					b.Fatal("it cannot be played")
				}
				live, err := bank.RenderLive(b.Context(), score, func(func()) {})
				if err != nil {
					b.Fatal(err)
				}
				live.Stream(block)
				live.dropAll()
			}
		})
	}
}

// BenchmarkSoundDecode decodes a minute of sound for the first time: a clip, and a bed for its loudness.
func BenchmarkSoundDecode(b *testing.B) {
	const seconds = 60
	stereo := noisyWAV(audio.Rate, seconds*audio.Rate)
	flac, _ := audiotest.RunProgram(b, stereo, "flac", "--silent", "--fast", "--stdout", "-")
	dir := b.TempDir()
	for name, data := range map[string][]byte{
		"stereo.wav": stereo, "mono.wav": audiotest.WAVFile(audio.Rate, audiotest.WhiteNoise(seconds*audio.Rate, 0.5)),
		"24kHz.wav": audiotest.WAVFile(24_000, audiotest.WhiteNoise(seconds*24_000, 0.5)), "44kHz.wav": noisyWAV(44_100, seconds*44_100), "stereo.flac": flac,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			b.Fatal(err)
		}
		b.Run("clip "+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				readSound(b, bankOf(b, dir, "", audiotest.Logger(b)), name, clipKind, false)
			}
			audiotest.ReportRealTime(b, seconds)
		})
		b.Run("bed "+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d, err := audio.NewSoundDecoder(bytes.NewReader(data), int64(len(data)))
				if err != nil {
					b.Fatal(err)
				}
				if _, _, err := measureLoop(d); err != nil {
					b.Fatal(err)
				}
			}
			audiotest.ReportRealTime(b, seconds)
		})
	}
}

// BenchmarkSoundRender makes a file of fifty sounds over a bed, of which nothing is known, and again with what is in the cache.
func BenchmarkSoundRender(b *testing.B) {
	const n, rate = 50, 24_000
	dir := b.TempDir()
	files := map[string][]byte{"bed.wav": noisyWAV(audio.Rate, 60*audio.Rate)}
	var names []string
	for i := range n {
		names = append(names, fmt.Sprint(i, ".wav"))
		files[names[i]] = audiotest.WAVFile(rate, audiotest.WhiteNoise(rate+rate*i/100, 0.5))
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	render := func(b *testing.B, cache string) {
		bank := bankOf(b, dir, cache, audiotest.Logger(b))
		score := scoreOfSounds(b, bank, "bed.wav", names...)
		offline, err := bank.RenderOffline(b.Context(), score)
		if err != nil {
			b.Fatal(err)
		}
		defer offline.Close()
		if err := offline.WriteWAV(io.Discard, nil); err != nil {
			b.Fatal(err)
		}
	}
	warm := b.TempDir()
	render(b, warm)
	for name, cache := range map[string]func() string{"an empty cache": b.TempDir, "a warm cache": func() string { return warm }} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				render(b, cache())
			}
		})
	}
}

// BenchmarkSoundIndex measures ten thousand files that another process has measured before.
func BenchmarkSoundIndex(b *testing.B) {
	const n = 10_000
	dir, cache := b.TempDir(), b.TempDir()
	first := bankOf(b, dir, cache, audiotest.Logger(b))
	for i := range n {
		name := fmt.Sprint(i, ".wav")
		if err := os.WriteFile(filepath.Join(dir, name), audiotest.WAVFile(audio.Rate, make([]float64, 100)), 0o644); err != nil {
			b.Fatal(err)
		}
		first.Measure(sound(name))
	}
	b.ReportAllocs()
	for b.Loop() {
		bank := bankOf(b, dir, cache, audiotest.Logger(b))
		for i := range n {
			if _, has := bank.Measure(sound(fmt.Sprint(i, ".wav"))); !has {
				b.Fatal("it cannot be played")
			}
		}
	}
}
