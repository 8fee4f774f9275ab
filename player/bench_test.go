package player_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/gopxl/beep/v2"

	"guided/audio"
	"guided/audio/mix"
	"guided/audio/voice"
	"guided/player"
	"guided/routines"
)

// benchOutput is an output that hands each Play to the benchmark.
type benchOutput chan *benchPlay

// benchPlay is one Play whose every sample is heard as soon as it is pulled.
type benchPlay struct {
	src    beep.Streamer
	heard  func(int) int
	block  [audio.Block][2]float64
	frames int
	closed chan struct{} // closed by the benchmark to end the Play
}

func (p *benchPlay) pull() {
	n, _ := p.src.Stream(p.block[:])
	p.frames += n
	p.heard(p.frames)
}

func (p benchOutput) Play(ctx context.Context, src beep.Streamer, heard func(int) int) error {
	play := &benchPlay{src: src, heard: heard, closed: make(chan struct{})}
	select {
	case p <- play:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-play.closed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func newBenchPlayer(b *testing.B) (*player.Player, benchOutput) {
	out := make(benchOutput)
	library := routines.Library{routineFiles(map[string]string{"mixed": mixed, "other": other})}
	p := player.New(player.Config{
		Library: library, Bank: mix.NewBank([]voice.Voice{humVoice{}}, nil, audio.InFolders(library...), slog.New(slog.DiscardHandler)),
		Output: out, Volume: 60, ClockTrusted: func() bool { return true }, Log: slog.New(slog.DiscardHandler),
	})
	ended := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(ended)
		p.Run(ctx)
	}()
	b.Cleanup(func() {
		p.Do(player.Command{Verb: "stop"})
		cancel()
		<-ended
	})
	return p, out
}

// BenchmarkStream pulls one block of a session.
func BenchmarkStream(b *testing.B) {
	p, out := newBenchPlayer(b)
	p.Do(player.Command{Verb: "start", Routine: "mixed"})
	play := <-out
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if n++; n%1000 == 0 { // go back before the end
			p.Do(player.Command{Verb: "back"})
			p.Do(player.Command{Verb: "back"})
		}
		play.pull()
	}
}

// BenchmarkStart measures from start to the first block pulled.
func BenchmarkStart(b *testing.B) {
	p, out := newBenchPlayer(b)
	b.ReportAllocs()
	for b.Loop() {
		p.Do(player.Command{Verb: "start", Routine: "mixed"})
		play := <-out
		play.pull()
		p.Do(player.Command{Verb: "stop"})
		close(play.closed)
	}
}
