package homeassistant

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

func TestPackageAndBlueprintsWithHostileTopics(t *testing.T) {
	blueprints, err := Blueprints()
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range []string{"guided/mat", `a"b\c/mat`, "'quoted'/mat", "{x}/$1", "a:/b:", "*x/&y", "-/mat", "Küche/瞑想", "<a>&/b"} {
		t.Run(topic, func(t *testing.T) {
			var p struct {
				Scripts map[string]struct{ Action []map[string]any } `yaml:"intent_script"`
			}
			text := Package(topic, "Guided")
			if err := yaml.Unmarshal([]byte(text), &p); err != nil {
				t.Fatal(err)
			}
			if data, _ := p.Scripts["GuidedVolume"].Action[0]["data"].(map[string]any); data["topic"] != topic+"/command" {
				t.Errorf("the package publishes on %q", data["topic"])
			}
			for _, b := range blueprints {
				var f struct {
					Blueprint struct {
						Input map[string]struct{ Default any }
					}
				}
				const files = `http://mat:8099/$1/"/`
				text := b.For(topic, files)
				text = strings.NewReplacer("!input ", "").Replace(text)
				if err := yaml.Unmarshal([]byte(text), &f); err != nil {
					t.Fatal(b.Name, err)
				}
				if node, is := f.Blueprint.Input["node"]; is && node.Default != topic {
					t.Errorf("%s: the default of node is %q", b.Name, node.Default)
				}
				if base, is := f.Blueprint.Input["base"]; is != (b.Name == "speaker") || is && base.Default != files {
					t.Errorf("%s: the default of base is %q", b.Name, base.Default)
				}
			}
		})
	}
}
