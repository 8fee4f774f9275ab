package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

type renderCommand struct {
	Name string `arg:"" help:"A routine's name or title."`
	parameters
	Output string `short:"o" required:"" help:"The WAV file to write; - for standard output." placeholder:"FILE"`
}

// renderPercent is the collector's percentage while a file is written: blocks of sound come and go all the time, and little is held.
const renderPercent = 200

// otherFormats are the endings of sound files that are not WAV.
var otherFormats = []string{".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".mp4", ".mka", ".webm", ".wma", ".aif", ".aiff", ".aifc", ".au", ".caf", ".w64", ".raw", ".pcm"}

// Run writes what a live session plays at full volume, sample for sample: 48 kHz, 16 bit, stereo. A file is replaced once
// the new one is whole; an interrupt leaves it as it was.
func (o *renderCommand) Run(p *process) error {
	if ending := filepath.Ext(o.Output); slices.Contains(otherFormats, strings.ToLower(ending)) {
		return fmt.Errorf("render writes WAV, and %s is none: name it %s, or convert it: guided render %q -o - | ffmpeg -i - %q",
			o.Output, strings.TrimSuffix(o.Output, ending)+".wav", o.Name, o.Output)
	}
	t, err := newTarget(o.Output, p.stdout, true)
	if err != nil {
		return err
	}
	c, err := o.compiler(p)
	if err != nil {
		return err
	}
	score, sound, err := c.renderer(o.Name)
	if err != nil {
		return err
	}
	defer sound.Close()
	defer debug.SetGCPercent(debug.SetGCPercent(renderPercent))
	show, end := p.progress(score.Len, "rendering "+score.Title)
	err = t.write(p.ctx, func(w io.Writer) error { return sound.WriteWAV(w, show) })
	end()
	switch {
	case err != nil && p.ctx.Err() != nil:
		return fmt.Errorf("interrupted; %s", t.afterInterrupt())
	case err != nil:
		return fmt.Errorf("writing to %s: %w", o.Output, err)
	case !t.stdout:
		fmt.Fprintf(p.stderr, "%s: %s in %s\n", o.Output, score.Title, formatSamples(score.Len))
	}
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
