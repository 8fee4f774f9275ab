package main

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

// TestImports holds the house together: imports run one way, routines <- audio <- player <- mqtt <- main.
func TestImports(t *testing.T) {
	may := map[string][]string{ // what a package may import of ours and of those that matter; the rest of the world is free
		"guided/routines":  {"github.com/BurntSushi/toml"},
		"guided/audio":     {"guided/routines", "github.com/gopxl/beep/v2", "github.com/jfreymuth/pulse/proto", "github.com/ebitengine/purego"},
		"guided/player":    {"guided/routines", "guided/audio", "github.com/gopxl/beep/v2"},
		"guided/mqtt":      {"guided/player", "github.com/eclipse/paho.mqtt.golang", "github.com/mochi-mqtt/server/v2", "github.com/mochi-mqtt/server/v2/listeners", "github.com/mochi-mqtt/server/v2/packets"},
		"guided/web":       {"guided/routines", "guided/audio", "guided/player", "net/http"},
		"guided/satellite": {"guided/player", "github.com/gorilla/websocket"},
		"guided":           {"guided/routines", "guided/audio", "guided/player", "guided/mqtt", "guided/web", "guided/satellite", "github.com/BurntSushi/toml"},
	}
	guarded := map[string]bool{
		"github.com/gopxl/beep/v2/speaker": true, "github.com/ebitengine/oto/v3": true, "net/http": true,
		"os/exec": true, // speech programs belong to audio, and main looks for one
	}
	for _, list := range may {
		for _, name := range list {
			guarded[name] = true
		}
	}
	may["guided/audio"] = append(may["guided/audio"], "os/exec")
	may["guided"] = append(may["guided"], "os/exec")

	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
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
			t.Errorf("the package %s has no place in the house", p.ImportPath)
		}
		for _, name := range p.Imports {
			if (guarded[name] || strings.HasPrefix(name, "guided/")) && !contains(allowed, name) {
				t.Errorf("%s may not import %s", p.ImportPath, name)
			}
		}
	}
	if seen != len(may) {
		t.Errorf("%d packages, the table has %d", seen, len(may))
	}
	// purego has a part for programs that use cgo themselves; it is left out where cgo is off.
	cgo, err := exec.Command("go", "list", "-deps", "-f", "{{if .CgoFiles}}{{if not .Standard}}{{.ImportPath}}{{end}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields(string(cgo)) {
		if name != "github.com/ebitengine/purego/internal/cgo" {
			t.Errorf("%s needs cgo", name)
		}
	}
}

func contains(list []string, name string) bool {
	for _, s := range list {
		if s == name {
			return true
		}
	}
	return false
}
