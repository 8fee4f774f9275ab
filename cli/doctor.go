package cli

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"guided/audio/output"
	"guided/audio/voice"
	"guided/config"
	"guided/keys"
	"guided/mqtt"
	"guided/routines"
)

type doctorCommand struct{}

// Finding is the result of one check: what was checked, whether it is in order, and what was found or what to do.
type Finding struct {
	What string `json:"what"`
	OK   bool   `json:"ok"`
	Says string `json:"says"`
}

// Run checks everything that can be wrong on a machine. It makes no sound, and fails when a check fails.
func (doctorCommand) Run(p *process) error {
	list := p.findings()
	broken := false
	for _, f := range list {
		broken = broken || !f.OK
	}
	if p.json {
		if err := p.printJSON(list); err != nil {
			return err
		}
	} else {
		for _, f := range list {
			mark := "good"
			if !f.OK {
				mark = "BAD"
			}
			fmt.Fprintf(p.stdout, "%-4s  %-8s  %s\n", mark, f.What, strings.ReplaceAll(f.Says, "\n", "\n                "))
		}
	}
	if broken {
		return errReported
	}
	return nil
}

// findings runs the checks in the order in which a listener would look for the fault. Without settings none can run.
func (p *process) findings() []Finding {
	c, err := p.settings()
	if err != nil {
		return []Finding{newFinding("settings", "", err)}
	}
	file, _, err := config.Find(p.config)
	if problem := c.SecretsProblem(); problem != nil {
		file += "\nnote: " + problem.Error()
	}
	list := []Finding{newFinding("settings", file, err)}
	add := func(what string, check func(config.Config) (string, error)) {
		says, err := check(c)
		list = append(list, newFinding(what, says, err))
	}
	add("sound", p.checkOutput)
	add("daemon", p.checkDaemon)
	add("voice", p.checkVoice)
	add("engine", p.checkEngine)
	add("routines", p.checkRoutines)
	add("phrases", p.checkPhrases)
	add("clock", checkClock)
	add("keys", checkKeys)
	add("cache", func(config.Config) (string, error) { return checkFolder(config.CacheDir()) })
	add("history", p.checkHistory)
	add("schedule", p.checkSchedule)
	add("state", checkState)
	return list
}

// newFinding is good with what was found, or bad with what to do.
func newFinding(what, says string, err error) Finding {
	if err != nil {
		return Finding{what, false, err.Error()}
	}
	return Finding{what, true, says}
}

// checkOutput opens the output and closes it again. A file is not opened, because that would truncate it.
func (p *process) checkOutput(c config.Config) (string, error) {
	if file, is := strings.CutPrefix(c.Audio.Output, "wav:"); is {
		_, err := checkFolder(filepath.Dir(file))
		return "it is kept in " + file + ", and not heard", err
	}
	if err := output.Probe(p.ctx, c.Audio.Output, p.logger(slog.LevelWarn)); err != nil {
		return "", fmt.Errorf("%w; run guided devices, and name one as audio.output", err)
	}
	return c.Audio.Output + " opens", nil
}

// checkDaemon sends a status command over MQTT, and so checks the broker, the login and the topics too, and reads back
// what the broker keeps of it.
func (p *process) checkDaemon(c config.Config) (string, error) {
	embedded := c.MQTT.Broker == ""
	if embedded {
		c.MQTT.Broker = "mqtt://" + mqtt.DefaultAddress
	}
	options := c.MQTTOptions(nil)
	options.Embedded = embedded
	if _, err := mqtt.Send(p.ctx, options, "status"); err != nil {
		return "", err
	}
	options.ID = p.heldIdentity()
	if err := mqtt.CheckRetained(p.ctx, options); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s answers over %s", c.Node, c.MQTT.Broker), nil
}

// heldIdentity is the identity of the daemon that runs on this machine with these settings; "" where that is not known.
func (p *process) heldIdentity() string {
	file := config.StateFile("id", p.config)
	if config.File(p.config) == config.SystemFile {
		file = p.findState("id")
	}
	return config.HeldIdentity(file)
}

func (p *process) checkVoice(c config.Config) (string, error) {
	v, err := openVoice(c.Voice.Name, voice.OpenRecordedVoice)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s has %d phrases", c.Voice.Name, len(v.Clips)), nil
}

// checkEngine synthesizes a phrase without the cache.
func (p *process) checkEngine(c config.Config) (string, error) {
	engine, err := newEngine(c)
	if err != nil {
		return "", err
	}
	if engine == nil {
		return "none: a phrase that the voice lacks is a tone; install espeak-ng, or set voice.engine, for more", nil
	}
	// In a folder that cannot exist the cache keeps it in memory, and a doctor that is killed leaves nothing.
	speech := voice.NewSynthesizedVoice(engine, voice.NewCache(filepath.Join(os.DevNull, "speech"), p.logger(slog.LevelError)))
	if _, err := speech.Speak(p.ctx, "Well done."); err != nil {
		return "", err
	}
	return engine.Identity()[0] + " speaks", nil
}

// checkClock looks at the clock and at the time zone of quiet hours.
func checkClock(c config.Config) (string, error) {
	if err := c.ZoneProblem(); err != nil {
		return "", err
	}
	problem, wrong := config.ClockProblem()
	switch {
	case wrong:
		return "", problem
	case problem == nil:
		return "it is kept right", nil
	case !config.ScheduleClockTrusted():
		return problem.Error() + "; until then nothing of the schedule starts, and no lost session goes on by itself", nil
	}
	return problem.Error(), nil
}

// checkKeys looks for the devices whose keys are to be used. One that nobody named is no fault where it may not be read.
func checkKeys(c config.Config) (string, error) {
	if len(c.Keys.Devices) == 0 {
		return "off", nil
	}
	says, used := "", []string{}
	for _, d := range keys.Devices(c.Keys) {
		switch {
		case d.Used:
			used = append(used, d.Name)
		case !d.OK && d.Named:
			return "", fmt.Errorf("%s: %s", d.Name, d.Why)
		case !d.OK:
			says += fmt.Sprintf("\nnote: %s: %s", d.Name, d.Why)
		}
	}
	for _, name := range keys.Missing(c.Keys) {
		says += fmt.Sprintf("\nnote: %s is not there; it is used as soon as it is. guided devices shows what is", name)
	}
	if len(used) == 0 {
		return "no remote, pedal or headset can be used now" + says, nil
	}
	return strings.Join(used, ", ") + says, nil
}

// checkFolder writes a file and removes it. On a full disk a file can be created, and nothing written to it.
func checkFolder(dir string) (string, error) {
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		var f *os.File
		if f, err = os.CreateTemp(dir, ".guided-*"); err == nil {
			_, err = f.Write(make([]byte, 4096))
			err = errors.Join(cmp.Or(err, f.Sync()), f.Close(), os.Remove(f.Name()))
		}
	}
	switch {
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT):
		return "", fmt.Errorf("%w; make room on the disk", err)
	case errors.Is(err, syscall.EROFS):
		return "", fmt.Errorf("%w; everything plays, and nothing is remembered over a restart: mount it for writing, or name another folder (STATE_DIRECTORY, CACHE_DIRECTORY)", err)
	case err != nil:
		return "", fmt.Errorf("%w; give the user who runs guided a folder of his own there", err)
	}
	return dir + " can be written to", nil
}

// checkState is checkFolder of the state folder, and names the files that could not be read and were moved aside.
func checkState(config.Config) (string, error) {
	dir := config.StateDir()
	says, err := checkFolder(dir)
	aside, _ := filepath.Glob(filepath.Join(dir, "*.damaged")) // the pattern is right
	for _, file := range aside {
		says += fmt.Sprintf("\nnote: a daemon could not read what is now %s, and went on without; the log tells what that was. Remove it when you have seen it", file)
	}
	return says, err
}

func (p *process) checkRoutines(c config.Config) (string, error) {
	if err := c.RoutinesProblem(); err != nil {
		return "", err
	}
	_, err := os.Stat(c.Routines.Dir)
	none := err != nil
	l := routines.NewIndex(newLibrary(c))
	names, err := l.Names(p.ctx)
	if err != nil {
		return "", err
	}
	var broken []string
	for _, name := range names {
		if _, err := l.Load(p.ctx, name); err != nil {
			broken = append(broken, name)
		}
	}
	if len(broken) > 0 {
		return "", fmt.Errorf("%d of %d cannot be played; run: guided check %s", len(broken), len(names), strings.Join(broken, " "))
	}
	if none {
		return fmt.Sprintf("%d built in, none of your own", len(names)), nil
	}

	says := fmt.Sprintf("%d, your own from %s", len(names), c.Routines.Dir)
	for _, conflict := range l.Conflicts(p.ctx) {
		says += "\nnote: " + conflict
	}
	return says, nil
}

// checkPhrases counts the phrases of the library that are not recorded. Without an engine, tones take their place.
func (p *process) checkPhrases(c config.Config) (string, error) {
	l := newLibrary(c)
	b, err := newBank(c, l, p.logger(slog.LevelError))
	if err != nil {
		return "", err
	}
	engine, err := newEngine(c)
	if err != nil {
		return "", err
	}
	all := routines.NewIndex(l)
	names, _ := all.Names(p.ctx) // checkRoutines reports what cannot be read, here and below
	lacking := map[string]bool{}
	var where []string
	for _, name := range names {
		r, err := all.Load(p.ctx, name)
		if err != nil {
			continue
		}
		clips, err := routines.Clips(p.ctx, r)
		if err != nil {
			continue
		}
		all := true
		for _, clip := range clips {
			if _, has := b.Measure(clip); !has && clip.Say != "" {
				lacking[clip.Say], all = true, false
			}
		}
		if !all {
			where = append(where, name)
		}
	}
	switch {
	case len(lacking) == 0:
		return "every phrase of every routine is recorded", nil
	case engine == nil:
		return "", fmt.Errorf("tones take the place of %d phrases; install espeak-ng or set voice.engine, and run: guided check %s", len(lacking), strings.Join(where, " "))
	}
	return fmt.Sprintf("%d are left to %s, in %s", len(lacking), engine.Identity()[0], strings.Join(where, ", ")), nil
}
