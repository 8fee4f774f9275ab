package cli

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// printed runs a command that succeeds and returns what it prints.
func printed(t *testing.T, args ...string) string {
	t.Helper()
	var out, stderr bytes.Buffer
	if code := Run(context.Background(), args, &out, &stderr); code != Done {
		t.Fatalf("%v: exit %d\n%s", args, code, &stderr)
	}
	return out.String()
}

func TestComplete(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("XDG_CONFIG_HOME", dir)
	mine := filepath.Join(dir, "mine.toml")
	if err := os.WriteFile(filepath.Join(dir, "settings.toml"), []byte("[routines]\ndir = \""+dir+"\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(mine, []byte("title = \"Mine\"\n[[step]]\nsay = \"Well done.\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		words       []string
		some, never []string
	}{
		"nothing yet: the commands":            {nil, []string{"play", "send", "completion"}, []string{"complete", "man", "4-4-6"}},
		"the beginning of a command":           {[]string{"st"}, []string{"status"}, []string{"send"}},
		"a routine to play":                    {[]string{"play", "4"}, []string{"4-4-6", "4-7-8"}, []string{"yoga"}},
		"a routine behind flags":               {[]string{"play", "--for", "5m", "--no-holds", "yo"}, []string{"yoga"}, nil},
		"a routine behind a short flag":        {[]string{"render", "-o", "x.wav", "yo"}, []string{"yoga"}, nil},
		"one routine is enough":                {[]string{"play", "yoga", ""}, nil, []string{"4-4-6"}},
		"any number of files to check":         {[]string{"check", "yoga", ""}, []string{"4-4-6"}, nil},
		"your own routines, of the settings":   {[]string{"--config", filepath.Join(dir, "settings.toml"), "show", "mi"}, []string{"mine"}, nil},
		"a flag":                               {[]string{"play", "--ve"}, []string{"--verbosity", "--version"}, []string{"--voice"}},
		"a flag's value":                       {[]string{"play", "--verbosity", ""}, []string{"full", "short", "minimal"}, []string{"4-4-6"}},
		"a flag's value that nobody can guess": {[]string{"play", "--for", ""}, nil, []string{"4-4-6"}},
		"a verb to send":                       {[]string{"send", "sk"}, []string{"skip_run"}, []string{"start"}},
		"a routine to send":                    {[]string{"send", "start", "yo"}, []string{"yoga"}, nil},
		"a command within a command":           {[]string{"ha", ""}, []string{"sentences", "purge"}, []string{"play"}},
		"a shell":                              {[]string{"completion", ""}, []string{"bash", "zsh", "fish"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var found []string
			for line := range strings.Lines(printed(t, append([]string{"complete", "--"}, tt.words...)...)) {
				word, _, _ := strings.Cut(line, "\t")
				found = append(found, word)
			}
			for _, word := range tt.some {
				if !slices.Contains(found, word) {
					t.Errorf("%s is missing in %v", word, found)
				}
			}
			for _, word := range tt.never {
				if slices.Contains(found, word) {
					t.Errorf("%s is among %v", word, found)
				}
			}
		})
	}
}

func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		t.Run(shell, func(t *testing.T) {
			script := printed(t, "completion", shell)
			program, err := exec.LookPath(shell)
			if err != nil && shell != "bash" { // which every Debian has
				t.Logf("no %s is installed; its script is not parsed", shell)
				return
			}
			check := exec.Command(program, "-n")
			check.Stdin = strings.NewReader(script)
			if out, err := check.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func TestManualHasEveryCommandAndFlag(t *testing.T) {
	page := printed(t, "man")
	help := printed(t, "--help")
	names := regexp.MustCompile(`(?m)^  ([a-z]+(?: [a-z]+)?)\b.*(?:\[flags\]|\.\.\.|>)`).FindAllStringSubmatch(help, -1)
	if len(names) < 15 {
		t.Fatalf("only %d commands were found in\n%s", len(names), help)
	}
	for _, name := range names {
		if !strings.Contains(page, ".SS guided "+name[1]) {
			t.Errorf("%q is missing", name[1])
		}
	}
	for _, hidden := range []string{"guided complete ", "guided man"} {
		if strings.Contains(page, ".SS "+hidden) {
			t.Errorf("%q is there", hidden)
		}
	}
	if !strings.Contains(page, `\-\-fade\-out`) || !strings.Contains(page, `\-\-config=FILE`) {
		t.Error("flags are missing")
	}
	if settings := printed(t, "man", "5"); !strings.Contains(settings, "[mqtt]") || regexp.MustCompile(`(?m)^'`).MatchString(settings) {
		t.Error("the settings are not whole")
	}
	if man, err := exec.LookPath("man"); err == nil {
		render := exec.Command(man, "--warnings", "-l", "-")
		render.Env = append(os.Environ(), "MANPAGER=cat", "LC_ALL=C.UTF-8")
		render.Stdin = strings.NewReader(page)
		var complaints bytes.Buffer
		render.Stderr = &complaints
		if out, err := render.Output(); err != nil || complaints.Len() > 0 || !bytes.Contains(out, []byte("--fade-out=5m")) {
			t.Errorf("%v\n%s", err, &complaints)
		}
	}
}

func TestVersion(t *testing.T) {
	if a, b := printed(t, "version"), printed(t, "--version"); a != b || !strings.HasPrefix(a, "guided ") {
		t.Errorf("%q and %q", a, b)
	}
	if text := printed(t, "--json", "version"); !strings.Contains(text, `"go": "go1.`) {
		t.Error(text)
	}
}
