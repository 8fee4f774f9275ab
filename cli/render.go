package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"guided/audio"
)

type renderCommand struct {
	Name string `arg:"" help:"A routine's name or title."`
	parameters
	Output string `short:"o" required:"" help:"The WAV file to write; - for standard output." placeholder:"FILE"`
}

// Run writes what a live session plays at full volume, sample for sample: 48 kHz, 16 bit, stereo.
func (o *renderCommand) Run(p *process) error {
	c, err := o.compiler(p)
	if err != nil {
		return err
	}
	score, sound, err := c.renderer(o.Name)
	if err != nil {
		return err
	}
	if o.Output == "-" {
		return audio.WriteWAV(p.stdout, sound, score.Len, nil)
	}
	dir := filepath.Dir(o.Output)
	_ = audio.RemoveTemporary(dir, "."+filepath.Base(o.Output)+"[0-9]*", leftoverAge) // what cannot be removed does no harm
	file, err := renameio.NewPendingFile(o.Output, renameio.WithPermissions(0o644), renameio.WithTempDir(dir))
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
	fmt.Fprintf(p.stderr, "%s: %s in %s\n", o.Output, score.Title, formatSamples(score.Len))
	return nil
}

// progress shows a bar on a terminal; elsewhere show is nil and end does nothing.
func (p *process) progress(total int, what string) (show func(done int), end func()) {
	if !isTerminal(p.stderr) {
		return nil, func() {}
	}
	bar := progressbar.NewOptions(total, progressbar.OptionSetWriter(p.stderr), progressbar.OptionSetDescription(what),
		progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(50*time.Millisecond), progressbar.OptionSetElapsedTime(false))
	return func(done int) { _ = bar.Set(done) }, func() { _ = bar.Finish() } // drawing errors do not matter
}

func isTerminal(w io.Writer) bool {
	f, is := w.(*os.File)
	return is && term.IsTerminal(int(f.Fd()))
}
