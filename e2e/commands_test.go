package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"guided/audio/voice"
	"guided/cli"
	"guided/routines"
)

func TestRunExitCodes(t *testing.T) {
	config := filepath.Join(isolate(t), "guided.toml")
	if err := os.WriteFile(config, []byte("[mqtt]\nbroker = \"mqtt://127.0.0.1:1\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	in := func(d time.Duration) string { return time.Now().Add(d).Format(time.RFC3339) }
	for name, tt := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no command: the help":                {nil, cli.Done, "serve"},
		"an unknown command":                  {[]string{"sing"}, cli.Misuse, "guided --help"},
		"render without a file":               {[]string{"render", "4-4-6"}, cli.Misuse, "--output"},
		"a routine that does not exist":       {[]string{"show", "4-4-7"}, cli.Failed, `did you mean "4-4-6"`},
		"a settings file that does not exist": {[]string{"--config", "/nowhere/guided.toml", "list"}, cli.Failed, "/nowhere/guided.toml"},
		"a length that is too short":          {[]string{"show", "4-4-6", "--for", "5s"}, cli.Failed, "at least"},
		"a negative length":                   {[]string{"show", "4-4-6", "--for=-5s"}, cli.Failed, "negative"},
		"an end and a length":                 {[]string{"show", "4-4-6", "--for", "5m", "--until", "08:10"}, cli.Misuse, "--until"},
		"an end that is no time":              {[]string{"show", "4-4-6", "--until", "soon"}, cli.Failed, `--until: "soon" is not a time`},
		"an end that has passed":              {[]string{"play", "4-4-6", "--until", "2026-01-01T08:10:00Z"}, cli.Failed, "has passed"},
		"an end that is too soon":             {[]string{"show", "4-4-6", "--until", in(20 * time.Second)}, cli.Failed, "at the earliest"},
		"an end that is possible":             {[]string{"show", "4-4-6", "--until", in(20 * time.Minute)}, cli.Done, "Four four six, 19:"},
		"fades":                               {[]string{"show", "unwind", "--fade-in", "1m", "--fade-out", "2m"}, cli.Done, "rising over 1:00, sinking over 2:00"},
		"a negative fade":                     {[]string{"show", "4-4-6", "--fade-in=-5s"}, cli.Failed, "--fade-in: -5s"},
		"a proof of what fades":               {[]string{"prove", "4-4-6", "--fade-out", "1m"}, cli.Failed, "leave out"},
		"version":                             {[]string{"version"}, cli.Done, "guided "},
		"voices":                              {[]string{"voices"}, cli.Done, "heart: "},
		"send without a daemon":               {[]string{"--config", config, "send", "status"}, cli.Failed, "127.0.0.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, stderr := runCommand(t, tt.args...)
			if code != tt.code || !strings.Contains(out+stderr, tt.want) {
				t.Errorf("exit %d, want %d; output:\n%s%s", code, tt.code, out, stderr)
			}
		})
	}
}

func TestList(t *testing.T) {
	dir := isolate(t)
	if err := os.MkdirAll(filepath.Join(dir, "routines"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "routines", "mine.toml"), []byte("title = \"Mine\"\n[[step]]\nhold = 5\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	code, out, _ := runCommand(t, "list")
	if code != cli.Done || !regexp.MustCompile(`(?m)^4-4-6 +3:\d\d +Four four six +chair`).MatchString(out) || !strings.Contains(out, "guided check mine") {
		t.Errorf("%d:\n%s", code, out)
	}
	code, out, _ = runCommand(t, "--json", "list")
	var list []cli.ListedRoutine
	if err := json.Unmarshal([]byte(out), &list); err != nil || code != cli.Done || len(list) < 2 {
		t.Fatalf("%d: %v:\n%s", code, err, out)
	}
	for name, tt := range map[string]struct {
		flags      []string
		has, lacks string
	}{
		"position and longest length": {[]string{"--position", "chair", "--under", "3m"}, "three-breaths", "4-4-6"},
		"no equipment":                {[]string{"--equipment", "none"}, "4-4-6", "strength"},
		"a tag":                       {[]string{"--tag", "sleep"}, "4-7-8", "desk"},
		"shortest length":             {[]string{"--over", "8m"}, "unwind", "4-4-6"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, _ := runCommand(t, append([]string{"list"}, tt.flags...)...)
			if code != cli.Done || !strings.Contains(out, tt.has+" ") || strings.Contains(out, tt.lacks+" ") || strings.Contains(out, "mine") {
				t.Errorf("%d:\n%s", code, out)
			}
		})
	}
	if code, _, stderr := runCommand(t, "list", "--position", "sofa"); code != cli.Failed || !strings.Contains(stderr, "chair, floor") {
		t.Errorf("%d: %s", code, stderr)
	}
	code, out, _ = runCommand(t, "check", "mine")
	if code != cli.Failed || !strings.Contains(out, `mine.toml:3`) || !strings.Contains(out, `"5s"`) {
		t.Errorf("%d:\n%s", code, out)
	}
}

func TestShow(t *testing.T) {
	isolate(t)
	code, out, _ := runCommand(t, "show", "four four six")
	if code != cli.Done {
		t.Fatal(out)
	}
	for _, want := range []string{"Four four six, 3:", "Breathe  (13 × in 4 hold 4 out 6)", "█"} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is missing in:\n%s", want, out)
		}
	}
	code, out, _ = runCommand(t, "show", "4-4-6", "--cues")
	if code != cli.Done || !strings.Contains(out, `say "In,"`) {
		t.Errorf("%d:\n%s", code, out)
	}
	var score routines.Score
	if code, out, _ = runCommand(t, "--json", "show", "4-4-6"); code != cli.Done || json.Unmarshal([]byte(out), &score) != nil || score.Steps != 6 {
		t.Errorf("%d: %.200s", code, out)
	}
}

func TestCheckBuiltInRoutines(t *testing.T) {
	isolate(t)
	t.Setenv("PATH", t.TempDir()) // no espeak-ng: the embedded voice has every phrase itself
	code, out, stderr := runCommand(t, "check")
	if code != cli.Done || strings.Contains(out, "but:") {
		t.Errorf("%d:\n%s%s", code, out, stderr)
	}
}

func TestRender(t *testing.T) {
	dir := isolate(t)
	a, b := filepath.Join(dir, "a.wav"), filepath.Join(dir, "b.wav")
	for _, file := range []string{a, b} {
		if code, _, stderr := runCommand(t, "render", "4-4-6", "--for", "1m", "-o", file); code != cli.Done {
			t.Fatal(stderr)
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
	code, out, _ := runCommand(t, "render", "4-4-6", "--for", "1m", "-o", "-")
	if code != cli.Done || out != string(first) {
		t.Errorf("%d: what is written to standard output is not the file", code)
	}
	t.Run("into a folder that does not exist", func(t *testing.T) {
		code, _, stderr := runCommand(t, "render", "4-4-6", "-o", filepath.Join(dir, "none", "a.wav"))
		if code != cli.Failed || !strings.Contains(stderr, "none") {
			t.Errorf("%d: %s", code, stderr)
		}
	})
}

func TestPlayOnNullOutput(t *testing.T) {
	dir := isolate(t)
	config := filepath.Join(dir, "guided.toml")
	if err := os.WriteFile(config, []byte("[audio]\noutput = \"null\"\nlead_in = \"0s\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	routine := filepath.Join(dir, "routines", "short.toml")
	if err := os.MkdirAll(filepath.Dir(routine), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(routine, []byte(shortRoutine), 0o644); err != nil {
		t.Fatal(err)
	}
	code, out, stderr := runCommand(t, "--config", config, "play", "short")
	if code != cli.Done || !strings.Contains(out, "2/2 Stay") || !strings.HasSuffix(out, "finished\n") {
		t.Errorf("%d:\n%s%s", code, out, stderr)
	}
}

func TestDemoWithoutSoundDevice(t *testing.T) {
	t.Chdir(t.TempDir())
	isolate(t)
	t.Setenv("PULSE_SERVER", "unix:/nowhere")
	t.Setenv("ALSA_CONFIG_PATH", "/nowhere") // no sound device of this machine is found
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	log := &syncBuffer{}
	ended := make(chan int, 1)
	go func() { ended <- cli.Run(ctx, []string{"demo"}, log, log) }()
	waitFor(t, "the first step", func() bool { return strings.Contains(log.String(), "Settle") })
	cancel()
	if code := <-ended; code != cli.Done {
		t.Errorf("interrupted, it ends with %d", code)
	}
	for _, want := range []string{"sound:   none. there is nothing to play to", cli.DemoFile} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, log)
		}
	}
	if _, err := os.Stat(cli.DemoFile); err != nil {
		t.Error(err)
	}
}

func TestDemoIntoWAVFile(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "HOME"} {
		t.Setenv(name, t.TempDir())
	}
	if voice.EmbeddedVoices() == nil {
		t.Fatal("no voice is embedded")
	}
	var out bytes.Buffer
	code := cli.Run(context.Background(), []string{"demo", "--output", "wav:kept.wav", "--for", "55s"}, &out, &out)
	if code != cli.Done {
		t.Fatalf("%d: %s", code, out.String())
	}
	for _, want := range []string{"guided/demo/command", `"status":"ok"`, "Breathe", "finished"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is missing in:\n%s", want, out.String())
		}
	}
	if info, err := os.Stat("kept.wav"); err != nil || info.Size() < 30*48000*4 {
		t.Errorf("kept.wav: %v %v", info, err)
	}
}

func TestVoicesBuildWithWrongArguments(t *testing.T) {
	dir := filepath.Join(isolate(t), "mine")
	writeFile(t, filepath.Join(dir, "phrases"), "# more\n\nSit down, and breathe.\n")
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"neither a server nor a program":                  {nil, "--wyoming tcp://"},
		"both a server and a program":                     {[]string{"--wyoming", "tcp://localhost", "--", "espeak-ng"}, "not both"},
		"--voice with a program":                          {[]string{"--voice", "amy", "--", "espeak-ng"}, "--wyoming"},
		"an address without a scheme":                     {[]string{"--wyoming", "localhost"}, "tcp://127.0.0.1:10200"},
		"a file of phrases that does not exist":           {[]string{"--phrases", "none", "--", "espeak-ng"}, "reading the phrases"},
		"--again with an unknown text, which has a comma": {[]string{"--again", "Sing, or hum.", "--", "espeak-ng"}, `"Sing, or hum." is not a text`},
		"--again with a mistyped text of the phrases": {[]string{"--phrases", filepath.Join(dir, "phrases"), "--again", "Sit down, and breath.", "--", "espeak-ng", "--stdin"},
			`did you mean "Sit down, and breathe."`},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, stderr := runCommand(t, append([]string{"voices", "build", dir}, tt.args...)...)
			if code != cli.Failed || !strings.Contains(stderr, tt.want) {
				t.Errorf("exit %d:\n%s%s", code, out, stderr)
			}
		})
	}
}
