package e2e

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestImportsRunOneWay checks the direction of imports: routines <- audio <- player <- history <- homeassistant <- mqtt, web,
// satellite, keys, schedule <- config <- cli <- main.
func TestImportsRunOneWay(t *testing.T) {
	const (
		beep  = "github.com/gopxl/beep/v2"
		mochi = "github.com/mochi-mqtt/server/v2"
	)
	may := map[string][]string{ // by package, its allowed imports from this module and of the guarded packages
		"guided/routines":        {"github.com/BurntSushi/toml"},
		"guided/audio":           {"guided/routines", beep},
		"guided/audio/audiotest": {"guided/routines", "os/exec"},
		"guided/resolve":         {"os/exec"},
		"guided/audio/voice":     {"guided/resolve", "guided/routines", "guided/audio", "os/exec"},
		"guided/audio/mix":       {"guided/routines", "guided/audio", "guided/audio/voice", beep},
		"guided/audio/output":    {"guided/resolve", "guided/routines", "guided/audio", beep, "github.com/jfreymuth/pulse/proto", "github.com/ebitengine/purego"},
		"guided/audio/prove":     {"guided/routines", "guided/audio", beep},
		"guided/player":          {"guided/routines", "guided/audio", "guided/audio/mix", beep},
		"guided/history":         {"guided/player"},
		"guided/history/place":   {"guided/player", "guided/history"},
		"guided/homeassistant":   {"guided/routines", "guided/player"},
		"guided/mqtt":            {"guided/resolve", "guided/player", "guided/history", "guided/homeassistant", "github.com/eclipse/paho.mqtt.golang", mochi, mochi + "/listeners", mochi + "/packets"},
		"guided/web":             {"guided/routines", "guided/audio", "guided/audio/mix", "guided/audio/voice", "guided/audio/output", "guided/player", "guided/history", "net/http"},
		"guided/satellite":       {"guided/resolve", "guided/player", "github.com/gorilla/websocket"},
		"guided/schedule":        {"guided/routines", "guided/player", "github.com/BurntSushi/toml"},
		"guided/keys":            {"guided/routines", "guided/player"},
		"guided/config":          {"guided/schedule", "guided/routines", "guided/audio/voice", "guided/homeassistant", "guided/keys", "guided/mqtt", "guided/web", "guided/satellite", "github.com/BurntSushi/toml"},
		"guided/cli": {
			"guided/routines", "guided/audio", "guided/audio/voice", "guided/audio/mix", "guided/audio/output", "guided/audio/prove", "guided/player",
			"guided/history", "guided/history/place", "guided/homeassistant", "guided/keys", "guided/mqtt", "guided/web", "guided/satellite", "guided/schedule", "guided/config", "os/exec",
		},
		"guided/e2e": {},
		"guided":     {"guided/cli"},
	}
	guarded := map[string]bool{
		"github.com/gopxl/beep/v2/speaker": true, "github.com/ebitengine/oto/v3": true, "net/http": true,
		"os/exec": true, // audio/voice runs speech programs, and cli looks for one
	}
	for _, list := range may {
		for _, name := range list {
			guarded[name] = true
		}
	}

	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "guided/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); seen++ {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		allowed, known := may[p.ImportPath]
		if !known {
			t.Errorf("the package %s is not in the table", p.ImportPath)
		}
		for _, name := range p.Imports {
			if (guarded[name] || strings.HasPrefix(name, "guided/")) && !slices.Contains(allowed, name) {
				t.Errorf("%s may not import %s", p.ImportPath, name)
			}
		}
	}
	if seen != len(may) {
		t.Errorf("%d packages, the table has %d", seen, len(may))
	}
	// purego has a package for programs that use cgo; it is not built where cgo is off.
	cgo, err := exec.Command("go", "list", "-deps", "-f", "{{if .CgoFiles}}{{if not .Standard}}{{.ImportPath}}{{end}}{{end}}", "guided").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields(string(cgo)) {
		if name != "github.com/ebitengine/purego/internal/cgo" {
			t.Errorf("%s needs cgo", name)
		}
	}
}
