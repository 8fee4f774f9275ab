package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"guided/audio"
	"guided/audio/mix"
	"guided/audio/output"
	"guided/audio/voice"
	"guided/config"
	"guided/player"
	"guided/routines"
)

// newLibrary holds the user's routines, which come first, and the built-in ones.
func newLibrary(c config.Config) routines.Library {
	l := routines.Library{routines.Builtin()}
	if c.Routines.Dir != "" {
		l = append(routines.Library{os.DirFS(c.Routines.Dir)}, l...)
	}
	return l
}

// newBank holds every sound: the voices, and the sound files beside the routines with their cache on disk.
func newBank(c config.Config, l routines.Library, log *slog.Logger) (*mix.Bank, error) {
	voices, err := openVoices(c, voice.OpenRecordedVoice, log)
	if err != nil {
		return nil, err
	}
	return newBankOf(voices, l, log), nil
}

// newBankOf is newBank with voices that are open: two banks may share them.
func newBankOf(voices []voice.Voice, l routines.Library, log *slog.Logger) *mix.Bank {
	other := func(name string) (voice.Voice, error) { return openVoice(name, voice.OpenRecordedVoice) }
	bank := mix.NewBank(voices, other, audio.InFolders(l...), log)
	bank.KeepSounds(filepath.Join(config.CacheDir(), "sounds"), audio.StatInFolders(l...))
	return bank
}

// openVoices opens the recorded voice of the settings, and makes the one of the speech engine for the texts that it lacks,
// with its cache on disk.
func openVoices(c config.Config, open openRecorded, log *slog.Logger) ([]voice.Voice, error) {
	recorded, err := openVoice(c.Voice.Name, open)
	if err != nil {
		return nil, err
	}
	voices := []voice.Voice{recorded}
	engine, err := newEngine(c)
	if err != nil {
		return nil, err
	}
	if engine != nil {
		voices = append(voices, voice.NewSynthesizedVoice(engine, voice.NewCache(filepath.Join(config.CacheDir(), "speech"), log)))
	}
	return voices, nil
}

// openRecorded opens a folder of recordings.
type openRecorded func(fs.FS) (*voice.RecordedVoice, error)

// startMeasuring is how long the start of the daemon may take for recordings that their index does not measure: whoever
// waits for it to be online shall not wait for thousands. The others are measured as the routines are scanned.
const startMeasuring = 500 * time.Millisecond

// openSoon opens the recordings of a daemon.
func openSoon(folder fs.FS) (*voice.RecordedVoice, error) {
	return voice.OpenRecordedVoiceWithin(folder, startMeasuring)
}

// openVoice opens an embedded voice by its name in any case, or a folder of recordings.
func openVoice(name string, open openRecorded) (*voice.RecordedVoice, error) {
	if files, err := voice.EmbeddedFS(strings.ToLower(name)); err == nil {
		return open(files)
	}
	dir := config.ExpandHome(name)
	if is, err := audio.IsFolder(context.Background(), dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("voice.name: %w", err)
	} else if !is {
		return nil, fmt.Errorf("voice.name: %q is neither a folder of recordings nor an embedded voice; those are %v", name, voice.EmbeddedVoices())
	}
	v, err := open(os.DirFS(dir))
	if err != nil {
		return nil, fmt.Errorf("the voice in %s: %w", dir, err)
	}
	return v, nil
}

// voiceNames are the name of the voice in the settings, which for a folder of recordings is the folder's own, and the names
// of all the voices that a remote may ask for.
func voiceNames(c config.Config) (own string, all []string) {
	own, all = strings.ToLower(c.Voice.Name), voice.EmbeddedVoices()
	if !slices.Contains(all, own) {
		own = filepath.Base(filepath.Clean(config.ExpandHome(c.Voice.Name)))
	}
	if !slices.Contains(all, own) {
		all = append(all, own)
	}
	return own, all
}

// newEngine is the speech engine for the texts that the voice lacks; nil means none.
func newEngine(c config.Config) (voice.Engine, error) {
	switch c.Voice.Engine {
	case "command":
		return voice.NewCommand(c.Voice.Command), nil
	case "wyoming":
		return voice.NewWyoming(c.Voice.Wyoming, c.Voice.WyomingVoice)
	case "auto":
		if _, err := exec.LookPath("espeak-ng"); err == nil {
			return voice.NewCommand(voice.ESpeakArgs("en")), nil
		}
	}
	return nil, nil
}

// newPlayer makes the player of serve, demo, play and prove. Only a daemon has remotes: a routine may wait for `next`,
// and routines have URLs; urls may be nil, and record, which takes what was done.
func newPlayer(c config.Config, voices []voice.Voice, out audio.Output, outputs []string, daemon bool, urls func(string) map[string]string, record func(player.Record), log *slog.Logger) *player.Player {
	l := newLibrary(c)
	own, names := voiceNames(c)
	if !daemon {
		names = nil // the command line may name a folder
	}
	return player.New(player.Config{
		Library: l, Bank: newBankOf(voices, l, log), Output: out, Outputs: outputs, Volume: c.Audio.Volume, Voice: own, Voices: names, Version: version(),
		Defaults: defaults(c), LeadIn: c.Audio.LeadIn.Duration, Waits: daemon, URLs: urls,
		PhaseLead: c.MQTT.PhaseLead.Duration, ClockTrusted: config.ClockTrusted, Record: record, Log: log,
	})
}

// openOutputs opens audio.output and audio.also as one output. clock is the name of the first, which sets the pace.
func openOutputs(c config.Config, log *slog.Logger) (out audio.Output, clock string, err error) {
	specs := []output.Config{{Spec: c.Audio.Output, Volume: 100}}
	for _, a := range c.Audio.Also {
		volume := 100
		if a.Volume != nil {
			volume = *a.Volume
		}
		specs = append(specs, output.Config{Spec: a.Output, Volume: volume})
	}
	out, clock, err = output.OpenAll(specs, routines.Samples(c.Audio.LeadIn.Duration), log)
	if err != nil {
		return nil, "", fmt.Errorf("audio.output: %w", err)
	}
	return out, clock, nil
}

// outputNames lists the outputs for Info, the clock first.
func outputNames(c config.Config) []string {
	names := []string{c.Audio.Output}
	for _, a := range c.Audio.Also {
		names = append(names, a.Output)
	}
	return names
}
