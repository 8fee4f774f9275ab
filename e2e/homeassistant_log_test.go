//go:build homeassistant

package e2e

import (
	"regexp"
	"slices"
	"strings"
)

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
