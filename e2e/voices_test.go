package e2e

import (
	"guided/cli"
	"path/filepath"
	"strings"
	"testing"
)

func TestVoicesBuildIsAskedForWrongly(t *testing.T) {
	dir := filepath.Join(alone(t), "mine")
	put(t, filepath.Join(dir, "phrases"), "# more\n\nSit down, and breathe.\n")
	for name, tt := range map[string]struct {
		args []string
		says string
	}{
		"nobody speaks":                       {nil, "--wyoming tcp://"},
		"two speak":                           {[]string{"--wyoming", "tcp://localhost", "--", "espeak-ng"}, "not both"},
		"a voice for a program":               {[]string{"--voice", "amy", "--", "espeak-ng"}, "--wyoming"},
		"an address that is none":             {[]string{"--wyoming", "localhost"}, "tcp://127.0.0.1:10200"},
		"phrases that are not there":          {[]string{"--phrases", "none", "--", "espeak-ng"}, "reading the phrases"},
		"a text, with its comma, nobody says": {[]string{"--again", "Sing, or hum.", "--", "espeak-ng"}, `"Sing, or hum." is not a text`},
		"a slip in a text of the phrases": {[]string{"--phrases", filepath.Join(dir, "phrases"), "--again", "Sit down, and breath.", "--", "espeak-ng", "--stdin"},
			`did you mean "Sit down, and breathe."`},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, complaint := invoke(t, append([]string{"voices", "build", dir}, tt.args...)...)
			if code != cli.Failed || !strings.Contains(complaint, tt.says) {
				t.Errorf("exit %d:\n%s%s", code, out, complaint)
			}
		})
	}
}
