package audio

import "testing"

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
	realTime(b, float64(extent.Len)/Rate)
}

func BenchmarkImportSpeech(b *testing.B) {
	data := wavOf(22050, resampleBack(join(make([]float64, Rate), word(-20), word(-20), make([]float64, Rate/2))))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := importSpeech(data); err != nil {
			b.Fatal(err)
		}
	}
	realTime(b, float64(len(data))/2/22050)
}

func BenchmarkBeat(b *testing.B) {
	w := word(-20)
	for b.Loop() {
		beat(w)
	}
}
