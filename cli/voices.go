package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/schollz/progressbar/v3"

	"guided/audio/voice"
	"guided/config"
	"guided/routines"
)

type voicesCommand struct {
	List  voicesListCommand  `cmd:"" default:"1" help:"List the embedded voices, and what speaks the rest."`
	Build voicesBuildCommand `cmd:"" help:"Record a voice with a speech program or a Wyoming server: a folder of clips and an index."`
}

type voicesListCommand struct{}

// Run lists the embedded voices and the engine for other texts.
func (voicesListCommand) Run(p *process) error {
	c, err := p.settings()
	if err != nil {
		return err
	}
	for _, name := range voice.EmbeddedVoices() {
		v, err := openVoice(name, voice.OpenRecordedVoice)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "%s: %d phrases, %s\n", name, len(v.Clips), v.About)
	}
	engine, err := newEngine(c)
	if err != nil {
		return err
	}
	if engine == nil {
		_, err = fmt.Fprintln(p.stdout, "what it lacks is a tone: no engine is set or installed")
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "what it lacks is spoken by: %s\n", strings.TrimSpace(strings.Join(engine.Identity(), " ")))
	return err
}

type voicesBuildCommand struct {
	Dir     string   `arg:"" help:"The voice's folder. What it has already is kept." type:"path"`
	Program []string `arg:"" optional:"" help:"After --: the program that reads a text and writes a WAV file, and its arguments."`
	Wyoming string   `help:"Speak with a Wyoming server in place of a program." placeholder:"tcp://127.0.0.1:10200"`
	Voice   string   `help:"The voice of the Wyoming server." placeholder:"NAME"`
	Phrases string   `help:"A file of more texts to record: one a line, # for comments." placeholder:"FILE" type:"path"`
	Again   []string `help:"Record this text again; may be given more than once." placeholder:"TEXT" sep:"none"`
	Prune   bool     `help:"Remove the recordings that no routine, phrase or recipe wants any more."`
}

// Run records every phrase of the library that the folder lacks.
func (o *voicesBuildCommand) Run(p *process) error {
	c, err := p.settings()
	if err != nil {
		return err
	}
	texts, err := phrases(p.ctx, newLibrary(c))
	if err != nil {
		return err
	}
	if o.Phrases != "" {
		more, err := readPhrases(o.Phrases)
		if err != nil {
			return err
		}
		texts = append(texts, more...)
	}
	engine, err := o.engine()
	if err != nil {
		return err
	}
	show, end := p.buildProgress()
	b := voice.Builder{Dir: o.Dir, Engine: engine, Rerecord: o.Again, Progress: show}
	err = b.Build(p.ctx, texts)
	end()
	if o.Prune && p.ctx.Err() == nil {
		removed, failed := b.Prune(texts)
		for _, text := range removed {
			fmt.Fprintf(p.stdout, "removed: %s\n", text)
		}
		err = errors.Join(err, failed)
	}
	return err
}

func (o *voicesBuildCommand) engine() (voice.Engine, error) {
	switch {
	case o.Wyoming != "" && len(o.Program) > 0:
		return nil, errors.New("voices build: name a Wyoming server or a program, not both")
	case o.Wyoming != "":
		return voice.NewWyoming(o.Wyoming, o.Voice)
	case o.Voice != "":
		return nil, errors.New("voices build: --voice is for --wyoming; a program has arguments of its own")
	case len(o.Program) == 0:
		return nil, errors.New("voices build: name a Wyoming server, such as --wyoming tcp://127.0.0.1:10200, or the speech program after --, such as: -- espeak-ng --stdin --stdout")
	}
	return voice.NewCommand(o.Program), nil
}

// buildProgress shows the progress of a build: as a bar on a terminal, elsewhere as a line for each text.
func (p *process) buildProgress() (show func(done, total int, text string), end func()) {
	if !isTerminal(p.stderr) {
		return func(_, _ int, text string) { fmt.Fprintln(p.stdout, text) }, func() {}
	}
	var bar *progressbar.ProgressBar
	show = func(done, total int, text string) {
		if bar == nil {
			bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(p.stderr), progressbar.OptionShowCount(),
				progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(20))
		}
		bar.Describe(fmt.Sprintf("%-40.40s", text))
		_ = bar.Set(done) // drawing errors do not matter
	}
	return show, func() {
		if bar != nil {
			_ = bar.Finish()
		}
	}
}

// maxPhrases bounds a file of phrases, in bytes: 100 times those of the built-in routines.
const maxPhrases = 4 << 20

// readPhrases reads the lines of a file, without blank ones and comments.
func readPhrases(name string) ([]string, error) {
	data, err := config.ReadFile(name, maxPhrases)
	if err != nil {
		return nil, fmt.Errorf("reading the phrases: %w", err)
	}
	var texts []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			texts = append(texts, line)
		}
	}
	return texts, nil
}

// phrases lists every text of the library's routines, in all verbosities.
func phrases(ctx context.Context, library routines.Library) ([]string, error) {
	l := routines.NewIndex(library)
	names, err := l.Names(ctx)
	if err != nil && !errors.Is(err, routines.ErrLeftOut) { // `guided check` tells which
		return nil, err
	}
	var texts []string
	for _, name := range names {
		r, err := l.Load(ctx, name)
		if err != nil {
			return nil, err
		}
		clips, err := routines.Clips(ctx, r)
		if err != nil {
			return nil, err
		}
		for _, c := range clips {
			if c.Say != "" {
				texts = append(texts, c.Say)
			}
		}
	}
	return texts, nil
}
