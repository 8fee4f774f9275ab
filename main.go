// Command guided plays voice-guided routines: narrated cues, breathing counts, holds, sides and reps, started over MQTT
// and followed with closed eyes.
//
// The folders are, in the order the sound takes: routines, audio, player; its remotes mqtt, web and satellite, with
// homeassistant beside them; config and cli, which wire it all together.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"guided/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(cli.Run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
