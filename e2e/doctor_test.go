package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"guided/cli"
	"guided/config"
	"guided/history"
)

// runDoctor runs the doctor with settings, and returns its exit code and its findings by subject.
func runDoctor(t *testing.T, settings string) (int, map[string]cli.Finding) {
	t.Helper()
	return runDoctorOn(t, settingsFile(t, settings))
}

func runDoctorOn(t *testing.T, settingsFile string) (int, map[string]cli.Finding) {
	t.Helper()
	code, out, stderr := runCommand(t, "--json", "--config", settingsFile, "doctor")
	var list []cli.Finding
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatalf("%v:\n%s%s", err, out, stderr)
	}
	found := map[string]cli.Finding{}
	for _, f := range list {
		found[f.What] = f
	}
	return code, found
}

// linkProgram lets a program of this machine be found where the doctor looks for one.
func linkProgram(t *testing.T, home, name string) {
	t.Helper()
	path, err := exec.LookPath(name)
	for _, dir := range []string{"/bin", "/usr/bin"} { // PATH is the test's own already
		if err != nil {
			path, err = exec.LookPath(filepath.Join(dir, name))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(home, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, filepath.Join(home, "bin", name)); err != nil {
		t.Fatal(err)
	}
}

func TestDoctorFinds(t *testing.T) {
	const unheard = "title = \"Mine\"\n[[step]]\nsay = \"Xylophones are never recorded.\"\n"
	for name, tt := range map[string]struct {
		settings string
		prepare  func(t *testing.T, home string)
		what     string
		ok       bool
		says     string
	}{
		"a mistyped key in the settings": {settings: "[audio]\nouput = \"null\"\n", what: "settings", says: `did you mean "audio.output"`},
		"no broker":                      {what: "daemon", says: "nothing listens there"},
		"an output that does not exist": {settings: "[audio]\noutput = \"alsa:no-such-card\"\n", what: "sound",
			says: "guided devices"},
		"an output that is a file":    {settings: "[audio]\noutput = \"wav:HOME/out.wav\"\n", what: "sound", ok: true, says: "not heard"},
		"a voice that does not exist": {settings: "[voice]\nname = \"hart\"\n", what: "voice", says: "heart"},
		"the embedded voice":          {what: "voice", ok: true, says: "heart has"},
		"no speech program installed": {what: "engine", ok: true, says: "install espeak-ng"},
		"a speech program that does not exist": {settings: "[voice]\nengine = \"command\"\ncommand = [\"piper\"]\n", what: "engine",
			says: "not installed"},
		"a Wyoming server that is down": {settings: "[voice]\nengine = \"wyoming\"\nwyoming = \"tcp://UNUSED\"\n", what: "engine",
			says: "nothing listens there"},
		"a broken routine": {prepare: func(t *testing.T, home string) { writeFile(t, home+"/routines/mine.toml", "[[step]]\nhold = 5\n") },
			what: "routines", says: "guided check mine"},
		"a file in place of the folder of routines": {prepare: func(t *testing.T, home string) { writeFile(t, home+"/routines", "") },
			what: "routines", says: "routines.dir"},
		"no folder of routines": {what: "routines", ok: true, says: "none of your own"},
		"a phrase without a recording or an engine": {prepare: func(t *testing.T, home string) { writeFile(t, home+"/routines/mine.toml", unheard) },
			what: "phrases", says: "mine"},
		"a phrase that an engine speaks": {settings: "[voice]\nengine = \"command\"\ncommand = [\"piper\"]\n",
			prepare: func(t *testing.T, home string) { writeFile(t, home+"/routines/mine.toml", unheard) },
			what:    "phrases", ok: true, says: "left to piper"},
		"keys that are turned off": {settings: "[keys]\ndevices = []\n", what: "keys", ok: true, says: "off"},
		"a remote that is named and not there": {settings: "[keys]\ndevices = [\"No such remote\"]\n", what: "keys", ok: true,
			says: "No such remote is not there"},
		"a cache that cannot be written to": {prepare: func(t *testing.T, home string) { writeFile(t, home+"/cache", "") }, what: "cache",
			says: "not a directory"},
		"a speech program that gives no sound": {settings: "[voice]\nengine = \"command\"\ncommand = [\"echo\", \"hello\"]\n", what: "engine",
			prepare: func(t *testing.T, home string) { linkProgram(t, home, "echo") }, says: "neither WAV"},
		"a speech program that says nothing": {settings: "[voice]\nengine = \"command\"\ncommand = [\"true\"]\n", what: "engine",
			prepare: func(t *testing.T, home string) { linkProgram(t, home, "true") }, says: "empty"},
		"a full disk":                  {prepare: func(t *testing.T, home string) { mountSmall(t, home+"/state") }, what: "state", says: "make room on the disk"},
		"a full disk under the cache":  {prepare: func(t *testing.T, home string) { mountSmall(t, home+"/cache") }, what: "cache", says: "make room on the disk"},
		"a disk that can only be read": {prepare: func(t *testing.T, home string) { readOnly(t, home+"/state") }, what: "state", says: "nothing is remembered over a restart"},
		"a file of the state that was damaged": {prepare: func(t *testing.T, home string) { writeFile(t, home+"/state/guided/place.json.damaged", "x") },
			what: "state", ok: true, says: "place.json.damaged"},
		"a history with a damaged line": {prepare: func(t *testing.T, home string) {
			writeFile(t, config.StateFile(history.FileName, home+"/guided.toml"), "x\n")
		},
			what: "history", says: "line 1 first"},
		"a state folder that cannot be written to": {prepare: func(t *testing.T, home string) { writeFile(t, home+"/state", "") }, what: "state",
			says: "not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			home := isolate(t)
			t.Setenv("PATH", filepath.Join(home, "bin")) // no espeak-ng
			t.Setenv("XDG_CACHE_HOME", filepath.Join(home, "cache"))
			t.Setenv("XDG_STATE_HOME", filepath.Join(home, "state"))
			if tt.prepare != nil {
				tt.prepare(t, home)
			}
			address := unusedAddress(t)
			settings := strings.NewReplacer("HOME", home, "UNUSED", address).Replace(tt.settings)
			if !strings.Contains(settings, "[audio]") {
				settings += "[audio]\noutput = \"null\"\n"
			}
			file := filepath.Join(home, "guided.toml")
			writeFile(t, file, settings+"[mqtt]\nbroker = \"mqtt://"+address+"\"\n")
			code, found := runDoctorOn(t, file)
			if f := found[tt.what]; f.OK != tt.ok || !strings.Contains(f.Says, tt.says) {
				t.Errorf("%+v; want %q", f, tt.says)
			}
			if code != cli.Failed { // there is no broker in any case
				t.Errorf("exit %d", code)
			}
			if len(found) != 13 && tt.what != "settings" {
				t.Errorf("%d findings: %v", len(found), found)
			}
		})
	}
}

func TestDoctorDoesNotTruncateWAVOutput(t *testing.T) {
	file := filepath.Join(isolate(t), "out.wav")
	writeFile(t, file, "a session")
	runDoctor(t, "[audio]\noutput = \"wav:"+file+"\"\n[mqtt]\nbroker = \"mqtt://"+unusedAddress(t)+"\"\n")
	if got, err := os.ReadFile(file); string(got) != "a session" {
		t.Errorf("the file now holds %q: %v", got, err)
	}
}
