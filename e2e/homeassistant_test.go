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

// house is a real Home Assistant and a real mosquitto of one test's own, on loopback. Daemons move in with it.
type house struct {
	t       *testing.T
	dir     string
	port    string // the broker's
	web     string // Home Assistant's, on loopback
	token   string
	broker  *program
	hass    *program
	log     *logBook // all that Home Assistant says, over its restarts
	outages bool     // the test took the broker away: Home Assistant may say so
}

// newHouse starts both, and lets Home Assistant know its owner and the broker. Houses of other tests stand beside it.
func newHouse(t *testing.T) *house {
	t.Helper()
	t.Parallel()
	need(t, "mosquitto")
	if os.Getenv("GUIDED_HOME_ASSISTANT") == "" {
		t.Fatal("there is no Home Assistant; run ./test-home-assistant")
	}
	h := &house{t: t, dir: t.TempDir(), port: freePort(t), web: freePort(t), log: &logBook{}}
	h.furnish()
	h.startBroker()
	h.startHass()
	ear := h.hear("homeassistant/status")
	h.moveIn()
	waitFor(t, unhurried, "Home Assistant to listen to its broker", func() bool { return ear.heard("status", "online") > 0 })
	t.Cleanup(h.hearComplaints)
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
func (h *house) startBroker() {
	h.t.Helper()
	text := fmt.Sprintf("listener %s 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location %s/\nuser root\n", h.port, h.dir)
	h.broker = h.run("mosquitto", nil, "mosquitto", "-c", h.write("mosquitto.conf", text))
	waitFor(h.t, 10*time.Second, "mosquitto to listen", func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+h.port)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

func (h *house) stopBroker() {
	h.outages = true
	h.broker.stop()
}

func (h *house) wipeBroker() {
	if err := os.Remove(filepath.Join(h.dir, "mosquitto.db")); err != nil {
		h.t.Fatal(err)
	}
}

// furnish writes what Home Assistant reads before its first start: a town, one port, and that the onboarding is over but
// for the owner, else it would set up integrations that ask the internet.
func (h *house) furnish() {
	h.write("hass/configuration.yaml", `
homeassistant: {name: Here, latitude: 52.5, longitude: 13.4, time_zone: Europe/Berlin, country: DE, packages: !include_dir_named packages}
config:
conversation:
history:
logbook:
`)
	if err := os.MkdirAll(filepath.Join(h.dir, "hass", "packages"), 0o755); err != nil {
		h.t.Fatal(err)
	}
	h.write("hass/.storage/onboarding", `{"version": 4, "key": "onboarding", "data": {"done": ["core_config", "analytics", "integration"]}}`)
	h.write("hass/.storage/http", `{"version": 1, "key": "http", "data": {"server_host": ["127.0.0.1"], "server_port": `+h.web+`}}`)
}

// write makes a file of the house.
func (h *house) write(name, text string) string {
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

// inside runs a program in the folder of Home Assistant's Debian; its mounts end with it.
const inside = `mkdir -p "$1/srv/config"
mount --rbind /proc "$1/proc"
mount --rbind /dev "$1/dev"
mount --bind "$2" "$1/srv/config"
exec chroot "$1" /srv/venv/bin/hass --config /srv/config --skip-pip --ignore-os-check --log-no-color`

func (h *house) startHass() {
	h.t.Helper()
	h.hass = h.run("Home Assistant", h.log, "unshare", "--mount", "sh", "-ec", inside, "sh", os.Getenv("GUIDED_HOME_ASSISTANT"), filepath.Join(h.dir, "hass"))
	waitFor(h.t, 60*time.Second, "Home Assistant to be up", h.up)
}

// complaint is a line of Home Assistant's log at WARNING or above, and who says it.
var complaint = regexp.MustCompile(`^\d{4}-\d\d-\d\d \S+ (?:WARNING|ERROR|CRITICAL) \(.*?\) \[([^]]+)\] (.*)`)

// itsOwn are complaints of a Home Assistant in a bare Debian that has never heard of guided, by who says them.
var itsOwn = regexp.MustCompile(`^(homeassistant\.bootstrap|homeassistant\.setup|aiohttp_fast_zlib|haffmpeg\..*|homeassistant\.components\.camera\.img_util)$`)

// outage is how Home Assistant tells that its broker went or does not come.
var outage = regexp.MustCompile(`^(Disconnected from MQTT server|Failed to connect to MQTT server|Error returned from MQTT server|failed to receive on socket)`)

// hearComplaints fails the test for whatever Home Assistant had to complain about while it ran, whoever is to blame.
func (h *house) hearComplaints() {
	h.t.Helper()
	lines := strings.Split(h.log.String(), "\n")
	for i, line := range lines {
		said := complaint.FindStringSubmatch(line)
		if said == nil || itsOwn.MatchString(said[1]) || h.outages && outage.MatchString(said[2]) {
			continue
		}
		until := i + 1
		for until < len(lines) && until < i+20 && !strings.HasPrefix(lines[until], "20") { // a traceback
			until++
		}
		h.t.Errorf("Home Assistant complains:\n%s", strings.Join(lines[i:until], "\n"))
	}
}

// ours lists what Home Assistant shows of a daemon, for a failed test.
func ours(all map[string]entity) string {
	var lines []string
	for id, e := range all {
		if strings.Contains(id, ".guided") || strings.Contains(id, ".mat") || strings.Contains(id, ".rug") {
			lines = append(lines, id+" = "+e.State)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

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
