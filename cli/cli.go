// Package cli is the process: one file a command, the terminal's view, and the wiring of the daemon. Begin at [Run].
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"

	"guided/config"

	"github.com/alecthomas/kong"
)

// The exit codes.
const (
	Done   = 0
	Failed = 1
	Misuse = 2
)

// commands is the program's table of contents.
type commands struct {
	Config string `help:"The settings file." placeholder:"FILE" type:"path"`
	JSON   bool   `help:"Print JSON." name:"json"`

	Serve   serveCommand   `cmd:"" help:"Run the daemon: wait for commands over MQTT, and play."`
	Play    playCommand    `cmd:"" help:"Play a routine here and now."`
	Render  renderCommand  `cmd:"" help:"Write a routine as a WAV file."`
	List    listCommand    `cmd:"" help:"List the routines."`
	Show    showCommand    `cmd:"" help:"Show a routine's timeline."`
	Check   checkCommand   `cmd:"" help:"Tell every problem of routine files, or of the whole library."`
	Devices devicesCommand `cmd:"" help:"List what sound could come out of."`
	Doctor  doctorCommand  `cmd:"" help:"Look for everything that can be wrong on this machine."`
	Prove   proveCommand   `cmd:"" help:"Play a routine, record what comes out, and measure it."`
	Send    sendCommand    `cmd:"" help:"Send a command to the daemon over MQTT, such as: send start 4-4-6 for 5m"`
	HA      haCommand      `cmd:"" name:"ha" help:"What Home Assistant needs beside the daemon."`
	Demo    demoCommand    `cmd:"" help:"Breathe for a minute: the daemon, a broker and a routine, on this machine alone."`
	Voices  voicesCommand  `cmd:"" help:"List the voices, or build one."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// process is what a command may use of the world around it.
type process struct {
	ctx            context.Context
	stdout, stderr io.Writer
	config         string
	json           bool
}

// Run is the whole program but for the exit.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c commands
	left := false
	parser, err := kong.New(&c, kong.Name("guided"), kong.Description("Voice-guided routines."), kong.UsageOnError(),
		kong.Writers(stdout, stderr), kong.Exit(func(int) { left = true }))
	if err != nil {
		fmt.Fprintln(stderr, "guided:", err)
		return Failed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if left {
		return Done
	}
	if err != nil {
		fmt.Fprintf(stderr, "guided: %v\nguided: run `guided --help` for the commands\n", err)
		return Misuse
	}
	if err := command.Run(&process{ctx, stdout, stderr, c.Config, c.JSON}); err != nil {
		if !errors.Is(err, errReported) {
			fmt.Fprintf(stderr, "guided: %v\n", err)
		}
		return Failed
	}
	return Done
}

// errReported is the error of a command that has already said what is wrong.
var errReported = errors.New("told")

// settings loads the settings.
func (p *process) settings() (config.Config, error) { return config.Load(p.config) }

// logger writes what an operator should know; systemd's journal has times of its own.
func (p *process) logger(level slog.Level) *slog.Logger {
	drop := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey && os.Getenv("JOURNAL_STREAM") != "" {
			return slog.Attr{}
		}
		return a
	}
	return slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: level, ReplaceAttr: drop}))
}

// stamp is set at link time where a release is made.
var stamp string

// version is the stamp, or what Go knows of the checkout.
func version() string {
	if stamp != "" {
		return stamp
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "unknown"
	}
	return info.Main.Version
}

type versionCommand struct{}

func (versionCommand) Run(p *process) error {
	_, err := fmt.Fprintln(p.stdout, "guided", version())
	return err
}
