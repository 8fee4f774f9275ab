//go:build homeassistant

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"guided/player"
)

// lodger is a daemon in the house: a process of its own, with a settings file of its own. Its place gives it an
// ear.
type lodger struct {
	*place
	h       *house
	dir     string // of its routines
	process *program
	log     *logBook
	tells   string // what it may complain of in its log
}

// daemon writes settings, two routines that end late, one that ends soon, and starts the daemon.
func (h *house) daemon(node, settings string) *lodger {
	h.t.Helper()
	l := &lodger{h: h, dir: filepath.Join(h.dir, node), log: &logBook{}}
	l.place = &place{t: h.t, broker: "mqtt://127.0.0.1:" + h.port, port: h.port}
	for name, text := range map[string]string{"short": short, "long": long, "mine": strings.Replace(long, "Long", "My own evening", 1)} {
		h.write(filepath.Join(node, name+".toml"), text)
	}
	l.settle(node, settings)
	l.start()
	h.t.Cleanup(func() {
		for _, line := range mistaken.FindAllString(l.log.String(), -1) {
			if !h.outages && (l.tells == "" || !strings.Contains(line, l.tells)) {
				h.t.Errorf("the daemon complains: %s", line)
			}
		}
	})
	return l
}

// settle writes the daemon's settings.
func (l *lodger) settle(node, settings string) {
	l.config = l.h.write(filepath.Base(l.dir)+".toml", fmt.Sprintf("node = %q\n[mqtt]\nbroker = %q\n[routines]\ndir = %q\n"+
		"[audio]\noutput = \"null\"\nlead_in = \"0s\"\n[web]\nlisten = \"\"\n%s", node, l.broker, l.dir, settings))
}

func (l *lodger) start() {
	l.h.t.Helper()
	l.process = l.h.run("the daemon", l.log, os.Getenv("GUIDED_PROGRAM"), "--config", l.config, "serve")
	waitFor(l.h.t, 30*time.Second, "the daemon", func() bool { return strings.Contains(l.log.String(), "guided is ready") })
}

func (l *lodger) stop() {
	l.process.stop()
}

// guided runs one command of the program beside the daemon.
func (l *lodger) guided(args ...string) (int, string) {
	cmd := exec.Command(os.Getenv("GUIDED_PROGRAM"), append([]string{"--config", l.config}, args...)...)
	cmd.Env = l.h.environment()
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		l.h.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// does waits until the daemon itself is in a state.
func (l *lodger) does(f *follower, what string, ok func(player.State) bool) {
	l.h.t.Helper()
	waitFor(l.h.t, unhurried, "the daemon "+what, func() bool { return ok(f.last()) })
}

// mistaken are the lines in which a daemon tells its operator of something that should not be.
var mistaken = regexp.MustCompile(`(?m)^.*level=(?:WARN|ERROR).*$`)
