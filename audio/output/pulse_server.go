package output

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
)

// A sound server is looked for where PulseAudio's own programs look (pulse-client.conf(5) and src/pulse/context.c):
//
//  1. PULSE_SERVER, where it is set and not empty
//  2. default-server in client.conf: the file that PULSE_CLIENTCONFIG names, else the user's, else /etc/pulse/client.conf;
//     each with the files *.conf of the folder of its name and ".d", which override it
//  3. the socket "native" in the user's runtime folder: PULSE_RUNTIME_PATH, else XDG_RUNTIME_DIR/pulse, else
//     ~/.config/pulse/MACHINE-runtime
//  4. the socket of a system-wide server in /run/pulse
//  5. this host over TCP, and the host of DISPLAY, where client.conf says auto-connect-localhost or -display
//
// The keys autospawn, default-source and those of shared memory are of no use here and ignored.

// pulseClient is what the environment and client.conf tell a client.
type pulseClient struct {
	servers     []pulseAddress
	from        string // where the servers are named, for people
	defaultSink string // empty for the server's own default
	cookieFiles []string
}

// pulseAddress is an address for net.Dial.
type pulseAddress struct{ network, address string }

func (a pulseAddress) String() string { return a.network + ":" + a.address }

// maxPulseServers is how many servers of a list are tried: each may take seconds.
const maxPulseServers = 8

// findPulse reads the environment and client.conf. It fails when the server that they name cannot be understood.
func findPulse() (pulseClient, error) {
	conf := readClientConf()
	home, config := homeDir(), pulseConfigDir()
	c := pulseClient{defaultSink: cmp.Or(os.Getenv("PULSE_SINK"), conf["default-sink"])}
	for _, path := range []string{os.Getenv("PULSE_COOKIE"), conf["cookie-file"], filepath.Join(config, "cookie"), filepath.Join(home, ".pulse-cookie")} {
		if path != "" && !filepath.IsAbs(path) {
			path = filepath.Join(home, path)
		}
		c.cookieFiles = append(c.cookieFiles, path)
	}
	text := os.Getenv("PULSE_SERVER")
	if c.from = "PULSE_SERVER"; text == "" {
		text, c.from = conf["default-server"], "default-server in "+conf["default-server file"]
	}
	if strings.TrimSpace(text) != "" {
		if c.servers = parsePulseServers(text); len(c.servers) == 0 {
			return c, fmt.Errorf("%s = %q names no server of this machine", c.from, text)
		}
		return c, nil
	}
	c.from = "the usual places"
	c.servers = []pulseAddress{{"unix", filepath.Join(pulseRuntimeDir(), "native")}, {"unix", "/run/pulse/native"}}
	if target, err := filepath.EvalSymlinks("/var/run"); err != nil || target != "/run" {
		c.servers = append(c.servers, pulseAddress{"unix", "/var/run/pulse/native"})
	}
	if isYes(conf["auto-connect-localhost"]) {
		c.servers = append(c.servers, pulseAddress{"tcp4", "127.0.0.1:4713"}, pulseAddress{"tcp6", "[::1]:4713"})
	}
	if host, _, _ := strings.Cut(os.Getenv("DISPLAY"), ":"); host != "" && isYes(conf["auto-connect-display"]) {
		c.servers = append(c.servers, parsePulseServers(host)...)
	}
	return c, nil
}

// isYes is the reading of a truth value in client.conf.
func isYes(value string) bool {
	return slices.Contains([]string{"1", "y", "yes", "t", "true", "on"}, strings.ToLower(value))
}

// parsePulseServers parses a list of servers, separated by spaces. One with the prefix {MACHINE} is left out on other
// machines (https://www.freedesktop.org/wiki/Software/PulseAudio/Documentation/User/ServerStrings/).
func parsePulseServers(text string) []pulseAddress {
	host, _ := os.Hostname() // without one, only the machine's id is known
	var list []pulseAddress
	for _, address := range strings.Fields(text) {
		if rest, ok := strings.CutPrefix(address, "{"); ok {
			machine, rest, _ := strings.Cut(rest, "}")
			if machine == "" || machine != machineID() && machine != host {
				continue
			}
			address = rest
		}
		if address != "" && len(list) < maxPulseServers {
			list = append(list, parsePulseAddress(address))
		}
	}
	return list
}

func parsePulseAddress(s string) pulseAddress {
	if s[0] == '/' {
		return pulseAddress{"unix", s}
	}
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		return pulseAddress{"unix", path}
	}
	network, address := "tcp", s
	for _, n := range []string{"tcp", "tcp4", "tcp6"} {
		if rest, ok := strings.CutPrefix(s, n+":"); ok {
			network, address = n, rest
		}
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		address = net.JoinHostPort(strings.Trim(address, "[]"), "4713")
	}
	return pulseAddress{network, address}
}

// pulseRuntimeDir is the folder of the user's server. Unlike PulseAudio's programs, nothing here creates it.
func pulseRuntimeDir() string {
	if dir := os.Getenv("PULSE_RUNTIME_PATH"); dir != "" {
		return dir
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, "pulse")
	}
	return filepath.Join(pulseConfigDir(), machineID()+"-runtime")
}

// pulseConfigDir is the folder of the user's client.conf and cookie: ~/.pulse of old, where it exists.
func pulseConfigDir() string {
	old := filepath.Join(homeDir(), ".pulse")
	if info, err := os.Stat(old); err == nil && info.IsDir() {
		return old
	}
	dir := os.Getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(homeDir(), ".config")
	}
	return filepath.Join(dir, "pulse")
}

// homeDir is the user's home folder, empty where there is none.
func homeDir() string {
	if dir := os.Getenv("HOME"); dir != "" {
		return dir
	}
	if u, err := user.Current(); err == nil {
		return u.HomeDir
	}
	return ""
}

// machineID is what PulseAudio calls this machine: its id (machine-id(5)), or the name of the host.
func machineID() string {
	for _, path := range []string{"/etc/machine-id", "/var/lib/dbus/machine-id"} {
		text, err := readSmallFile(path)
		if line, _, _ := strings.Cut(text, "\n"); err == nil && strings.TrimSpace(line) != "" {
			return strings.TrimSpace(line)
		}
	}
	host, _ := os.Hostname()
	return host
}

// Limits of client.conf, which is a page at most, with a few files beside it.
const (
	maxConfBytes = 64 << 10
	maxConfFiles = 100
)

// readClientConf reads the keys of client.conf. The key "default-server file" is the file that the server is named in. What
// cannot be read is left out, as PulseAudio's programs do.
func readClientConf() map[string]string {
	r := confReader{values: map[string]string{}}
	paths := []string{filepath.Join(pulseConfigDir(), "client.conf"), "/etc/pulse/client.conf"}
	if path := os.Getenv("PULSE_CLIENTCONFIG"); path != "" {
		paths = []string{path}
	}
	for _, path := range paths {
		if r.read(path) != nil {
			continue
		}
		entries, _ := os.ReadDir(path + ".d") // sorted; there may be none
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".conf") {
				_ = r.read(filepath.Join(path+".d", e.Name()))
			}
		}
		break
	}
	return r.values
}

type confReader struct {
	values map[string]string
	files  int
}

// read reads one file and those that it includes: lines of KEY = VALUE, comments that begin with # or ;, and .include
// FILE (src/pulsecore/conf-parser.c).
func (r *confReader) read(path string) error {
	if r.files++; r.files > maxConfFiles {
		return errors.New("too many files")
	}
	text, err := readSmallFile(path)
	if err != nil {
		return err
	}
	for line := range strings.Lines(text) {
		if i := strings.IndexAny(line, "#;"); i >= 0 {
			line = line[:i]
		}
		line = strings.TrimSpace(line)
		if file, ok := strings.CutPrefix(line, ".include "); ok {
			file = strings.TrimSpace(file)
			if !filepath.IsAbs(file) {
				file = filepath.Join(filepath.Dir(path), file)
			}
			_ = r.read(file) // what cannot be read is left out
			continue
		}
		if key, value, ok := strings.Cut(line, "="); ok {
			key = strings.TrimSpace(key)
			r.values[key] = strings.TrimSpace(value)
			r.values[key+" file"] = path
		}
	}
	return nil
}

// readSmallFile reads a text of up to maxConfBytes. It opens nothing but a regular file: a FIFO would never end.
func readSmallFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("no regular file")
	}
	if err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxConfBytes))
	return string(b), err
}

// pulseCookieBytes is the length of a cookie.
const pulseCookieBytes = 256

// cookie authenticates the user. Where there is none it is zero, which a server accepts that knows the user by the socket
// or takes everyone.
func (c pulseClient) cookie() []byte {
	for _, path := range c.cookieFiles {
		if text, err := readSmallFile(path); path != "" && err == nil && len(text) >= pulseCookieBytes {
			return []byte(text[:pulseCookieBytes])
		}
	}
	return make([]byte, pulseCookieBytes)
}
