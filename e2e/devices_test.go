package e2e

import (
	"encoding/json"
	"testing"

	"guided/cli"
)

// TestDevicesAsJSON reads what scripts read; which devices there are is up to the machine.
func TestDevicesAsJSON(t *testing.T) {
	isolate(t)
	code, out, stderr := runCommand(t, "--json", "--config", settingsFile(t, "[keys]\ndevices = []\n"), "devices")
	var list struct {
		Outputs []struct{ Spec string }
		Keys    []struct {
			Path string
			Used bool
		}
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil || code != cli.Done || list.Keys == nil {
		t.Fatalf("%d, %v:\n%s%s", code, err, out, stderr)
	}
	for _, d := range list.Keys {
		if d.Used {
			t.Errorf("keys are off, and %s is used", d.Path)
		}
	}
}
