//go:build homeassistant

package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
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
