package e2e

import (
	"context"
	"guided/cli"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const silent = "[audio]\noutput = \"null\"\nlead_in = \"0s\"\n[voice]\nengine = \"none\"\n"

// retained lists the topics on which the place's broker keeps something, by a client that is not ours.
func (p *place) retained() []string {
	p.t.Helper()
	need(p.t, "mosquitto_sub")
	out, _ := exec.Command("mosquitto_sub", "-p", p.port, "-t", "#", "--retained-only", "-F", "%t", "-W", "1").Output() // the end of its wait is an error
	return strings.Fields(string(out))
}

func TestPurge(t *testing.T) {
	p := newPlace(t, silent)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	log := &logBook{}
	ended := make(chan int, 1)
	go func() { ended <- cli.Run(ctx, []string{"--config", p.config, "serve"}, log, log) }()
	waitFor(t, 20*time.Second, "the device to be made known", func() bool {
		return strings.Contains(strings.Join(p.retained(), " "), "homeassistant/device/guided_")
	})
	t.Run("a second daemon with the same settings is sent away", func(t *testing.T) {
		code, out := p.guided("serve")
		if code != cli.Failed || !strings.Contains(out, "--config FILE") {
			t.Errorf("%d: %s", code, out)
		}
	})
	t.Run("while the daemon runs it is refused", func(t *testing.T) {
		code, out := p.guided("ha", "purge")
		if code != cli.Failed || !strings.Contains(out, "stop it first") || len(p.retained()) != 4 {
			t.Errorf("%d: %s; %v is left", code, out, p.retained())
		}
	})
	stop()
	if code := <-ended; code != cli.Done {
		t.Fatalf("%d: %s", code, log)
	}
	t.Run("then nothing is left", func(t *testing.T) {
		code, out := p.guided("ha", "purge")
		if code != cli.Done || strings.Count(out, "removed ") != 4 || !strings.Contains(out, "removed guided/mat/state\n") {
			t.Errorf("%d: %s", code, out)
		}
		if left := p.retained(); len(left) > 0 {
			t.Errorf("%v is left", left)
		}
	})
	t.Run("and there is nothing more to do", func(t *testing.T) {
		if code, out := p.guided("ha", "purge"); code != cli.Done || !strings.Contains(out, "keeps nothing of mat") {
			t.Errorf("%d: %s", code, out)
		}
	})
}
