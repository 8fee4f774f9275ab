package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"guided/audio/output"
	"guided/audio/voice"
	"guided/config"
	"guided/mqtt"
)

// lookAtSound opens the output and closes it again. A file is not opened: that would empty it.
func (p *process) lookAtSound(c config.Config) (string, error) {
	if file, is := strings.CutPrefix(c.Audio.Output, "wav:"); is {
		_, err := lookAtFolder(filepath.Dir(file))
		return "it is kept in " + file + ", and not heard", err
	}
	if err := output.Try(p.ctx, c.Audio.Output, p.logger(slog.LevelWarn)); err != nil {
		return "", fmt.Errorf("%w; run guided devices, and name one as audio.output", err)
	}
	return c.Audio.Output + " opens", nil
}

// lookAtDaemon asks it over the broker: so the broker, the login and the topics are right too.
func (p *process) lookAtDaemon(c config.Config) (string, error) {
	if c.MQTT.Broker == "" {
		c.MQTT.Broker = "mqtt://" + mqtt.DefaultAddress
	}
	if _, err := mqtt.Send(p.ctx, c.MQTTOptions(nil), "status"); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s answers over %s", c.Node, c.MQTT.Broker), nil
}

func (p *process) lookAtVoice(c config.Config) (string, error) {
	v, err := v(c.Voice.Name)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s has %d phrases", c.Voice.Name, len(v.Clips)), nil
}

// lookAtEngine has a word spoken, past the cache.
func (p *process) lookAtEngine(c config.Config) (string, error) {
	e, err := engine(c)
	if err != nil {
		return "", err
	}
	if e == nil {
		return "none: a phrase that the voice lacks is a tone; install espeak-ng, or set voice.engine, for more", nil
	}
	dir, err := os.MkdirTemp("", "guided-doctor-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	speech := voice.NewSpeech(e, voice.NewCache(dir, p.logger(slog.LevelError)))
	if _, err := speech.Speak(p.ctx, "Well done."); err != nil {
		return "", err
	}
	return e.Name()[0] + " speaks", nil
}

func lookAtClock(config.Config) (string, error) {
	if config.ClockTrusted() {
		return "it is kept right", nil
	}
	return "nothing keeps it right, so the age of a command is not looked at; turn on a time service (timedatectl set-ntp true)", nil
}

// lookAtFolder writes a file there, and removes it.
func lookAtFolder(dir string) (string, error) {
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		var f *os.File
		if f, err = os.CreateTemp(dir, ".guided-*"); err == nil {
			err = errors.Join(f.Close(), os.Remove(f.Name()))
		}
	}
	if err != nil {
		return "", fmt.Errorf("%w; give the user who runs guided a folder of his own there", err)
	}
	return dir + " can be written to", nil
}
