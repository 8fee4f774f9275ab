package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"guided/audio/audiotest"
)

// TestBrokerByANameOfAvahi has a broker that only multicast DNS knows: in a network of its own, with Avahi and libnss-mdns as
// Raspberry Pi OS has them.
func TestBrokerByANameOfAvahi(t *testing.T) {
	audiotest.RequireProgram(t, "avahi-daemon")
	program := buildProgram(t)
	m := newMachine(t, silentSettings)
	dir := t.TempDir()
	settings, err := os.ReadFile(m.config)
	if err != nil {
		t.Fatal(err)
	}
	byName := strings.ReplaceAll(string(settings), "127.0.0.1:"+m.port, "yogamat.local:"+m.port)
	if byName == string(settings) {
		t.Fatalf("the settings name no broker:\n%s", settings)
	}
	writeFile(t, filepath.Join(dir, "guided.toml"), byName)
	writeFile(t, filepath.Join(dir, "avahi.conf"), "[server]\nhost-name=yogamat\nuse-ipv6=no\nallow-interfaces=v0\n")
	writeFile(t, filepath.Join(dir, "dbus.conf"), `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/><allow user="*"/></policy></busconfig>`)
	writeFile(t, filepath.Join(dir, "resolv.conf"), "nameserver 10.99.0.1\n") // where nothing answers
	writeFile(t, filepath.Join(dir, "nsswitch.conf"), "passwd: files\nhosts: files mdns4_minimal [NOTFOUND=return] dns\n")
	writeFile(t, filepath.Join(dir, "mosquitto.conf"), fmt.Sprintf("listener %s 0.0.0.0\nallow_anonymous true\n", m.port))
	script := `set -e
ip link set lo up; ip link add v0 type veth peer name v1; ip addr add 10.99.0.1/24 dev v0; ip link set v0 up; ip link set v1 up
ip route add default dev v0
mount -t tmpfs none /run; mkdir -p /run/dbus /run/avahi-daemon
mount --bind resolv.conf "$(readlink -f /etc/resolv.conf)"; mount --bind nsswitch.conf /etc/nsswitch.conf
mosquitto -c mosquitto.conf &
dbus-daemon --config-file=dbus.conf --nofork --nopidfile &
until [ -S /run/dbus/system_bus_socket ]; do sleep 0.05; done
avahi-daemon --no-drop-root --no-chroot --no-rlimits -f avahi.conf &
until getent ahosts yogamat.local >/dev/null; do sleep 0.05; done
"$0" --config guided.toml serve >guided.log 2>&1 &
until grep "broker connected" guided.log; do sleep 0.05; done
`
	// Not of a user of its own, whom Avahi does not start for. What the shell has started ends with it.
	enter := []string{"--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-c"}
	if out, err := exec.Command("unshare", append(enter, "ip link set lo up")...).CombinedOutput(); err != nil {
		t.Skipf("no network of its own can be made here: %s", out)
	}
	cmd := exec.CommandContext(t.Context(), "timeout", append([]string{"30", "unshare"}, append(enter, script, program)...)...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if !strings.Contains(string(out), "broker connected") {
		log, _ := os.ReadFile(filepath.Join(dir, "guided.log"))
		t.Errorf("%v:\n%s%s", err, out, log)
	}
}
