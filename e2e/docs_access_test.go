package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"guided/cli"
)

// TestDocsAccessList runs a daemon on a broker that allows what docs/mqtt.md says it must, and nothing else.
func TestDocsAccessList(t *testing.T) {
	requireProgram(t, "mosquitto_passwd")
	page, err := os.ReadFile("../docs/mqtt.md")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile("(?ms)^```\n(user guided\n.*?)^```$").FindSubmatch(page)
	if list == nil {
		t.Fatal("the page has no access list")
	}
	m := newMachine(t, silentSettings+`
[[schedule]]
name    = "Lunch"
routine = "4-4-6"
at      = "12:00"
when    = { topic = "home/anna", is = "home" }
`)
	text, err := os.ReadFile(m.config)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, m.config, strings.Replace(string(text), "[mqtt]\n", "[mqtt]\nuser = \"guided\"\npassword = \"secret\"\n", 1))
	m.stopBroker()
	dir := t.TempDir()
	acl, users, conf := filepath.Join(dir, "acl"), filepath.Join(dir, "users"), filepath.Join(dir, "conf")
	writeFile(t, acl, string(list[1])+"\nuser home\ntopic readwrite #\n")
	for i, user := range []string{"guided", "home"} {
		args := []string{"-b", users, user, "secret"}
		if i == 0 {
			args = append([]string{"-c"}, args...)
		}
		if out, err := exec.Command("mosquitto_passwd", args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	writeFile(t, conf, fmt.Sprintf("listener %s 127.0.0.1\nuser root\npersistence false\npassword_file %s\nacl_file %s\n", m.port, users, acl))
	broker := exec.Command("mosquitto", "-c", conf)
	startProcess(t, broker)
	waitForListener(t, "mosquitto", "tcp", "127.0.0.1:"+m.port)
	publish := exec.Command("mosquitto_pub", "-p", m.port, "-u", "home", "-P", "secret", "-r", "-t", "home/anna", "-m", "work")
	if out, err := publish.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	log := m.startDaemon()
	waitFor(t, "the daemon", func() bool { code, _ := m.run("send", "status"); return code == cli.Done })
	waitFor(t, "the checks of what the broker keeps to be good", func() bool {
		_, out := m.run("doctor")
		return regexp.MustCompile(`(?m)^good +daemon `).MatchString(out)
	})
	// As the daemon does: mosquitto accepts every subscription, and passes on what the list allows.
	value, err := exec.Command("mosquitto_sub", "-p", m.port, "-u", "guided", "-P", "secret", "-C", "1", "-W", "10", "-t", "home/anna").Output()
	if err != nil || string(value) != "work\n" {
		t.Errorf("the value of the condition does not come: %v, %q", err, value)
	}
	if said := log.String(); strings.Contains(said, "acl_file") {
		t.Error(said)
	}
}
