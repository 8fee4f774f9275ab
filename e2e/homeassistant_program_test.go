//go:build homeassistant

package e2e

import (
	"os"
	"os/exec"
	"syscall"
	"time"
)

// program is a process of the house, ended with the test at the latest.
type program struct {
	cmd  *exec.Cmd
	gone chan struct{}
}

// environment gives whatever runs in the house its folders there.
func (h *house) environment() []string {
	return append(os.Environ(), "LANG=C.UTF-8", "HOME="+h.dir, "XDG_STATE_HOME="+h.dir+"/state", "XDG_CACHE_HOME="+h.dir+"/cache", "XDG_CONFIG_HOME="+h.dir+"/config")
}

func (h *house) run(what string, log *logBook, name string, args ...string) *program {
	h.t.Helper()
	p := &program{exec.Command(name, args...), make(chan struct{})}
	p.cmd.Env = h.environment()
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if log != nil {
		p.cmd.Stdout, p.cmd.Stderr = log, log
	}
	if err := p.cmd.Start(); err != nil {
		h.t.Fatalf("%s: %v", what, err)
	}
	go func() { p.cmd.Wait(); close(p.gone) }()
	h.t.Cleanup(p.kill)
	return p
}

// stop ends a program as an operator does.
func (p *program) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.gone:
	case <-time.After(30 * time.Second):
		p.kill()
	}
}

// kill ends a program as a power cut does.
func (p *program) kill() {
	_ = p.cmd.Process.Kill() // it may be gone already
	<-p.gone
}
