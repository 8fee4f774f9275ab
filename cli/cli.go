// Package cli is the command line: a file for each command, the view of a session in a terminal (view.go), and the
// construction of library, bank, outputs and player from the settings (wiring.go). The only other packages that know the
// settings file are below it; every other package receives its values as arguments.
//
// Begin at [Main] and [Run], which parses the arguments and calls the Run method of one command. [serveCommand.Run] starts the
// daemon.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"guided/config"

	"github.com/alecthomas/kong"
)

// Exit codes.
const (
	Done   = 0
	Failed = 1
	Misuse = 2
)

// commands are the flags and commands, as kong parses them.
type commands struct {
	Config string `help:"The settings file." placeholder:"FILE" type:"path"`
	JSON   bool   `help:"Print JSON." name:"json"`

	ShowVersion versionFlag `help:"Print the version." name:"version"`

	Serve    serveCommand    `cmd:"" help:"Run the daemon: wait for commands over MQTT, and play."`
	Play     playCommand     `cmd:"" help:"Play a routine here and now."`
	Render   renderCommand   `cmd:"" help:"Write a routine as a WAV file."`
	List     listCommand     `cmd:"" help:"List the routines."`
	Show     showCommand     `cmd:"" help:"Show a routine's timeline."`
	Check    checkCommand    `cmd:"" help:"Tell every problem of routine files, or of the whole library."`
	Devices  devicesCommand  `cmd:"" help:"List what sound could come out of, and the remotes and keyboards."`
	Doctor   doctorCommand   `cmd:"" help:"Look for everything that can be wrong on this machine."`
	Prove    proveCommand    `cmd:"" help:"Play a routine, record what comes out, and measure it."`
	Send     sendCommand     `cmd:"" help:"Send a command to the daemon over MQTT, such as: send start 4-4-6 for 5m"`
	Status   statusCommand   `cmd:"" help:"Tell what the daemon does, and the last commands that it was given."`
	Schedule scheduleCommand `cmd:"" help:"Show what starts by itself in the coming week, and what will not, and why."`
	HA       haCommand       `cmd:"" name:"ha" help:"What Home Assistant needs beside the daemon."`
	Demo     demoCommand     `cmd:"" help:"Breathe for a minute: the daemon, a broker and a routine, on this machine alone."`
	History  historyCommand  `cmd:"" help:"Show what was done: minutes a day, days without a gap, the last sessions."`
	Voices   voicesCommand   `cmd:"" help:"List the voices, or build one."`
	Version  versionCommand  `cmd:"" help:"Print the version, with the commit it was made from and its date."`

	Completion completionCommand `cmd:"" help:"Print what lets a shell complete the words of guided: bash, zsh or fish."`
	Complete   completeCommand   `cmd:"" hidden:"" help:"Print what the last of some words could be, for a shell."`
	Man        manCommand        `cmd:"" hidden:"" help:"Print the page of the manual: guided(1), or guided.toml(5)."`
}

// process is what a command receives from its caller: the context, the output streams and the global flags.
type process struct {
	ctx            context.Context
	stdout, stderr io.Writer
	config         string
	json           bool
	hangup         <-chan os.Signal // SIGHUP; nil: it ends the process
}

// Run executes one command line and returns its exit code. A cancelled ctx ends the command as an interrupt does.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return run(ctx, args, stdout, stderr, nil, nil)
}

// run is Run with the hangups that the process receives: a daemon reads its settings again then, and for every other command end
// is called.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, hangup <-chan os.Signal, end func()) int {
	var c commands
	exited := false // kong has printed the help
	parser, err := kong.New(&c, kong.Name("guided"), kong.Description("Voice-guided routines."), kong.UsageOnError(),
		kong.Writers(stdout, stderr), kong.Exit(func(int) { exited = true }))
	if err != nil {
		fmt.Fprintln(stderr, "guided:", err)
		return Failed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if exited {
		return Done
	}
	if err != nil {
		fmt.Fprintf(stderr, "guided: %v\nguided: run `guided --help` for the commands\n", err)
		return Misuse
	}
	if command.Command() != "serve" && hangup != nil {
		running, stop := context.WithCancel(ctx)
		defer stop()
		go func() {
			select {
			case <-hangup:
				end()
			case <-running.Done():
			}
		}()
	}
	if err := command.Run(&process{ctx, stdout, stderr, c.Config, c.JSON, hangup}); err != nil {
		switch {
		case errors.Is(err, errReported):
		case ctx.Err() != nil && errors.Is(err, context.Canceled):
			fmt.Fprintln(stderr, "guided: interrupted")
		default:
			fmt.Fprintf(stderr, "guided: %v\n", err)
		}
		return Failed
	}
	return Done
}

// errReported is returned by a command that has already printed what is wrong.
var errReported = errors.New("already reported")

// settings loads the settings from the file of --config, or from a standard one.
func (p *process) settings() (config.Config, error) { return config.Load(p.config) }

// logger logs to stderr. Under systemd it leaves out the time, which the journal adds itself.
func (p *process) logger(level slog.Leveler) *slog.Logger {
	drop := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey && os.Getenv("JOURNAL_STREAM") != "" {
			return slog.Attr{}
		}
		return a
	}
	return slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: level, ReplaceAttr: drop}))
}
