package voice

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"guided/audio"
)

// BenchmarkOpenRecordedVoice measures what a start waits for before the daemon is online.
func BenchmarkOpenRecordedVoice(b *testing.B) {
	embedded, err := EmbeddedFS("heart")
	if err != nil {
		b.Fatal(err)
	}
	b.Run("embedded", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := OpenRecordedVoice(embedded); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("10000 recordings in a folder", func(b *testing.B) {
		folder := os.DirFS(largeVoice(b, 10_000))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := OpenRecordedVoice(folder); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// largeVoice writes a folder of n empty recordings with an index that measures them.
func largeVoice(t testing.TB, n int) string {
	dir := t.TempDir()
	index := Index{Name: "large", Lang: "en"}
	for i := range n {
		c := Clip{Text: fmt.Sprintf("Phrase number %d, as it is spoken.", i), File: fmt.Sprintf("phrase-%d.opus", i), Samples: audio.Rate, Beat: 100}
		index.Clips = append(index.Clips, c)
		if err := os.WriteFile(filepath.Join(dir, c.File), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := json.MarshalIndent(index, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, indexFile), data, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func BenchmarkMeasure(b *testing.B) {
	embedded, err := EmbeddedFS("heart")
	if err != nil {
		b.Fatal(err)
	}
	v, err := OpenRecordedVoice(embedded)
	if err != nil {
		b.Fatal(err)
	}
	for name, text := range map[string]string{"as recorded": "Four,", "other punctuation": "Four!", "typeset": "Let’s begin…", "not recorded": "No voice has this sentence."} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				v.Measure(text)
			}
		})
	}
}
