package player

import (
	"bytes"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"guided/audio"
	"guided/audio/mix"
	"guided/audio/voice"
	"guided/routines"
)

// manyRoutines writes a folder with n routines, the built-in ones under other names and titles, as if they had been there
// since yesterday.
func manyRoutines(tb testing.TB, n int) string {
	tb.Helper()
	files, err := fs.Glob(routines.Builtin(), "*.toml")
	if err != nil {
		tb.Fatal(err)
	}
	dir, yesterday := tb.TempDir(), time.Now().Add(-24*time.Hour)
	for i := range n {
		text, err := fs.ReadFile(routines.Builtin(), files[i%len(files)])
		if err != nil {
			tb.Fatal(err)
		}
		_, after, _ := bytes.Cut(text, []byte("\n")) // the first line is the title
		file := filepath.Join(dir, fmt.Sprintf("mine-%04d.toml", i))
		if err := os.WriteFile(file, append(fmt.Appendf(nil, "title = \"Number %d of mine\"\n", i), after...), 0o644); err != nil {
			tb.Fatal(err)
		}
		if err := os.Chtimes(file, yesterday, yesterday); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

func scanOf(tb testing.TB, dir string) *libraryScan {
	tb.Helper()
	files, err := voice.EmbeddedFS("heart")
	if err != nil {
		tb.Fatal(err)
	}
	recorded, err := voice.OpenRecordedVoice(files)
	if err != nil {
		tb.Fatal(err)
	}
	l, log := routines.Library{os.DirFS(dir), routines.Builtin()}, slog.New(slog.DiscardHandler)
	p := New(Config{Library: l, Bank: mix.NewBank([]voice.Voice{recorded}, nil, audio.InFolders(l...), log), Log: log})
	return &libraryScan{p: p, known: map[string]*scanned{}}
}

// BenchmarkState builds the state of a session in the middle of 1,000 steps, and of counted breathing.
func BenchmarkState(b *testing.B) {
	text := "title = \"Steps\"\n"
	for i := range 1000 {
		text += fmt.Sprintf("[[step]]\nname = \"Step %d\"\nhold = \"8s\"\ncountdown = 3\n", i)
	}
	for name, text := range map[string]string{"1000 steps": text, "an hour of breathing": "title = \"Breath\"\n[[step]]\nbreathe = \"4-4-6\"\nfor = \"1h\"\n"} {
		b.Run(name, func(b *testing.B) {
			r, err := routines.Parse("bench.toml", []byte(text))
			if err != nil {
				b.Fatal(err)
			}
			s := scanOf(b, b.TempDir())
			score, err := routines.Compile(b.Context(), r, s.p.cfg.Bank.Measure, routines.Options{})
			if err != nil {
				b.Fatal(err)
			}
			sound, err := s.p.cfg.Bank.RenderLive(b.Context(), score, s.p.background.Go)
			if err != nil {
				b.Fatal(err)
			}
			s.p.session = newSession(request{routine: r, score: score}, sound)
			s.p.session.started, s.p.session.reported = time.Now(), reportedPlaying
			s.p.session.seek(score.Len / 2)
			b.ReportAllocs()
			for b.Loop() {
				if st := s.p.State(); st.State != Playing {
					b.Fatal(st)
				}
			}
		})
	}
}

// BenchmarkScan reads a library of 2,000 routines: for the first time, again when nothing has changed, and again when one
// file was edited.
func BenchmarkScan(b *testing.B) {
	dir := manyRoutines(b, 2000)
	b.Run("first", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			scanOf(b, dir).run(b.Context())
		}
	})
	s := scanOf(b, dir)
	s.run(b.Context())
	time.Sleep(4 * time.Second) // until the stamps of the files are sure
	s.run(b.Context())
	s.run(b.Context())
	b.Run("unchanged", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.run(b.Context())
		}
	})
	b.Run("one edited", func(b *testing.B) {
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			text := fmt.Appendf(nil, "title = \"Edited %d\"\n[[step]]\nrest = \"5s\"\n", n)
			if err := os.WriteFile(filepath.Join(dir, "mine-1000.toml"), text, 0o644); err != nil {
				b.Fatal(err)
			}
			s.run(b.Context())
		}
	})
}
