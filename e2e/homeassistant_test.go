//go:build homeassistant

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"guided/player"
)

// homeAssistant is a real Home Assistant core and a real mosquitto for one test, on free ports of loopback.
type homeAssistant struct {
	t             *testing.T
	dir           string
	brokerPort    string // of mosquitto
	webPort       string // of Home Assistant
	token         string
	broker        *childProcess
	core          *childProcess
	log           *syncBuffer // of Home Assistant, over its restarts
	brokerStopped bool        // the test stopped the broker: Home Assistant may log so
}

// newHomeAssistant starts both, makes an owner, and sets up the MQTT integration. Tests with one run in parallel.
func newHomeAssistant(t *testing.T) *homeAssistant {
	t.Helper()
	t.Parallel()
	requireProgram(t, "mosquitto")
	if os.Getenv("GUIDED_HOME_ASSISTANT") == "" {
		t.Fatal("there is no Home Assistant; run ./test-home-assistant")
	}
	h := &homeAssistant{t: t, dir: t.TempDir(), brokerPort: freePort(t), webPort: freePort(t), log: &syncBuffer{}}
	h.writeConfiguration()
	h.startBroker()
	h.startCore()
	messages := h.subscribe("homeassistant/status")
	h.onboard()
	waitFor(t, "Home Assistant to listen to its broker", func() bool { return messages.count("status", "online") > 0 })
	t.Cleanup(h.checkLog)
	return h
}

// startBroker starts mosquitto. It keeps its retained messages over a restart, unless wipeBroker removes them.
func (h *homeAssistant) startBroker() {
	h.t.Helper()
	text := fmt.Sprintf("listener %s 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location %s/\nuser root\n", h.brokerPort, h.dir)
	h.broker = h.startProcess("mosquitto", nil, "mosquitto", "-c", h.writeFile("mosquitto.conf", text))
	waitForListener(h.t, "mosquitto", "tcp", "127.0.0.1:"+h.brokerPort)
}

func (h *homeAssistant) stopBroker() {
	h.brokerStopped = true
	h.broker.stop()
}

func (h *homeAssistant) wipeBroker() {
	if err := os.Remove(filepath.Join(h.dir, "mosquitto.db")); err != nil {
		h.t.Fatal(err)
	}
}

// writeConfiguration writes the configuration of the first start: a location, the port, and an onboarding that lacks only
// the owner. A complete onboarding would set up integrations that use the internet.
func (h *homeAssistant) writeConfiguration() {
	h.writeFile("hass/configuration.yaml", `
homeassistant: {name: Here, latitude: 52.5, longitude: 13.4, time_zone: Europe/Berlin, country: DE, packages: !include_dir_named packages}
config:
conversation:
history:
logbook:
`)
	if err := os.MkdirAll(filepath.Join(h.dir, "hass", "packages"), 0o755); err != nil {
		h.t.Fatal(err)
	}
	h.writeFile("hass/.storage/onboarding", `{"version": 4, "key": "onboarding", "data": {"done": ["core_config", "analytics", "integration"]}}`)
	h.writeFile("hass/.storage/http", `{"version": 1, "key": "http", "data": {"server_host": ["127.0.0.1"], "server_port": `+h.webPort+`}}`)
}

// writeFile writes a file below the test's folder and returns its path.
func (h *homeAssistant) writeFile(name, text string) string {
	h.t.Helper()
	file := filepath.Join(h.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
	return file
}

// chrootScript runs Home Assistant in the root file system of test-home-assistant. The mounts end with the process.
const chrootScript = `mkdir -p "$1/srv/config"
mount --rbind /proc "$1/proc"
mount --rbind /dev "$1/dev"
mount --bind "$2" "$1/srv/config"
exec chroot "$1" /srv/venv/bin/hass --config /srv/config --skip-pip --ignore-os-check --log-no-color`

func (h *homeAssistant) startCore() {
	h.t.Helper()
	h.core = h.startProcess("Home Assistant", h.log, "unshare", "--mount", "sh", "-ec", chrootScript, "sh", os.Getenv("GUIDED_HOME_ASSISTANT"), filepath.Join(h.dir, "hass"))
	waitFor(h.t, "Home Assistant to be up", h.isRunning)
}

// problemLine matches a line of Home Assistant's log at WARNING or above: the logger and the message.
var problemLine = regexp.MustCompile(`^\d{4}-\d\d-\d\d \S+ (?:WARNING|ERROR|CRITICAL) \(.*?\) \[([^]]+)\] (.*)`)

// unrelatedLoggers are the loggers that warn in a bare Debian without guided too.
var unrelatedLoggers = regexp.MustCompile(`^(homeassistant\.bootstrap|homeassistant\.setup|aiohttp_fast_zlib|haffmpeg\..*|homeassistant\.components\.camera\.img_util)$`)

// brokerOutage matches Home Assistant's messages about a broker that is down.
var brokerOutage = regexp.MustCompile(`^(Disconnected from MQTT server|Failed to connect to MQTT server|Error returned from MQTT server|failed to receive on socket)`)

// checkLog fails the test for every warning or error in Home Assistant's log.
func (h *homeAssistant) checkLog() {
	h.t.Helper()
	lines := strings.Split(h.log.String(), "\n")
	for i, line := range lines {
		said := problemLine.FindStringSubmatch(line)
		if said == nil || unrelatedLoggers.MatchString(said[1]) || h.brokerStopped && brokerOutage.MatchString(said[2]) {
			continue
		}
		until := i + 1
		for until < len(lines) && until < i+20 && !strings.HasPrefix(lines[until], "20") { // a traceback
			until++
		}
		text := strings.Join(lines[i:until], "\n")
		if h.brokerStopped && strings.Contains(text, "Error talking to MQTT: The client is not currently connected") { // it publishes its birth
			continue
		}
		h.t.Errorf("Home Assistant logs:\n%s", text)
	}
}

// guidedStates lists the states of the daemons' entities, a line each.
func guidedStates(all map[string]entity) string {
	var lines []string
	for id, e := range all {
		if strings.Contains(id, ".guided") || strings.Contains(id, ".mat") || strings.Contains(id, ".rug") {
			lines = append(lines, id+" = "+e.State)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// childProcess is a process that ends with the test at the latest.
type childProcess struct {
	cmd    *exec.Cmd
	exited chan struct{}
}

// environment places the home, state, cache and configuration folders of a process into the test's folder.
func (h *homeAssistant) environment() []string {
	return append(os.Environ(), "LANG=C.UTF-8", "HOME="+h.dir, "XDG_STATE_HOME="+h.dir+"/state", "XDG_CACHE_HOME="+h.dir+"/cache", "XDG_CONFIG_HOME="+h.dir+"/config")
}

func (h *homeAssistant) startProcess(what string, log *syncBuffer, name string, args ...string) *childProcess {
	h.t.Helper()
	p := &childProcess{exec.Command(name, args...), make(chan struct{})}
	p.cmd.Env = h.environment()
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if log != nil {
		p.cmd.Stdout, p.cmd.Stderr = log, log
	}
	if err := p.cmd.Start(); err != nil {
		h.t.Fatalf("%s: %v", what, err)
	}
	go func() { p.cmd.Wait(); close(p.exited) }()
	h.t.Cleanup(p.kill)
	return p
}

// stop ends the process with SIGTERM, as an operator does.
func (p *childProcess) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(30 * time.Second):
		p.kill()
	}
}

// kill ends the process with SIGKILL, as a power cut does.
func (p *childProcess) kill() {
	_ = p.cmd.Process.Kill() // it may have ended already
	<-p.exited
}

// daemonProcess is a daemon in a process of its own, on the broker of a Home Assistant. Its machine holds the settings file.
type daemonProcess struct {
	*machine
	ha             *homeAssistant
	routinesDir    string
	process        *childProcess
	log            *syncBuffer
	allowedWarning string // a warning that the test expects in its log
}

// startDaemon writes settings and three routines, two of 20 minutes and a short one, and starts the daemon.
func (h *homeAssistant) startDaemon(node, settings string) *daemonProcess {
	h.t.Helper()
	d := &daemonProcess{ha: h, routinesDir: filepath.Join(h.dir, node), log: &syncBuffer{}}
	d.machine = &machine{t: h.t, broker: "mqtt://127.0.0.1:" + h.brokerPort, port: h.brokerPort}
	for name, text := range map[string]string{"short": shortRoutine, "long": longRoutine, "mine": strings.Replace(longRoutine, "Long", "My own evening", 1)} {
		h.writeFile(filepath.Join(node, name+".toml"), text)
	}
	d.writeSettings(node, settings)
	d.start()
	h.t.Cleanup(func() {
		for _, line := range warningLine.FindAllString(d.log.String(), -1) {
			if strings.Contains(line, "keep the clock right") || strings.Contains(line, "until the clock is trusted") {
				continue // true of the machine that runs the test
			}
			if !h.brokerStopped && (d.allowedWarning == "" || !strings.Contains(line, d.allowedWarning)) {
				h.t.Errorf("the daemon logs: %s", line)
			}
		}
	})
	return d
}

// writeSettings writes the daemon's settings.
func (d *daemonProcess) writeSettings(node, settings string) {
	d.config = d.ha.writeFile(filepath.Base(d.routinesDir)+".toml", fmt.Sprintf("node = %q\n[mqtt]\nbroker = %q\n[routines]\ndir = %q\n"+
		"[audio]\noutput = \"null\"\nlead_in = \"0s\"\n[web]\nlisten = \"\"\n%s", node, d.broker, d.routinesDir, settings))
}

func (d *daemonProcess) start() {
	d.ha.t.Helper()
	d.process = d.ha.startProcess("the daemon", d.log, os.Getenv("GUIDED_PROGRAM"), "--config", d.config, "serve")
	waitFor(d.ha.t, "the daemon", func() bool { return strings.Contains(d.log.String(), "guided is ready") })
}

func (d *daemonProcess) stop() {
	d.process.stop()
}

// run runs one command in a process of its own, with the daemon's settings.
func (d *daemonProcess) run(args ...string) (int, string) {
	cmd := exec.Command(os.Getenv("GUIDED_PROGRAM"), append([]string{"--config", d.config}, args...)...)
	cmd.Env = d.ha.environment()
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		d.ha.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// waitForState waits until the state that the daemon publishes is as wanted.
func (d *daemonProcess) waitForState(seen *observer, what string, ok func(player.State) bool) {
	d.ha.t.Helper()
	waitFor(d.ha.t, "the daemon "+what, func() bool { return ok(seen.lastState()) })
}

// warningLine matches a line of the daemon's log at WARN or above.
var warningLine = regexp.MustCompile(`(?m)^.*level=(?:WARN|ERROR).*$`)
