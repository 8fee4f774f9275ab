package e2e

import (
	"fmt"
	"guided/cli"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The README's calls of the API are carried out as they stand, but for the port.
func TestTheCallsOfTheReadme(t *testing.T) {
	curl := need(t, "curl")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	p := newPlace(t, "[audio]\noutput = \"null\"\n")
	text, err := os.ReadFile(p.config)
	if err != nil {
		t.Fatal(err)
	}
	settings := strings.Replace(string(text), `listen = ""`, fmt.Sprintf("listen = %q", address), 1)
	if err := os.WriteFile(p.config, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	log := p.daemon()
	waitFor(t, 10*time.Second, "the page", func() bool { return strings.Contains(log.String(), "the web server is ready") })

	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	wants := map[string]string{
		"/api/state": `"state":"idle"`, "/api/events": "event: state", "/api/routines": `"name":"4-4-6"`,
		"/api/start": `{"status":"ok","command":"start"}`, "/healthz": "ok",
	}
	calls := regexp.MustCompile(`(?m)^    curl (.*)$`).FindAllStringSubmatch(string(page), -1)
	if len(calls) != len(wants) {
		t.Fatalf("%d calls, want %d", len(calls), len(wants))
	}
	for _, call := range calls {
		line := strings.ReplaceAll(call[1], "127.0.0.1:8099", address)
		path := line[strings.Index(line, address)+len(address):]
		t.Run(path, func(t *testing.T) {
			endless := strings.Contains(line, "-N")
			if endless {
				line = "--max-time 1 " + line
			}
			out, err := exec.Command("sh", "-c", curl+" -sS "+line).Output()
			if err != nil && !endless {
				t.Fatal(err)
			}
			if !strings.Contains(strings.ReplaceAll(string(out), " ", ""), strings.ReplaceAll(wants[path], " ", "")) {
				t.Errorf("%s\nanswers %.300s", line, out)
			}
		})
	}
	if code, out := p.guided("send", "stop"); code != cli.Done {
		t.Error(out)
	}
}
