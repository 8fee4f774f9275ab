package output

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"guided/audio/audiotest"
)

// pulseSurroundings are the folders and variables that decide where a server is looked for, empty at first.
type pulseSurroundings struct{ home, config, runtime string }

func newPulseSurroundings(t testing.TB) pulseSurroundings {
	dir := t.TempDir()
	s := pulseSurroundings{dir + "/home", dir + "/home/.config/pulse", dir + "/run"}
	for _, folder := range []string{s.config, s.runtime + "/pulse"} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range map[string]string{
		"HOME": s.home, "XDG_RUNTIME_DIR": s.runtime, "XDG_CONFIG_HOME": "", "DISPLAY": "", "PULSE_SERVER": "",
		"PULSE_CLIENTCONFIG": dir + "/none", "PULSE_RUNTIME_PATH": "", "PULSE_SINK": "", "PULSE_COOKIE": "",
	} {
		t.Setenv(name, value)
	}
	return s
}

func writeText(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// servers is where a server is looked for.
func servers(t testing.TB) string {
	t.Helper()
	c, err := findPulse()
	if err != nil {
		return err.Error()
	}
	var list []string
	for _, a := range c.servers {
		list = append(list, a.network+" "+a.address)
	}
	return strings.Join(list, ", ")
}

func TestFindPulseServerStrings(t *testing.T) {
	newPulseSurroundings(t)
	for text, want := range map[string]string{
		"/run/native":                        "unix /run/native",
		"unix:/run/native tcp:hall:5000":     "unix /run/native, tcp hall:5000",
		"hall":                               "tcp hall:4713",
		"hall:77":                            "tcp hall:77",
		"tcp4:hall":                          "tcp4 hall:4713",
		"tcp6:[::1]":                         "tcp6 [::1]:4713",
		"tcp6:[::1]:99":                      "tcp6 [::1]:99",
		"::1":                                "tcp [::1]:4713",
		"{elsewhere}unix:/a /b":              "unix /b",
		"{" + machineID() + "}unix:/a   /b ": "unix /a, unix /b",
		"{" + machineID() + "}/a":            "unix /a",
		"{elsewhere}unix:/a":                 `PULSE_SERVER = "{elsewhere}unix:/a" names no server of this machine`,
		"{}/a":                               `PULSE_SERVER = "{}/a" names no server of this machine`,
		strings.Repeat("/a ", 100):           strings.TrimSuffix(strings.Repeat("unix /a, ", maxPulseServers), ", "),
	} {
		t.Setenv("PULSE_SERVER", text)
		if got := servers(t); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestFindPulseInOrder(t *testing.T) {
	s := newPulseSurroundings(t)
	check := func(what, want string) {
		t.Helper()
		if got := servers(t); !strings.HasPrefix(got, want) {
			t.Errorf("%s: looked at %s, want %s first", what, got, want)
		}
	}
	t.Setenv("XDG_RUNTIME_DIR", "")
	check("no folder", "unix "+s.config+"/"+machineID()+"-runtime/native, unix /run/pulse/native")
	t.Setenv("XDG_RUNTIME_DIR", s.runtime)
	check("XDG_RUNTIME_DIR", "unix "+s.runtime+"/pulse/native, unix /run/pulse/native")
	t.Setenv("PULSE_RUNTIME_PATH", "/here")
	check("PULSE_RUNTIME_PATH", "unix /here/native, unix /run/pulse/native")

	named := writeText(t, s.home+"/named.conf", "# default-server = /commented\n\n; x\n default-server = unix:/named # ours\nautospawn = no\nauto-connect-localhost=yes")
	t.Setenv("PULSE_CLIENTCONFIG", named)
	check("PULSE_CLIENTCONFIG", "unix /named")
	writeText(t, named+".d/10-first.conf", "default-server = /first")
	writeText(t, named+".d/20-second.conf", ".include ../second.inc")
	writeText(t, named+".d/30-no", "default-server = /no")
	writeText(t, s.home+"/second.inc", "default-server = /second\n.include second.inc\n")
	check("client.conf.d", "unix /second")
	writeText(t, s.config+"/client.conf", "default-server = /user")
	check("PULSE_CLIENTCONFIG before the user's", "unix /second")
	t.Setenv("PULSE_CLIENTCONFIG", "")
	check("the user's", "unix /user")
	t.Setenv("XDG_CONFIG_HOME", s.home+"/elsewhere")
	writeText(t, s.home+"/elsewhere/pulse/client.conf", "default-server = /elsewhere")
	check("XDG_CONFIG_HOME", "unix /elsewhere")
	t.Setenv("PULSE_SERVER", "/set")
	check("PULSE_SERVER", "unix /set")
	t.Setenv("PULSE_SERVER", " ")
	t.Setenv("PULSE_CLIENTCONFIG", writeText(t, s.home+"/tcp.conf", "default-server =\nauto-connect-localhost = yes\nauto-connect-display = 1"))
	t.Setenv("DISPLAY", "desk:0")
	if got, want := servers(t), "tcp4 127.0.0.1:4713, tcp6 [::1]:4713, tcp desk:4713"; !strings.HasSuffix(got, want) {
		t.Errorf("looked at %s, want %s last", got, want)
	}
}

// A client.conf that is a folder, a FIFO, endless or a circle is read within bounds.
func TestFindPulseBrokenClientConf(t *testing.T) {
	s := newPulseSurroundings(t)
	for name, path := range map[string]string{
		"a folder":  s.home,
		"endless":   "/dev/zero",
		"very long": writeText(t, s.home+"/long.conf", strings.Repeat("default-server = /long\n", 1<<16)),
		"a circle":  writeText(t, s.home+"/circle.conf", strings.Repeat(".include circle.conf\n", 1000)),
	} {
		t.Setenv("PULSE_CLIENTCONFIG", path)
		if got := servers(t); !strings.Contains(got, "unix ") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestFindPulseSinkAndCookie(t *testing.T) {
	s := newPulseSurroundings(t)
	cookie := func() string {
		c, err := findPulse()
		if err != nil {
			t.Fatal(err)
		}
		b := c.cookie()
		return c.defaultSink + " " + strings.TrimRight(string(b[:8]), "\x00")
	}
	check := func(want string) {
		t.Helper()
		if got := cookie(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	file := func(path, text string) string {
		return writeText(t, path, text+strings.Repeat("\x00", 256-len(text)))
	}
	check(" ")
	file(s.home+"/.pulse-cookie", "old")
	check(" old")
	file(s.config+"/cookie", "user")
	check(" user")
	file(s.home+"/cookies/conf", "conf")
	t.Setenv("PULSE_CLIENTCONFIG", writeText(t, s.home+"/a.conf", "cookie-file = cookies/conf\ndefault-sink = hall"))
	check("hall conf")
	t.Setenv("PULSE_COOKIE", file(s.home+"/set", "set"))
	t.Setenv("PULSE_SINK", "bath")
	check("bath set")
	t.Setenv("PULSE_COOKIE", writeText(t, s.home+"/short", "cut"))
	check("bath conf")
}

// A server is found wherever pactl finds it, and a message names all places where none was.
func TestPulseIsFoundWherePactlFindsIt(t *testing.T) {
	server := startPulseaudio(t)
	os.Unsetenv("PULSE_SERVER") // startPulseaudio restores it; pactl takes an empty one for a server
	conf := writeText(t, server.dir+"/named.conf", "default-server = unix:"+server.socket)
	folder := server.dir + "/runtime"
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(server.socket, folder+"/native"); err != nil {
		t.Fatal(err)
	}
	for _, setting := range []string{
		"PULSE_SERVER=" + server.socket, "PULSE_SERVER=unix:/nowhere {no}/x " + server.socket,
		"PULSE_CLIENTCONFIG=" + conf, "PULSE_RUNTIME_PATH=" + folder, "XDG_RUNTIME_DIR=" + server.dir + "/nothing",
	} {
		t.Run(setting[:strings.Index(setting, "=")], func(t *testing.T) {
			name, value, _ := strings.Cut(setting, "=")
			t.Setenv(name, value)
			found := exec.Command("pactl", "info").Run() == nil
			err := Probe(t.Context(), "pulse", audiotest.Logger(t))
			if found != (err == nil) {
				t.Errorf("pactl finds it: %v; guided: %v", found, err)
			}
			if err != nil && (!strings.Contains(err.Error(), value+"/pulse/native") || !strings.Contains(err.Error(), "/run/pulse/native")) {
				t.Errorf("the error is %v, and does not say where it looked", err)
			}
		})
	}
}

func TestPulseDefaultSinkOfTheUser(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startPulseaudio(t)
	server.pactl("load-module", "module-null-sink", "sink_name=kitchen", "norewinds=1")
	server.pactl("set-default-sink", "mat")
	t.Setenv("PULSE_SINK", "kitchen")
	p := play(t, openOutput(t, "pulse", 0), audiotest.NewNoise(60*48000))
	p.waitHeard(t, 4800)
	input := strings.Fields(server.pactl("list", "short", "sink-inputs"))
	kitchen := ""
	for line := range strings.Lines(server.pactl("list", "short", "sinks")) {
		if strings.Contains(line, "kitchen") {
			kitchen = strings.Fields(line)[0]
		}
	}
	if input[1] != kitchen {
		t.Errorf("it plays to sink %s, want %s", input[1], kitchen)
	}
	p.cancel()
	t.Setenv("PULSE_SINK", "bath")
	err := Probe(t.Context(), "pulse", audiotest.Logger(t))
	if err == nil || !strings.Contains(err.Error(), `no sink "bath", which PULSE_SINK`) {
		t.Errorf("the error is %v", err)
	}
	err = Probe(t.Context(), "pulse:mat.monitor", audiotest.Logger(t))
	if err == nil || !strings.Contains(err.Error(), `use "pulse:mat"`) {
		t.Errorf("the error of a monitor is %v", err)
	}
}
