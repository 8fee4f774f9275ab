package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/google/renameio/v2"

	"guided/audio"
	"guided/mqtt"
	"guided/player"
	"guided/routines"
)

type serveCommand struct{}

// Run starts everything and waits for the end. It is ready when the settings are right: a broker or a sound device may
// come later.
func (serveCommand) Run(p *process) error {
	log := p.logger(slog.LevelInfo)
	c, err := p.settings()
	if err != nil {
		return err
	}
	out, err := audio.Open(c.Audio.Output, routines.Samples(c.Audio.LeadIn.Duration), log)
	if err != nil {
		return fmt.Errorf("audio.output: %w", err)
	}
	return serve(p.ctx, c, out, log, func(*player.Player) {
		log.Info("guided is ready", "version", version(), "node", c.Node, "broker", c.MQTT.Broker, "output", c.Audio.Output)
		if _, err := daemon.SdNotify(false, daemon.SdNotifyReady); err != nil {
			log.Warn("systemd could not be told that guided is ready", "err", err)
		}
	})
}

// serve runs the daemon until ctx ends; ready is called when it takes commands.
func serve(ctx context.Context, c config, out audio.Output, log *slog.Logger, ready func(*player.Player)) error {
	id, err := identity()
	if err != nil {
		log.Warn("no identity could be stored; the client id is made of the node's name", "err", err)
	}
	c.MQTT.ID = id
	if c.MQTT.Broker == "" {
		broker, err := mqtt.Embedded(mqtt.DefaultAddress, log)
		if err != nil {
			return err
		}
		defer broker.Close()
		c.MQTT.Broker = broker.Address()
	}
	play, err := newPlayer(c, out, []string{c.Audio.Output}, log)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// The remotes go after the player, so that what it tells at its end is still heard.
	remotes, leave := context.WithCancel(context.WithoutCancel(ctx))
	defer leave()
	var parts sync.WaitGroup
	parts.Go(func() {
		defer leave()
		play.Run(ctx)
	})
	parts.Go(func() { watchRoutines(ctx, c.Routines.Dir, play.Rescan, log) })
	var remote error
	parts.Go(func() {
		defer cancel()
		order := func(payload []byte, _ time.Time) player.Response { return play.Order(payload) }
		remote = mqtt.Run(remotes, c.MQTT.Config, order, play.Watch(remotes), log)
	})
	ready(play)
	parts.Wait()
	return remote
}

// identity is a random name, made once and kept, that no other guided has.
func identity() (string, error) {
	file := filepath.Join(stateFolder(), "id")
	data, err := os.ReadFile(file)
	if id := strings.TrimSpace(string(data)); err == nil && len(id) == 16 {
		return id, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("reading the identity: %w", err)
	}
	raw := make([]byte, 8)
	rand.Read(raw)
	id := hex.EncodeToString(raw)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return "", fmt.Errorf("keeping the identity: %w", err)
	}
	if err := renameio.WriteFile(file, []byte(id+"\n"), 0o644); err != nil {
		return "", fmt.Errorf("keeping the identity: %w", err)
	}
	return id, nil
}
