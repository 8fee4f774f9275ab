//go:build homeassistant

package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"guided/player"
)

// homeAssistant is a real Home Assistant and a real mosquitto of one test's own, on loopback. Daemons move in with it.
type homeAssistant struct {
	t             *testing.T
	dir           string
	brokerPort    string // the broker's
	webPort       string // Home Assistant's, on loopback
	token         string
	broker        *childProcess
	core          *childProcess
	log           *syncBuffer // all that Home Assistant says, over its restarts
	brokerStopped bool        // the test took the broker away: Home Assistant may say so
}

// newHomeAssistant starts both, and lets Home Assistant know its owner and the broker. Houses of other tests stand beside it.
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
	ear := h.subscribe("homeassistant/status")
	h.onboard()
	waitFor(t, unhurried, "Home Assistant to listen to its broker", func() bool { return ear.count("status", "online") > 0 })
	t.Cleanup(h.checkLog)
	return h
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// startBroker keeps what is retained over a restart; wipeBroker forgets it.
func (h *homeAssistant) startBroker() {
	h.t.Helper()
	text := fmt.Sprintf("listener %s 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location %s/\nuser root\n", h.brokerPort, h.dir)
	h.broker = h.startProcess("mosquitto", nil, "mosquitto", "-c", h.writeFile("mosquitto.conf", text))
	waitFor(h.t, 10*time.Second, "mosquitto to listen", func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+h.brokerPort)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
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

// writeConfiguration writes what Home Assistant reads before its first start: a town, one port, and that the onboarding is over but
// for the owner, else it would set up integrations that ask the internet.
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

// writeFile makes a file of the house.
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

// chrootScript runs a program in the folder of Home Assistant's Debian; its mounts end with it.
const chrootScript = `mkdir -p "$1/srv/config"
mount --rbind /proc "$1/proc"
mount --rbind /dev "$1/dev"
mount --bind "$2" "$1/srv/config"
exec chroot "$1" /srv/venv/bin/hass --config /srv/config --skip-pip --ignore-os-check --log-no-color`

func (h *homeAssistant) startCore() {
	h.t.Helper()
	h.core = h.startProcess("Home Assistant", h.log, "unshare", "--mount", "sh", "-ec", chrootScript, "sh", os.Getenv("GUIDED_HOME_ASSISTANT"), filepath.Join(h.dir, "hass"))
	waitFor(h.t, 60*time.Second, "Home Assistant to be up", h.isRunning)
}

// problemLine is a line of Home Assistant's log at WARNING or above, and who says it.
var problemLine = regexp.MustCompile(`^\d{4}-\d\d-\d\d \S+ (?:WARNING|ERROR|CRITICAL) \(.*?\) \[([^]]+)\] (.*)`)

// unrelatedLoggers are complaints of a Home Assistant in a bare Debian that has never heard of guided, by who says them.
var unrelatedLoggers = regexp.MustCompile(`^(homeassistant\.bootstrap|homeassistant\.setup|aiohttp_fast_zlib|haffmpeg\..*|homeassistant\.components\.camera\.img_util)$`)

// brokerOutage is how Home Assistant tells that its broker went or does not come.
var brokerOutage = regexp.MustCompile(`^(Disconnected from MQTT server|Failed to connect to MQTT server|Error returned from MQTT server|failed to receive on socket)`)

// checkLog fails the test for whatever Home Assistant had to complain about while it ran, whoever is to blame.
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
		h.t.Errorf("Home Assistant complains:\n%s", strings.Join(lines[i:until], "\n"))
	}
}

// guidedStates lists what Home Assistant shows of a daemon, for a failed test.
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

// childProcess is a process of the house, ended with the test at the latest.
type childProcess struct {
	cmd    *exec.Cmd
	exited chan struct{}
}

// environment gives whatever runs in the house its folders there.
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

// stop ends a program as an operator does.
func (p *childProcess) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(30 * time.Second):
		p.kill()
	}
}

// kill ends a program as a power cut does.
func (p *childProcess) kill() {
	_ = p.cmd.Process.Kill() // it may be gone already
	<-p.exited
}

// daemonProcess is a daemon in the house: a process of its own, with a settings file of its own. Its place gives it an
// ear.
type daemonProcess struct {
	*machine
	ha             *homeAssistant
	routinesDir    string // of its routines
	process        *childProcess
	log            *syncBuffer
	allowedWarning string // what it may complain of in its log
}

// startDaemon writes settings, two routines that end late, one that ends soon, and starts the daemon.
func (h *homeAssistant) startDaemon(node, settings string) *daemonProcess {
	h.t.Helper()
	l := &daemonProcess{ha: h, routinesDir: filepath.Join(h.dir, node), log: &syncBuffer{}}
	l.machine = &machine{t: h.t, broker: "mqtt://127.0.0.1:" + h.brokerPort, port: h.brokerPort}
	for name, text := range map[string]string{"short": shortRoutine, "long": longRoutine, "mine": strings.Replace(longRoutine, "Long", "My own evening", 1)} {
		h.writeFile(filepath.Join(node, name+".toml"), text)
	}
	l.writeSettings(node, settings)
	l.start()
	h.t.Cleanup(func() {
		for _, line := range warningLine.FindAllString(l.log.String(), -1) {
			if !h.brokerStopped && (l.allowedWarning == "" || !strings.Contains(line, l.allowedWarning)) {
				h.t.Errorf("the daemon complains: %s", line)
			}
		}
	})
	return l
}

// writeSettings writes the daemon's settings.
func (l *daemonProcess) writeSettings(node, settings string) {
	l.config = l.ha.writeFile(filepath.Base(l.routinesDir)+".toml", fmt.Sprintf("node = %q\n[mqtt]\nbroker = %q\n[routines]\ndir = %q\n"+
		"[audio]\noutput = \"null\"\nlead_in = \"0s\"\n[web]\nlisten = \"\"\n%s", node, l.broker, l.routinesDir, settings))
}

func (l *daemonProcess) start() {
	l.ha.t.Helper()
	l.process = l.ha.startProcess("the daemon", l.log, os.Getenv("GUIDED_PROGRAM"), "--config", l.config, "serve")
	waitFor(l.ha.t, 30*time.Second, "the daemon", func() bool { return strings.Contains(l.log.String(), "guided is ready") })
}

func (l *daemonProcess) stop() {
	l.process.stop()
}

// run runs one command of the program beside the daemon.
func (l *daemonProcess) run(args ...string) (int, string) {
	cmd := exec.Command(os.Getenv("GUIDED_PROGRAM"), append([]string{"--config", l.config}, args...)...)
	cmd.Env = l.ha.environment()
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		l.ha.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// waitForState waits until the daemon itself is in a state.
func (l *daemonProcess) waitForState(f *observer, what string, ok func(player.State) bool) {
	l.ha.t.Helper()
	waitFor(l.ha.t, unhurried, "the daemon "+what, func() bool { return ok(f.lastState()) })
}

// warningLine are the lines in which a daemon tells its operator of something that should not be.
var warningLine = regexp.MustCompile(`(?m)^.*level=(?:WARN|ERROR).*$`)
