package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"guided/routines"
)

// cli runs one command as a user without settings of his own would.
func cli(t *testing.T, args ...string) (int, string, string) {
	t.Helper()
	var out, complaint bytes.Buffer
	code := run(context.Background(), args, &out, &complaint)
	return code, out.String(), complaint.String()
}

// alone gives a test a home of its own.
func alone(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"} {
		t.Setenv(name, dir)
	}
	return dir
}

func TestExitCodes(t *testing.T) {
	config := filepath.Join(alone(t), "guided.toml")
	if err := os.WriteFile(config, []byte("[mqtt]\nbroker = \"mqtt://127.0.0.1:1\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		args []string
		code int
		says string
	}{
		"no command shows the help":             {nil, done, "serve"},
		"an unknown command is wrong usage":     {[]string{"sing"}, misuse, "guided --help"},
		"render without a file is wrong usage":  {[]string{"render", "4-4-6"}, misuse, "--output"},
		"a routine that is not there fails":     {[]string{"show", "4-4-7"}, failed, `did you mean "4-4-6"`},
		"a settings file that is not there":     {[]string{"--config", "/nowhere/guided.toml", "list"}, failed, "/nowhere/guided.toml"},
		"a length that cannot be had fails":     {[]string{"show", "4-4-6", "--for", "5s"}, failed, "at least"},
		"a negative length fails":               {[]string{"show", "4-4-6", "--for=-5s"}, failed, "negative"},
		"the version is printed":                {[]string{"version"}, done, "guided "},
		"the voices are listed":                 {[]string{"voices"}, done, "heart: "},
		"no daemon: send says what to look for": {[]string{"--config", config, "send", "status"}, failed, "127.0.0.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, complaint := cli(t, tt.args...)
			if code != tt.code || !strings.Contains(out+complaint, tt.says) {
				t.Errorf("exit %d, want %d; it said:\n%s%s", code, tt.code, out, complaint)
			}
		})
	}
}

func TestList(t *testing.T) {
	dir := alone(t)
	if err := os.MkdirAll(filepath.Join(dir, "routines"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "routines", "mine.toml"), []byte("title = \"Mine\"\n[[step]]\nhold = 5\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	code, out, _ := cli(t, "list")
	if code != done || !regexp.MustCompile(`(?m)^4-4-6 +3:\d\d +Four four six +chair`).MatchString(out) || !strings.Contains(out, "guided check mine") {
		t.Errorf("%d:\n%s", code, out)
	}
	code, out, _ = cli(t, "--json", "list")
	var list []listed
	if err := json.Unmarshal([]byte(out), &list); err != nil || code != done || len(list) < 2 {
		t.Fatalf("%d: %v:\n%s", code, err, out)
	}
	for name, tt := range map[string]struct {
		flags      []string
		has, lacks string
	}{
		"on a chair, under three minutes": {[]string{"--position", "chair", "--under", "3m"}, "three-breaths", "4-4-6"},
		"with nothing at hand":            {[]string{"--equipment", "none"}, "4-4-6", "strength"},
		"for the night":                   {[]string{"--tag", "sleep"}, "4-7-8", "desk"},
		"longer than eight minutes":       {[]string{"--over", "8m"}, "unwind", "4-4-6"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, _ := cli(t, append([]string{"list"}, tt.flags...)...)
			if code != done || !strings.Contains(out, tt.has+" ") || strings.Contains(out, tt.lacks+" ") || strings.Contains(out, "mine") {
				t.Errorf("%d:\n%s", code, out)
			}
		})
	}
	if code, _, complaint := cli(t, "list", "--position", "sofa"); code != failed || !strings.Contains(complaint, "chair, floor") {
		t.Errorf("%d: %s", code, complaint)
	}
	code, out, _ = cli(t, "check", "mine")
	if code != failed || !strings.Contains(out, `mine.toml:3`) || !strings.Contains(out, `"5s"`) {
		t.Errorf("%d:\n%s", code, out)
	}
}

func TestShow(t *testing.T) {
	alone(t)
	code, out, _ := cli(t, "show", "four four six")
	if code != done {
		t.Fatal(out)
	}
	for _, want := range []string{"Four four six, 3:", "Breathe  (13 × in 4 hold 4 out 6)", "█"} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is missing in:\n%s", want, out)
		}
	}
	code, out, _ = cli(t, "show", "4-4-6", "--cues")
	if code != done || !strings.Contains(out, `say "In,"`) {
		t.Errorf("%d:\n%s", code, out)
	}
	var score routines.Score
	if code, out, _ = cli(t, "--json", "show", "4-4-6"); code != done || json.Unmarshal([]byte(out), &score) != nil || score.Steps != 6 {
		t.Errorf("%d: %.200s", code, out)
	}
}

func TestBarsFillTheirPlace(t *testing.T) {
	for _, tt := range [][3]int{{0, 1, 1000}, {0, 1000, 1000}, {999, 1, 1000}, {500, 13, 1000}, {487, 513, 1000}} {
		if b := []rune(bar(tt[0], tt[1], tt[2])); len(b) != barWidth {
			t.Errorf("bar(%v) is %d columns wide: %s", tt, len(b), string(b))
		}
	}
}

func TestBuiltInRoutinesHaveNoProblem(t *testing.T) {
	alone(t)
	t.Setenv("PATH", t.TempDir()) // no espeak-ng: the embedded voice has every phrase itself
	code, out, complaint := cli(t, "check")
	if code != done || strings.Contains(out, "but:") {
		t.Errorf("%d:\n%s%s", code, out, complaint)
	}
}

func TestRender(t *testing.T) {
	dir := alone(t)
	a, b := filepath.Join(dir, "a.wav"), filepath.Join(dir, "b.wav")
	for _, file := range []string{a, b} {
		if code, _, complaint := cli(t, "render", "4-4-6", "--for", "1m", "-o", file); code != done {
			t.Fatal(complaint)
		}
	}
	first, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Error("rendered twice, the files differ")
	}
	code, out, _ := cli(t, "render", "4-4-6", "--for", "1m", "-o", "-")
	if code != done || out != string(first) {
		t.Errorf("%d: what is written to standard output is not the file", code)
	}
	t.Run("a folder that is not there is an error, and leaves nothing", func(t *testing.T) {
		code, _, complaint := cli(t, "render", "4-4-6", "-o", filepath.Join(dir, "none", "a.wav"))
		if code != failed || !strings.Contains(complaint, "none") {
			t.Errorf("%d: %s", code, complaint)
		}
	})
}

func TestPlayOnNull(t *testing.T) {
	dir := alone(t)
	config := filepath.Join(dir, "guided.toml")
	if err := os.WriteFile(config, []byte("[audio]\noutput = \"null\"\nlead_in = \"0s\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	routine := filepath.Join(dir, "routines", "short.toml")
	if err := os.MkdirAll(filepath.Dir(routine), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(routine, []byte(short), 0o644); err != nil {
		t.Fatal(err)
	}
	code, out, complaint := cli(t, "--config", config, "play", "short")
	if code != done || !strings.Contains(out, "2/2 Stay") || !strings.HasSuffix(out, "finished\n") {
		t.Errorf("%d:\n%s%s", code, out, complaint)
	}
}
