// Command guided plays voice-guided routines: narrated cues, breathing counts, holds, sides and reps, started over MQTT
// and followed with closed eyes.
//
// The packages, in the direction of the sound: routines compiles a routine to a score, audio renders it and opens
// outputs, player holds the position. mqtt, web and satellite are the remotes; homeassistant makes what Home Assistant
// reads; config reads the settings; cli holds the commands and connects everything. Begin at [cli.Run].
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	"guided/cli"
)

func main() {
	log.SetOutput(io.Discard) // mewkiz/flac prints a line for each frame of some rates; guided has a logger of its own
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(cli.Run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
