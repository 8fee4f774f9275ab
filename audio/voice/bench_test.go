package voice

import (
	"guided/audio"
	"guided/audio/audiotest"
	"testing"
)

// BenchmarkFolderSpeak is what every embedded clip goes through before a session: read, Opus, resampler, 16 bits.
func BenchmarkFolderSpeak(b *testing.B) {
	files, err := Embedded("heart")
	if err != nil {
		b.Fatal(err)
	}
	f, err := OpenFolder(files)
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

func BenchmarkImportSpeech(b *testing.B) {
	data := audiotest.WAVOf(22050, audiotest.ResampleBack(audiotest.Join(make([]float64, audio.Rate), audiotest.Word(-20), audiotest.Word(-20), make([]float64, audio.Rate/2))))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := importSpeech(data); err != nil {
			b.Fatal(err)
		}
	}
	audiotest.ReportRealTime(b, float64(len(data))/2/22050)
}

func BenchmarkBeat(b *testing.B) {
	w := audiotest.Word(-20)
	for b.Loop() {
		Beat(w)
	}
}
