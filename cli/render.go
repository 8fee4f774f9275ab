package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"guided/audio"
	"guided/audio/mix"
	"guided/routines"
)

type renderCommand struct {
	Name string `arg:"" help:"A routine's name or title."`
	parameters
	Output string `short:"o" required:"" help:"The WAV file to write; - for standard output." placeholder:"FILE"`
}

// Run writes exactly what a live session plays at full volume: 48 kHz, 16 bit, stereo.
func (o *renderCommand) Run(p *process) error {
	score, sound, err := p.prepare(o.Name, o.parameters)
	if err != nil {
		return err
	}
	if o.Output == "-" {
		return audio.WriteWAV(p.stdout, sound, score.Len, nil)
	}
	file, err := renameio.NewPendingFile(o.Output, renameio.WithPermissions(0o644))
	if err != nil {
		return fmt.Errorf("writing the sound: %w", err)
	}
	defer file.Cleanup()
	show, end := p.progress(score.Len, "rendering "+score.Title)
	if err := audio.WriteWAV(file, sound, score.Len, show); err != nil {
		return fmt.Errorf("writing %s: %w", o.Output, err)
	}
	end()
	if err := file.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("writing %s: %w", o.Output, err)
	}
	fmt.Fprintf(p.stderr, "%s: %s in %s\n", o.Output, score.Title, clock(score.Len))
	return nil
}

// prepare finds a routine, compiles it, and brings its sounds into memory.
func (p *process) prepare(name string, o parameters) (*routines.Score, *mix.Renderer, error) {
	l, b, options, err := o.open(p)
	if err != nil {
		return nil, nil, err
	}
	r, err := find(l, name)
	if err != nil {
		return nil, nil, err
	}
	score, err := compiled(p, l, b, r, options)
	if err != nil {
		return nil, nil, err
	}
	clips, err := b.Load(p.ctx, score)
	if err != nil {
		return nil, nil, err
	}
	return score, mix.Render(score, clips), nil
}

// find is a routine of the library, or a file named with its ending.
func find(l routines.Library, name string) (*routines.Routine, error) {
	if !strings.HasSuffix(name, ".toml") {
		return l.Load(name)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the routine: %w", err)
	}
	return l.Check(name, data)
}

// progress draws a bar on a terminal, and nothing elsewhere.
func (p *process) progress(total int, what string) (show func(done int), end func()) {
	if !isTerminal(p.stderr) {
		return nil, func() {}
	}
	bar := progressbar.NewOptions(total, progressbar.OptionSetWriter(p.stderr), progressbar.OptionSetDescription(what),
		progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(50*time.Millisecond), progressbar.OptionSetElapsedTime(false))
	return func(done int) { _ = bar.Set(done) }, func() { _ = bar.Finish() } // a bar that cannot be drawn harms nothing
}

func isTerminal(w io.Writer) bool {
	f, is := w.(*os.File)
	return is && term.IsTerminal(int(f.Fd()))
}

// clock is a length as people write it: 3:11.
func clock(samples int) string {
	s := (samples + routines.Rate/2) / routines.Rate
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}
