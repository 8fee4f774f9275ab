package output

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

type pulseAddress struct{ network, address string }

// pulseServers is where servers may listen, as PulseAudio's own programs look for them.
func pulseServers() ([]pulseAddress, error) {
	text, set := os.LookupEnv("PULSE_SERVER")
	if !set {
		dir := os.Getenv("XDG_RUNTIME_DIR")
		if dir == "" {
			return nil, errors.New("neither PULSE_SERVER nor XDG_RUNTIME_DIR is set")
		}
		return []pulseAddress{{"unix", filepath.Join(dir, "pulse", "native")}}, nil
	}
	host, _ := os.Hostname() // without one, no address that is for one host applies
	var list []pulseAddress
	for _, word := range strings.Fields(text) {
		if rest, is := strings.CutPrefix(word, "{"); is {
			only, address, _ := strings.Cut(rest, "}")
			if only != host {
				continue
			}
			word = address
		}
		if word != "" {
			list = append(list, pulseAddressOf(word))
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("PULSE_SERVER=%q names no server", text)
	}
	return list, nil
}

func pulseAddressOf(word string) pulseAddress {
	if word[0] == '/' {
		return pulseAddress{"unix", word}
	}
	if path, is := strings.CutPrefix(word, "unix:"); is {
		return pulseAddress{"unix", path}
	}
	network, address := "tcp", word
	for prefix, n := range map[string]string{"tcp:": "tcp", "tcp4:": "tcp4", "tcp6:": "tcp6"} {
		if rest, is := strings.CutPrefix(word, prefix); is {
			network, address = n, rest
		}
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		address = net.JoinHostPort(strings.Trim(address, "[]"), "4713")
	}
	return pulseAddress{network, address}
}

// pulseCookie is the password of the user's server. Servers that know the user by his socket take any.
func pulseCookie() []byte {
	home := os.Getenv("HOME")
	config := os.Getenv("XDG_CONFIG_HOME")
	if config == "" {
		config = filepath.Join(home, ".config")
	}
	for _, path := range []string{os.Getenv("PULSE_COOKIE"), filepath.Join(config, "pulse", "cookie"), filepath.Join(home, ".pulse-cookie")} {
		if cookie, err := os.ReadFile(path); err == nil && len(cookie) == 256 {
			return cookie
		}
	}
	return make([]byte, 256)
}
